"""`/products/<cart>/<item>/align`: who bought before, and what they would gain or lose."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart
from guestlist.dashboard.pages import page, redirect_to
from guestlist.dashboard.products.effects import effect
from guestlist.dashboard.products.forms import ItemForm, sites_with_levels
from guestlist.dashboard.products.lists import in_address
from guestlist.fulfilment.align_runs import begin_alignment, latest_run
from guestlist.fulfilment.catalogue import CatalogueItem


@page(change=Role.OPERATOR)
def show(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What would change; POST has it done. It is counted once the page is shown, as that may take a while."""
    entry = in_address(cart_id, item)
    if request.method == "POST":
        begin(request, entry)
        messages.success(request, _("Begun. Who bought before is being brought in line."))
        return redirect_to(request, reverse("products:align", args=(cart_id, item)))
    counted = "count" in request.GET
    values = {
        "entry": entry,
        "run": latest_run(cart_id, entry.item),
        "counted": counted,
        "effect": effect(cart_id, entry.item) if counted else None,
    }
    return render(request, "dashboard/products/align.html", values)


def begin(request: HttpRequest, entry: CatalogueItem) -> None:
    """Have an item's past sales brought in line, on behalf of who asks."""
    with transaction.atomic():
        begin_alignment(entry.cart, entry.item, str(request.user))
        record(request, "brought past sales in line", Cart.objects.get(pk=entry.cart), item=str(entry.item))


@page()
def count(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What bringing past sales in line with the rules of today would change."""
    entry = in_address(cart_id, item)
    values = {"entry": entry, "run": latest_run(cart_id, entry.item), "effect": effect(cart_id, entry.item)}
    return render(request, "dashboard/products/found.html", values)


@page(change=Role.OPERATOR)
def count_entered(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """The same for rules as entered; nothing is saved."""
    entry = in_address(cart_id, item)
    form = ItemForm(entry, sites_with_levels(), request.POST)
    if request.method != "POST" or not form.is_valid():
        raise Http404
    return render(request, "dashboard/products/changes.html", {"effect": effect(cart_id, entry.item, form.rules())})


@page()
def run(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """How far it is."""
    entry = in_address(cart_id, item)
    return render(request, "dashboard/products/run.html", {"entry": entry, "run": latest_run(cart_id, entry.item)})
