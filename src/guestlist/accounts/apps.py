"""Django app."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the models and templates of `guestlist.accounts`."""

    name = "guestlist.accounts"
    label = "accounts"
