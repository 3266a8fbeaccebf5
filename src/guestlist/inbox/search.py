"""Deliveries as lists show them: found by cart, state and time, and by whom or which order they are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Min, QuerySet

from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Customer, Fact
from guestlist.orders.search import numbered

# Several are stored at once, so a larger id may have come a moment earlier.
OUT_OF_ORDER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveriesAsked:
    """Which deliveries are looked for; "" or None = any.

    Attributes:
        text: a number or invoice of an order, or a customer's whole address; only what was understood is found by it.
        since, before: it came from the one moment on, and before the other.
    """

    text: str = ""
    cart: str = ""
    state: DeliveryState | None = None
    since: datetime | None = None
    before: datetime | None = None


def find_deliveries(asked: DeliveriesAsked) -> QuerySet[Delivery]:
    """The deliveries without their bodies, not sorted; by id, they are in the order in which they came."""
    found = Delivery.objects.defer("body")
    if asked.text:
        found = found.filter(pk__in=_about(asked.text.strip()))
    if asked.cart:
        found = found.filter(cart=asked.cart)
    if asked.state is not None:
        found = found.filter(state=asked.state)
    if asked.since is not None:
        found = found.filter(received_at__gte=asked.since, pk__gte=_first_since(asked.since - OUT_OF_ORDER))
    if asked.before is not None:
        found = found.filter(received_at__lt=asked.before, pk__lt=_first_since(asked.before + OUT_OF_ORDER))
    return found


def _about(text: str) -> set[int]:
    """The deliveries that told of an order with this number, or of a customer with this address."""
    if "@" in text:
        facts = Fact.objects.filter(customer__in=Customer.objects.filter(email_key=text.lower()))
    else:
        facts = Fact.objects.filter(order__in=numbered(text))
    return set(facts.values_list("delivery_id", flat=True))


def _first_since(moment: datetime) -> int:
    """The id from which on deliveries came at that moment or later, found by halving.

    An index of the times would be paid for at the door, with every delivery.
    """
    ends = Delivery.objects.aggregate(first=Min("pk"), last=Max("pk"))
    low, high = ends["first"] or 0, (ends["last"] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        # Ids have gaps: the next one that is there tells.
        row = Delivery.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "received_at").first()
        if row is None or row[1] >= moment:
            high = middle
        else:
            low = row[0] + 1
    return low
