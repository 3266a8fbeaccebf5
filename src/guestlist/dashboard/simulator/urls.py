"""Routes: what an event would do."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "simulator"
urlpatterns = [
    path("simulator", coming.show, name="show"),
]
