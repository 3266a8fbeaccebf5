"""Routes: how everything stands."""

from django.urls import path

from guestlist.dashboard.overview import views

app_name = "overview"
urlpatterns = [
    path("", views.show, name="show"),
]
