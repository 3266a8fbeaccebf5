"""`/activity`: the newest first; the list looks for news by itself."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_date

from guestlist.dashboard.activity.feed import FILTERS, OF_A_DAY, feed
from guestlist.dashboard.days import checked_day
from guestlist.dashboard.pages import StaffRequest, page


@page()
def show(request: HttpRequest) -> HttpResponse:
    """A page of the feed; the list alone for its own look, and nothing where there is no news."""
    kind = request.GET.get("kind", "")
    if kind not in FILTERS:
        raise Http404
    older, day = request.GET.get("older", ""), _day(request, kind)
    found = feed(kind, older, day)
    asked_by_list = bool(cast("StaffRequest", request).htmx) and "newest" in request.GET
    if asked_by_list and request.GET["newest"] == found.newest:
        return HttpResponse(status=204)
    values = {
        "feed": found,
        "kind": kind,
        "day": day,
        "filters": [(key, label) for key, (label, _) in FILTERS.items()],
        "live": not older and request.GET.get("live") != "no",
        "older_page": bool(older),
    }
    return render(request, "dashboard/activity/list.html" if asked_by_list else "dashboard/activity/show.html", values)


def _day(request: HttpRequest, kind: str) -> date | None:
    """The day that the address names, where the kind has days."""
    try:
        return checked_day(parse_date(request.GET.get("day", ""))) if kind in OF_A_DAY else None
    except (ValueError, ValidationError):
        return None
