"""The customer's own pages (to come)."""
