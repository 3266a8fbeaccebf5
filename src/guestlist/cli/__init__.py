"""The `guestlist` command."""
