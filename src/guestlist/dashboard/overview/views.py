"""`/`: how everything stands, and what is next to do."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.connections.models import SiteState
from guestlist.dashboard.overview.chart import in_words, volume_chart, waiting_chart
from guestlist.dashboard.overview.first_steps import first_steps
from guestlist.dashboard.pages import StaffRequest, page
from guestlist.engine.attention import attention_count
from guestlist.engine.overview import CartStatus, Overview, SiteStatus, overview
from guestlist.engine.pulse import Day, last_days
from guestlist.engine.worker_alive import worker_lives

DAYS = 14


@page()
def show(request: HttpRequest) -> HttpResponse:
    """The page; or what changes on it by itself, for its own look."""
    found = overview()
    days = last_days(DAYS)
    values = _now(found, days)
    if cast("StaffRequest", request).htmx:
        return render(request, "dashboard/overview/now.html", values)
    steps = first_steps(found)
    values |= {
        "steps": steps,
        "steps_left": any(not step.done for step in steps),
        "days": list(reversed(days)),
        "waiting": waiting_chart(days),
        "volume": volume_chart(days),
    }
    return render(request, "dashboard/overview/show.html", values)


def _now(found: Overview, days: list[Day]) -> dict[str, Any]:
    today = days[-1]
    count = attention_count()
    return {
        "overview": found,
        "today": today,
        "half": in_words(today.half) if today.half is not None else "",
        "most": in_words(today.most) if today.most is not None else "",
        "attention": count,
        "open": found.deliveries.waiting + found.members.open + sum(site.blocked_grants for site in found.sites),
        "carts": [(cart, _cart_state(cart)) for cart in found.carts],
        "sites": [(site, _site_state(site)) for site in found.sites],
        "mood": _mood(found, count),
        "worker": worker_lives(),
    }


def _mood(found: Overview, attention: int) -> str:
    """What the page says first: "attention", "down", "busy", "fresh" or "settled"."""
    active = [site for site in found.sites if site.active and not site.paused]
    if any(site.state == SiteState.DOWN for site in active):
        return "down"
    if attention:
        return "attention"
    if found.deliveries.waiting or found.members.open or any(site.blocked_grants for site in active):
        return "busy"
    if not any(cart.active for cart in found.carts) or not active:
        return "fresh"
    return "settled"


def _cart_state(cart: CartStatus) -> str:
    if not cart.active:
        return "inactive"
    return "ok" if cart.last_delivery_at else "new"


def _site_state(site: SiteStatus) -> str:
    if not site.active:
        return "inactive"
    return "paused" if site.paused else site.state
