"""Routes: what needs a person."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "attention"
urlpatterns = [
    path("attention", coming.show, name="list"),
    path("attention/count", coming.show, name="count"),
]
