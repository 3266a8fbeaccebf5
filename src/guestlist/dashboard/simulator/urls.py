"""Routes: what an event would do."""

from django.urls import path

from guestlist.dashboard.simulator import views

app_name = "simulator"
urlpatterns = [
    path("simulator", views.show, name="show"),
]
