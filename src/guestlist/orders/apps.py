"""Django app."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Registers the models and templates of `guestlist.orders`."""

    name = "guestlist.orders"
    label = "orders"
