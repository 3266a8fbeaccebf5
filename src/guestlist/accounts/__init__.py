"""The people who work with this Guestlist: accounts, roles, invitations, and the log of what they changed."""
