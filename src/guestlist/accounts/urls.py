"""Routes of the signed-in person's own account, and of signing in."""

from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("profile", RedirectView.as_view(pattern_name="mfa_index"), name="account_profile"),
    path("", include("allauth.urls")),
]
