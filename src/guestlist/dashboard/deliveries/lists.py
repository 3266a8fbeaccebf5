"""`/deliveries`: what the carts sent, found and read again; the same as CSV."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.accounts.acts import REPLAYED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.dashboard.deliveries.forms import DeliveriesForm
from guestlist.dashboard.listing import Sort, batches, csv_response, listing
from guestlist.dashboard.pages import back, page
from guestlist.dashboard.ticked import ticked
from guestlist.inbox.models import Delivery
from guestlist.inbox.queries import told_by
from guestlist.inbox.replay import replay
from guestlist.inbox.search import find_deliveries

# The order of the numbers is that of arrival.
SORTS = (Sort("id", ()),)


@page(change=Role.OPERATOR)
def show(request: HttpRequest) -> HttpResponse:
    """A page of them; POST has those that are ticked read again."""
    if request.method == "POST":
        return _read_again(request)
    form = DeliveriesForm(request.GET)
    found = listing(request, find_deliveries(form.asked), SORTS)
    told = told_by([row.pk for row in found.rows])
    values = {
        "form": form,
        "filtered": any(form.cleaned_data.values()) or bool(form.errors),
        "listing": found,
        "deliveries": [(row, told.get(row.pk, [])) for row in found.rows],
    }
    return render(request, "dashboard/deliveries/list.html", values)


@page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """All that the filters leave."""
    found = find_deliveries(DeliveriesForm(request.GET).asked)
    zone = timezone.get_current_timezone()

    def rows() -> Iterator[list[list[object]]]:
        for some in batches(request, found, SORTS):
            told = told_by([row.pk for row in some])
            yield [
                [
                    row.pk,
                    row.received_at.astimezone(zone).isoformat(" ", "seconds"),
                    row.cart_id,
                    row.event,
                    row.mode,
                    row.state,
                    "; ".join(told.get(row.pk, [])),
                    row.summary,
                    row.remedy,
                ]
                for row in some
            ]

    header = ["delivery", "received", "cart", "event", "mode", "state", "told", "what came of it", "what to do"]
    return csv_response("deliveries", header, rows())


def _read_again(request: HttpRequest) -> HttpResponse:
    wanted = Delivery.objects.filter(pk__in=ticked(request, "delivery"))
    with transaction.atomic():
        count = replay(list(wanted.values_list("pk", flat=True)))
        if count:
            record(request, REPLAYED, count=count)
    if count:
        text = ngettext("%(count)s delivery is read again now.", "%(count)s deliveries are read again now.", count)
        messages.success(request, text % {"count": count})
    else:
        messages.warning(request, _("Tick the deliveries that shall be read again."))
    return back(request, "deliveries:list")
