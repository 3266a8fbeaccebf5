"""Django app."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    """Registers the models and templates of `guestlist.inbox`."""

    name = "guestlist.inbox"
    label = "inbox"
