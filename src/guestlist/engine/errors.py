"""Why Guestlist cannot start, in words for the person in front of it."""

from __future__ import annotations


class StartError(Exception):
    """Guestlist cannot start. `message` says what is wrong and where, `remedy` what to do about it."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}\n{remedy}")
        self.message = message
        self.remedy = remedy


class PostgresError(StartError):
    """The embedded PostgreSQL cannot be used."""
