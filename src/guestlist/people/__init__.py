"""One person's data across all tables: whose it is, handed out, and erased."""
