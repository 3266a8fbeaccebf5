"""What an event would do."""
