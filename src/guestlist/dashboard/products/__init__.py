"""Products and what each of them gives."""
