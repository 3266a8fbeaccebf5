"""Django app."""

from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    """Registers the models and templates of `guestlist.connections`."""

    name = "guestlist.connections"
    label = "connections"
