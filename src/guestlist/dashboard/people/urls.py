"""Routes: people: what they have, why, and what staff may do."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "people"
urlpatterns = [
    path("people", coming.show, name="list"),
    path("people/show", coming.show, name="show"),
]
