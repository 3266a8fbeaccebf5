"""Django app."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Registers the models and templates of `guestlist.access`."""

    name = "guestlist.access"
    label = "access"
