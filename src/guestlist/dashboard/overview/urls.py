"""Routes: how everything stands."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "overview"
urlpatterns = [
    path("", coming.show, name="show"),
]
