"""`/products/<cart>/<item>/align`: who bought before, and what they would gain or lose."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart
from guestlist.dashboard.pages import page, redirect_to
from guestlist.dashboard.products.effects import LOOKED_AT, SHOWN
from guestlist.dashboard.products.one import in_address
from guestlist.fulfilment.align import preview
from guestlist.fulfilment.align_runs import begin_alignment, latest_run


@page(change=Role.OPERATOR)
def show(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What would change; POST has it done."""
    entry = in_address(cart_id, item)
    if request.method == "POST":
        begin_alignment(cart_id, entry.item, str(request.user))
        record(request, "brought past sales in line", Cart.objects.get(pk=cart_id), item=str(entry.item))
        messages.success(request, _("Begun. Who bought before is being brought in line."))
        return redirect_to(request, reverse("products:align", args=(cart_id, item)))
    latest = latest_run(cart_id, entry.item)
    at_work = latest is not None and latest.finished_at is None
    found = None if at_work else preview(cart_id, entry.item, at_most=LOOKED_AT, shown=SHOWN)
    return render(request, "dashboard/products/align.html", {"entry": entry, "run": latest, "effect": found})


@page()
def run(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """How far it is."""
    entry = in_address(cart_id, item)
    return render(request, "dashboard/products/run.html", {"entry": entry, "run": latest_run(cart_id, entry.item)})
