"""Guestlist: every paid order, on the list."""

__version__ = "0.1.0"
