"""`/deliveries/<id>`: one delivery, what was understood of it, why not, and what it led to."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from guestlist.accounts.acts import REPLAYED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart
from guestlist.dashboard.pages import StaffRequest, back, page
from guestlist.domain.help_topics import HelpTopic
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.queries import delivery, led_to
from guestlist.inbox.replay import replay
from guestlist.orders.queries import LARGEST_ID

# A body may have 256 KiB and thousands of values. The page stays light; the file has all of it.
SHOWN_VALUES = 300
SHOWN_OF_VALUE = 400
SHOWN_OF_BODY = 60_000
STUCK = (DeliveryState.UNREADABLE, DeliveryState.FAILED)


@page(change=Role.OPERATOR)
def show(request: StaffRequest, delivery_id: int) -> HttpResponse:
    """All that is known of it; POST has it read again. While it waits, the page looks for itself how it went."""
    if request.method == "POST":
        return _read_again(request, delivery_id)
    detail = delivery(delivery_id) if delivery_id <= LARGEST_ID else None
    if detail is None:
        raise Http404
    row = detail.delivery
    values = {
        "detail": detail,
        "delivery": row,
        "stuck": row.state in STUCK,
        "waiting": row.state == DeliveryState.WAITING,
        "topic": HelpTopic.DELIVERY_UNREADABLE,
        "led_to": led_to(delivery_id),
        "connected": Cart.objects.filter(pk=row.cart, active=True).exists(),
        "values": [(entry.path, entry.value[:SHOWN_OF_VALUE]) for entry in detail.decoded[:SHOWN_VALUES]],
        "text": "" if detail.decoded else detail.body[:SHOWN_OF_BODY],
        "is_cut": len(detail.decoded) > SHOWN_VALUES
        or any(len(entry.value) > SHOWN_OF_VALUE for entry in detail.decoded)
        or (not detail.decoded and len(detail.body) > SHOWN_OF_BODY),
    }
    part = "became" if request.htmx else "show"
    return render(request, f"dashboard/deliveries/{part}.html", values)


@page()
def body(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """What came, byte for byte, the secret blanked; always as a file, because it may hold anything."""
    row = get_object_or_404(Delivery, pk=min(delivery_id, LARGEST_ID))
    return HttpResponse(
        bytes(row.body),
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="delivery-{row.pk}.txt"'},
    )


def _read_again(request: HttpRequest, delivery_id: int) -> HttpResponse:
    row = get_object_or_404(Delivery.objects.only("pk"), pk=min(delivery_id, LARGEST_ID))
    with transaction.atomic():
        replay([row.pk])
        record(request, REPLAYED, delivery=row.pk)
    messages.success(request, _("The delivery is read again now."))
    return back(request, "deliveries:show", row.pk)
