"""`/activity`: the newest first; the list looks for news by itself."""

from __future__ import annotations

from typing import cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.dashboard.activity.feed import FILTERS, feed
from guestlist.dashboard.pages import StaffRequest, page


@page()
def show(request: HttpRequest) -> HttpResponse:
    """A page of the feed; the list alone for its own look, and nothing where there is no news."""
    kind = request.GET.get("kind", "")
    if kind not in FILTERS:
        raise Http404
    older = request.GET.get("older", "")
    found = feed(kind, older)
    asked_by_list = bool(cast("StaffRequest", request).htmx) and "newest" in request.GET
    if asked_by_list and request.GET["newest"] == found.newest:
        return HttpResponse(status=204)
    values = {
        "feed": found,
        "kind": kind,
        "filters": [(key, label) for key, (label, _) in FILTERS.items()],
        "live": not older and request.GET.get("live") != "no",
        "older_page": bool(older),
    }
    return render(request, "dashboard/activity/list.html" if asked_by_list else "dashboard/activity/show.html", values)
