"""Django app."""

from django.apps import AppConfig


class FulfilmentConfig(AppConfig):
    """Registers the models and templates of `guestlist.fulfilment`."""

    name = "guestlist.fulfilment"
    label = "fulfilment"
