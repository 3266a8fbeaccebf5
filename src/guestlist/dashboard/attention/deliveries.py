"""`/attention/deliveries`: deliveries that could not be read, to be read again: those that are ticked, or all."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.accounts.acts import REPLAYED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.dashboard.listing import Sort, listing
from guestlist.dashboard.pages import back, page
from guestlist.dashboard.ticked import text, ticked
from guestlist.engine.attention import STUCK
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.replay import replay, replay_stuck

SORTS = (Sort("id", ()),)


@page(change=Role.OPERATOR)
def show(request: HttpRequest) -> HttpResponse:
    """A page of them; those of one cart, or in one state, where the address says so."""
    if request.method == "POST":
        return _read_again(request)
    found = _stuck(text(request.GET, "cart"), text(request.GET, "state"))
    return render(request, "dashboard/attention/deliveries.html", {"listing": listing(request, found, SORTS)})


def _stuck(cart: str, state: str) -> QuerySet[Delivery]:
    found = Delivery.objects.filter(state__in=STUCK, cart__active=True).defer("body")
    if cart:
        found = found.filter(cart=cart)
    return found.filter(state=state) if state in list(STUCK) else found


def _read_again(request: HttpRequest) -> HttpResponse:
    cart, state = text(request.POST, "cart"), text(request.POST, "state")
    if "all" in request.POST:
        if found := _stuck(cart, state).count():
            # Before: it is done in several transactions.
            record(request, REPLAYED, count=found, cart=cart)
        count = replay_stuck(cart or None, DeliveryState(state) if state in list(STUCK) else None)
    else:
        wanted = _stuck("", "").filter(pk__in=ticked(request, "delivery"))
        with transaction.atomic():
            count = replay(list(wanted.values_list("pk", flat=True)))
            if count:
                record(request, REPLAYED, count=count)
    if not count:
        messages.warning(request, _("Nothing was ticked, or it was read meanwhile."))
        return back(request, "attention:deliveries")
    told = ngettext("%(count)s delivery is read again now.", "%(count)s deliveries are read again now.", count)
    messages.success(request, told % {"count": count})
    return back(request, "attention:list")
