"""Routes of the web application behind the door."""

from django.urls import URLPattern, URLResolver, include, path

from guestlist.dashboard import metrics, status

urlpatterns: list[URLPattern | URLResolver] = [
    path("", status.page, name="status"),
    path("metrics", metrics.page, name="metrics"),
    path("api/v1/", include("guestlist.api.urls")),
]
