"""`/`: the plain status page. It needs no sign-in, so it shows counts, ids and states, and nothing about anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from guestlist.connections.models import SiteState
from guestlist.engine.overview import Overview, overview


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How everything stands."""
    found = overview()
    return render(request, "dashboard/status.html", {"overview": found, "mood": _mood(found)})


def _mood(found: Overview) -> str:
    """What the page says first: "attention", "down", "busy", "fresh" or "settled"."""
    active = [site for site in found.sites if site.active]
    needs_a_person = found.deliveries.unreadable or found.deliveries.failed or found.members.attention
    if needs_a_person or any(site.state == SiteState.ATTENTION for site in active):
        return "attention"
    if any(site.state == SiteState.DOWN for site in active):
        return "down"
    if found.deliveries.waiting or found.members.open or any(site.blocked_grants for site in active):
        return "busy"
    if not any(cart.active for cart in found.carts) or not active:
        return "fresh"
    return "settled"
