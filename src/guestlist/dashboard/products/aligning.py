"""`/products/<cart>/<item>/align`: who bought before, and what they would gain or lose."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.accounts.acts import ALIGNED, LEFT
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart
from guestlist.dashboard.pages import page, redirect_to
from guestlist.dashboard.products.effects import effect
from guestlist.dashboard.products.forms import ItemForm, sites_with_levels
from guestlist.dashboard.products.lists import in_address
from guestlist.fulfilment.align_runs import begin_alignment, latest_run
from guestlist.fulfilment.alignment import Alignment
from guestlist.fulfilment.catalogue import CatalogueItem
from guestlist.fulfilment.leaving import leave_as_they_are
from guestlist.fulfilment.outdated import Cause


@page(change=Role.OPERATOR)
def show(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What would change; POST has it done, or not. It is counted once the page is shown, as that may take a while."""
    entry = in_address(cart_id, item)
    if request.method == "POST" and request.POST.get("do") == "leave":
        leave(request, entry)
        return redirect_to(request, reverse("products:show", args=(cart_id, item)))
    if request.method == "POST":
        begin(request, entry)
        messages.success(request, _("Begun. Who bought before is being brought in line."))
        return redirect_to(request, reverse("products:align", args=(cart_id, item)))
    counted = "count" in request.GET
    values = {"entry": entry, "run": latest_run(cart_id, entry.item), "counted": counted}
    return render(request, "dashboard/products/align.html", values | (_found(entry) if counted else {}))


def begin(request: HttpRequest, entry: CatalogueItem) -> None:
    """Have an item's past sales brought in line, on behalf of who asks."""
    with transaction.atomic():
        begin_alignment(entry.cart, entry.item, str(request.user))
        record(request, ALIGNED, Cart.objects.get(pk=entry.cart), item=str(entry.item))


def leave(request: HttpRequest, entry: CatalogueItem) -> None:
    """Have orders from before there was a rule give nothing, on behalf of who asks."""
    with transaction.atomic():
        orders = leave_as_they_are(entry.cart, entry.item)
        record(request, LEFT, Cart.objects.get(pk=entry.cart), item=str(entry.item), orders=orders)
    told = ngettext(
        "%(count)s order from before there was a rule is left as it is, and needs no attention any more.",
        "%(count)s orders from before there was a rule are left as they are, and need no attention any more.",
        orders,
    )
    messages.success(request, told % {"count": orders})


@page()
def count(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What bringing past sales in line with the rules of today would change."""
    entry = in_address(cart_id, item)
    values = {"entry": entry, "run": latest_run(cart_id, entry.item)}
    return render(request, "dashboard/products/found.html", values | _found(entry))


@page(change=Role.OPERATOR)
def count_entered(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """The same for rules as entered; nothing is saved."""
    entry = in_address(cart_id, item)
    form = ItemForm(entry, sites_with_levels(), request.POST)
    if request.method != "POST":
        raise Http404
    if not form.is_valid():
        return render(request, "dashboard/products/not_counted.html")
    return render(request, "dashboard/products/changes.html", {"effect": effect(cart_id, entry.item, form.rules())})


@page()
def run(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """How far it is."""
    entry = in_address(cart_id, item)
    return render(request, "dashboard/products/run.html", {"entry": entry, "run": latest_run(cart_id, entry.item)})


def _found(entry: CatalogueItem) -> dict[str, Any]:
    found = effect(entry.cart, entry.item)
    if found is None or not found.orders:
        return {"effect": found}
    late = any(one.cause is Cause.MAPPED for one in found.outdated)
    return {"effect": found, "why": _why(found, entry.name), "late": late}


def _why(found: Alignment, name: str) -> str:
    """Why past sales are not what today's rules make of them."""
    causes = {one.cause for one in found.outdated}
    if causes == {Cause.MAPPED}:
        text = ngettext(
            "%(count)s order of %(name)s came before there was a rule for it.",
            "%(count)s orders of %(name)s came before there was a rule for it.",
            found.orders,
        )
    elif causes == {Cause.REMOVED}:
        text = ngettext(
            "%(count)s order of %(name)s was decided by a rule that was removed.",
            "%(count)s orders of %(name)s were decided by rules that were removed.",
            found.orders,
        )
    elif causes == {Cause.TERMS}:
        text = ngettext(
            "%(count)s order of %(name)s was decided when the levels had other terms at the site.",
            "%(count)s orders of %(name)s were decided when the levels had other terms at the site.",
            found.orders,
        )
    else:
        text = ngettext(
            "%(count)s order of %(name)s was not decided by the rules of today.",
            "%(count)s orders of %(name)s were not decided by the rules of today.",
            found.orders,
        )
    return text % {"count": found.orders, "name": name}
