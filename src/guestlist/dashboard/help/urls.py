"""Routes: help in plain words."""

from django.urls import path

from guestlist.dashboard.help import views

app_name = "help"
urlpatterns = [
    path("help", views.index, name="index"),
    path("help/<slug:slug>", views.show, name="page"),
]
