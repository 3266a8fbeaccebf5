"""People: what they have, why, and what staff may do."""
