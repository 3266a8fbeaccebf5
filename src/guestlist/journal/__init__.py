"""What happened at the sites, line by line: shown as the activity, and counted for the overview."""
