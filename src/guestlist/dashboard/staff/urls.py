"""Routes: staff, API tokens and the audit log."""

from django.urls import path

from guestlist.dashboard import coming

app_name = "staff"
urlpatterns = [
    path("settings/staff", coming.show, name="list"),
    path("settings/tokens", coming.show, name="tokens"),
    path("settings/audit", coming.show, name="audit"),
]
