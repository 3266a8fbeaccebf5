"""Django app."""

from django.apps import AppConfig


class JournalConfig(AppConfig):
    """Registers the models of `guestlist.journal`."""

    name = "guestlist.journal"
    label = "journal"
