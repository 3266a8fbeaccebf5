"""Django app."""

from django.apps import AppConfig


class EngineConfig(AppConfig):
    """Registers the models and templates of `guestlist.engine`."""

    name = "guestlist.engine"
    label = "engine"
