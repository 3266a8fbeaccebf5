"""Deliveries as they are shown: how many are in which state, in lists, and one with all that is known of it."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import parse_qsl

from django.db.models import Count, OuterRef, Subquery

from guestlist.connections.models import Cart
from guestlist.inbox.models import Delivery, DeliveryState, Refusal
from guestlist.orders.codec import fact_from_json
from guestlist.orders.models import Fact
from guestlist.orders.queries import FactView, facts_of_delivery
from guestlist.orders.words import in_words

# A body has at most 256 KiB, but JSON may be nested as deep as that is long.
DEEPEST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxCounts:
    """Deliveries not yet interpreted, those that cannot be understood, and those on which Guestlist itself failed."""

    waiting: int
    unreadable: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalView:
    """Requests turned away at a cart's address on one day (UTC), by reason."""

    on: date
    reason: str
    count: int
    last_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery in a list. `order` is Guestlist's id of the order that it belongs to."""

    id: int
    cart: str
    received_at: datetime
    state: DeliveryState
    event: str
    mode: str
    summary: str
    remedy: str
    order: int | None
    interpreted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One value of a body and its place, such as `subscription.id`."""

    path: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetail:
    """A delivery, its body as stored (the secret blanked), the same body decoded, and what it was the first to tell."""

    delivery: DeliveryView
    content_type: str
    body: str
    decoded: list[Entry]
    facts: list[FactView]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedTo:
    """An order or a customer that a delivery told of. `order` None = of no order; `email` "" = not told, or erased."""

    order: int | None
    number: str
    email: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverySlice:
    """Some deliveries, newest first. `next_before`: where the next slice begins; None = this was the last."""

    deliveries: list[DeliveryView]
    next_before: int | None


def inbox_counts() -> InboxCounts:
    """How many deliveries are in each state that asks for something."""
    # Two queries, because each then has an index that knows just these.
    stuck = Delivery.objects.filter(state__in=[DeliveryState.UNREADABLE, DeliveryState.FAILED])
    counts = dict(stuck.values_list("state").annotate(Count("id")))
    return InboxCounts(
        waiting=waiting_deliveries(),
        unreadable=counts.get(DeliveryState.UNREADABLE, 0),
        failed=counts.get(DeliveryState.FAILED, 0),
    )


def waiting_deliveries() -> int:
    """How many deliveries are not yet interpreted."""
    return Delivery.objects.filter(state=DeliveryState.WAITING).count()


def last_delivery_at() -> dict[str, datetime | None]:
    """When each cart's latest delivery came; None = none yet."""
    latest = Delivery.objects.filter(cart=OuterRef("pk")).order_by("-id").values("received_at")[:1]
    return dict(Cart.objects.annotate(latest=Subquery(latest)).values_list("pk", "latest"))


def refusals_since(first: date) -> dict[str, list[RefusalView]]:
    """What was turned away from that day on, by cart; the latest day first."""
    found: dict[str, list[RefusalView]] = {}
    for row in Refusal.objects.filter(on__gte=first).order_by("cart_id", "-on", "reason"):
        view = RefusalView(on=row.on, reason=row.reason, count=row.count, last_at=row.last_at)
        found.setdefault(row.cart_id, []).append(view)
    return found


def list_deliveries(*, state: DeliveryState | None = None, before: int | None = None, limit: int = 50) -> DeliverySlice:
    """Deliveries, newest first.

    Args:
        before: only deliveries with a smaller id.
    """
    found = Delivery.objects.order_by("-id").defer("body")
    if state is not None:
        found = found.filter(state=state)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found[: limit + 1])
    shown = rows[:limit]
    return DeliverySlice(
        deliveries=[_view(row) for row in shown], next_before=shown[-1].pk if len(rows) > limit else None
    )


def delivery(delivery_id: int) -> DeliveryDetail | None:
    """All that is known of a delivery."""
    row = Delivery.objects.filter(pk=delivery_id).first()
    if row is None:
        return None
    body = bytes(row.body)
    return DeliveryDetail(
        delivery=_view(row),
        content_type=row.content_type,
        body=body.decode(errors="replace"),
        decoded=decode(body),
        facts=facts_of_delivery(delivery_id),
    )


def told_by(delivery_ids: Collection[int]) -> dict[int, list[str]]:
    """What each of these deliveries told, in words, in time order."""
    found: dict[int, list[str]] = {}
    stored = Fact.objects.filter(delivery_id__in=delivery_ids).order_by("at", "id")
    for delivery_id, data in stored.values_list("delivery_id", "data"):
        found.setdefault(delivery_id, []).append(in_words(fact_from_json(data)))
    return found


def led_to(delivery_id: int) -> list[LedTo]:
    """The orders that a delivery told of, each with the customer whose order it is now; else the customer alone."""
    facts = Fact.objects.filter(delivery_id=delivery_id).select_related("customer", "order__customer").order_by("id")
    found: dict[tuple[int | None, int], LedTo] = {}
    for fact in facts:
        customer = fact.order.customer if fact.order else fact.customer
        found[fact.order_id, customer.pk] = LedTo(
            order=fact.order_id,
            number=fact.order.external_id if fact.order else "",
            email=customer.email,
            name=f"{customer.first_name} {customer.last_name}".strip(),
        )
    return list(found.values())


def missing_deliveries(ids: Collection[int]) -> list[int]:
    """Those of the ids that name no delivery."""
    known = set(Delivery.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return sorted(set(ids) - known)


def decode(body: bytes) -> list[Entry]:
    """A form or JSON body as its values in their order, for people; [] = it is neither.

    What a delivery means is for the cart's adapter to say; this only shows what is in it.
    """
    text = body.decode(errors="replace").strip()
    if text.startswith(("{", "[")):
        try:
            return [Entry(path=path, value=value) for path, value in _values(json.loads(text), "", 0)]
        except (ValueError, RecursionError):
            return []
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return []
    return [Entry(path=name.replace("]", "").replace("[", "."), value=value) for name, value in pairs]


def _values(node: Any, path: str, depth: int) -> Iterator[tuple[str, str]]:
    prefix = f"{path}." if path else ""
    if depth < DEEPEST and isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _values(value, f"{prefix}{key}", depth + 1)
    elif depth < DEEPEST and isinstance(node, list) and node:
        for position, value in enumerate(node):
            yield from _values(value, f"{prefix}{position}", depth + 1)
    elif isinstance(node, str):
        yield path, node
    elif isinstance(node, float) and not math.isfinite(node):
        yield path, str(node)
    else:
        yield path, json.dumps(node)


def _view(row: Delivery) -> DeliveryView:
    return DeliveryView(
        id=row.pk,
        cart=row.cart_id,
        received_at=row.received_at,
        state=DeliveryState(row.state),
        event=row.event,
        mode=row.mode,
        summary=row.summary,
        remedy=row.remedy,
        order=row.order_id,
        interpreted_at=row.interpreted_at,
    )
