"""Routes: what happens, as it happens."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "activity"
urlpatterns = [
    path("activity", coming.show, name="list"),
]
