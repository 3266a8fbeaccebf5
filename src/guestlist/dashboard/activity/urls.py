"""Routes: what happens, as it happens."""

from django.urls import path

from guestlist.dashboard.activity import views

app_name = "activity"
urlpatterns = [
    path("activity", views.show, name="list"),
]
