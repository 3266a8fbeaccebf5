"""`/simulator`: what an event would do. Nothing is stored and no site is asked."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.accounts.roles import Role
from guestlist.carts.contract import Unreadable
from guestlist.connections.models import Cart, Site
from guestlist.connections.queries import level_titles
from guestlist.dashboard.activity.words import orders_in_words
from guestlist.dashboard.pages import page
from guestlist.dashboard.simulator.forms import EventForm
from guestlist.dashboard.templatetags.guestlist import said_to_the_viewer
from guestlist.fulfilment.simulate import simulate
from guestlist.inbox.models import Delivery, DeliveryState

LATEST = 12


@page(change=Role.VIEWER)
def show(request: HttpRequest) -> HttpResponse:
    """The event to be entered, or a stored one by its number in the address; and what it would do."""
    if request.method == "POST":
        form = EventForm(request.POST, request.FILES)
        values = _simulated(form.cleaned_data["cart"], form.cleaned_data["event"]) if form.is_valid() else {}
        return _shown(request, form, values, status=200 if values else 422)
    stored = _stored(request.GET.get("delivery", ""))
    if stored is None:
        return _shown(request, EventForm(), {})
    body = bytes(stored.body)
    form = EventForm(initial={"cart": stored.cart_id, "body": body.decode(errors="replace")})
    return _shown(request, form, {"delivery": stored, **_simulated(stored.cart_id, body)})


def _simulated(cart: str, body: bytes) -> dict[str, Any]:
    try:
        simulation = simulate(cart, body)
    except Unreadable as error:
        return {"unreadable": error}
    levels = dict(Site.objects.values_list("pk", "levels"))
    titles = {site: level_titles(found) for site, found in levels.items()}
    return {
        "simulation": simulation,
        "levels": [(one, titles.get(one.place.site, {}).get(one.level, "")) for one in simulation.levels],
        "grants": [
            (one, titles.get(one.foreseen.place.site, {}).get(one.foreseen.level, "")) for one in simulation.grants
        ],
    }


def _shown(request: HttpRequest, form: EventForm, values: dict[str, Any], status: int = 200) -> HttpResponse:
    readable = Delivery.objects.filter(cart__active=True, state__in=(DeliveryState.DONE, DeliveryState.IGNORED))
    latest = list(readable.defer("body").order_by("-pk")[:LATEST])
    orders = orders_in_words(row.order_id for row in latest)
    values = {
        "form": form,
        "latest": [(row, orders.get(row.order_id or 0) or said_to_the_viewer(row.summary)) for row in latest],
        "connected": Cart.objects.filter(active=True).exists(),
        **values,
    }
    return render(request, "dashboard/simulator/show.html", values, status=status)


def _stored(number: str) -> Delivery | None:
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        return None
    return Delivery.objects.filter(pk=int(number), cart__active=True).first()
