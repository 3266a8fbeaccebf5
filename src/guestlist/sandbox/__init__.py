"""Stand-ins for a membership site and a cart."""
