"""Second factors: the authenticator app's secret and the recovery codes are stored encrypted."""

from __future__ import annotations

from allauth.mfa.adapter import DefaultMFAAdapter

from guestlist.connections import secrets


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """django-allauth's, with Guestlist's own encryption."""

    def encrypt(self, text: str) -> str:
        """For the database."""
        return secrets.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """From the database."""
        return secrets.decrypt(encrypted_text)
