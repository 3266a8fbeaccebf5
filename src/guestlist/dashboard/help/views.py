"""`/help`: what to do when something is not as it should be."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.dashboard.help.pages import GROUPS, help_page
from guestlist.dashboard.pages import page
from guestlist.domain.help_topics import HelpTopic


@page()
def index(request: HttpRequest) -> HttpResponse:
    """All pages by what they are about."""
    groups = [(title, [help_page(topic) for topic in topics]) for title, topics in GROUPS]
    return render(request, "dashboard/help/index.html", {"groups": groups})


@page()
def show(request: HttpRequest, slug: str) -> HttpResponse:
    """One page, with those of the same group beside it."""
    if slug not in list(HelpTopic):
        raise Http404
    topic = HelpTopic(slug)
    (beside,) = (topics for _, topics in GROUPS if topic in topics)
    values = {"page": help_page(topic), "beside": [help_page(other) for other in beside]}
    return render(request, "dashboard/help/show.html", values)
