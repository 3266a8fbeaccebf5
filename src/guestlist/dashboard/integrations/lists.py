"""`/settings/integrations`: all carts and sites, each with its state."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.carts.registry import all_carts
from guestlist.connections.models import SiteState
from guestlist.dashboard.pages import page
from guestlist.engine.overview import CartStatus, SiteStatus, cart_statuses, site_statuses
from guestlist.sites.registry import all_platforms


@page()
def show(request: HttpRequest) -> HttpResponse:
    """The cards."""
    cart_kinds, site_kinds = all_carts(), all_platforms()
    values = {
        "carts": [(cart, cart_state(cart), cart_kinds[cart.kind].label) for cart in cart_statuses()],
        "sites": [(site, site_state(site), site_kinds[site.kind].label) for site in site_statuses()],
    }
    return render(request, "dashboard/integrations/list.html", values)


def cart_state(cart: CartStatus) -> str:
    """As a badge shows it."""
    if not cart.active:
        return "inactive"
    if refused_at(cart) is not None:
        return "attention"
    return "ok" if cart.last_delivery_at else "new"


def refused_at(cart: CartStatus) -> datetime | None:
    """When a delivery was last turned away today for its secret; None = not since the cart sent the right one."""
    refused = [one.last_at for one in cart.refused_today if one.reason in ("wrong-secret", "no-secret")]
    last = max(refused, default=None)
    return last if last and (cart.last_delivery_at is None or last > cart.last_delivery_at) else None


def site_state(site: SiteStatus) -> str:
    """As a badge shows it."""
    if not site.active:
        return "inactive"
    return "paused" if site.paused else SiteState(site.state).value
