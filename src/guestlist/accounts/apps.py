"""Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the models and templates of `guestlist.accounts`, and what the audit log follows."""

    name = "guestlist.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Begin to follow, once all models are there."""
        from guestlist.accounts import audit, sign_ins

        audit.track()
        sign_ins.follow()
