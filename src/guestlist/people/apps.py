"""Django app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Registers the models of `guestlist.people`."""

    name = "guestlist.people"
    label = "people"
