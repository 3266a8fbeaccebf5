"""Times in the viewer's zone: the browser tells it in a cookie (static/dashboard/early.js)."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "zone"
_KNOWN = available_timezones()


class ViewersZone:
    """Has every moment of a page written in the zone of whoever looks at it; UTC as long as that is not known."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer within the viewer's zone."""
        name = request.COOKIES.get(COOKIE, "")
        with timezone.override(ZoneInfo(name) if name in _KNOWN else None):
            return self.get_response(request)
