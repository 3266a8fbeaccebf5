"""Routes of the web application behind the door."""

from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from guestlist.dashboard import metrics

SCREENS = (
    "overview",
    "attention",
    "activity",
    "orders",
    "people",
    "products",
    "deliveries",
    "simulator",
    "help",
    "integrations",
    "staff",
)

urlpatterns: list[URLPattern | URLResolver] = [
    *(path("", include(f"guestlist.dashboard.{screen}.urls")) for screen in SCREENS),
    path("account/", include("guestlist.dashboard.staff.account_urls")),
    path("language", set_language, name="set_language"),
    path("favicon.ico", RedirectView.as_view(url=static("dashboard/icon.svg")), name="favicon"),
    path("metrics", metrics.page, name="metrics"),
    path("api/v1/", include("guestlist.api.urls")),
]
