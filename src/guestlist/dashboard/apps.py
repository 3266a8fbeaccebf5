"""Django app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """Registers the models and templates of `guestlist.dashboard`."""

    name = "guestlist.dashboard"
    label = "dashboard"
