"""Django app."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Registers the models and templates of `guestlist.api`."""

    name = "guestlist.api"
    label = "api"
