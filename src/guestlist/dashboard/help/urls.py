"""Routes: help in plain words."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "help"
urlpatterns = [
    path("help", coming.show, name="index"),
    path("help/<slug:slug>", coming.show, name="page"),
]
