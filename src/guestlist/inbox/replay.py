"""Having deliveries interpreted again: some, those of a day, or all that ever came.

What a delivery told when it was read before is replaced, so that reading it again changes nothing unless the reading
itself is another one by now. New deliveries are not held up by it (`interpret`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from guestlist.connections.kick import kick_inbox
from guestlist.connections.models import Cart
from guestlist.inbox.models import Delivery, DeliveryState

BATCH = 500


def replay(delivery_ids: Collection[int]) -> int:
    """Have deliveries interpreted again. Returns how many were found."""
    return len(_await(Delivery.objects.filter(pk__in=delivery_ids).order_by("id")))


def replay_stuck(cart: str | None = None, state: DeliveryState | None = None) -> int:
    """Have deliveries interpreted again that could not be, in batches. Returns how many."""
    states = [DeliveryState.UNREADABLE, DeliveryState.FAILED] if state is None else [state]
    # No join: it would lock the carts, and keep the door from storing.
    connected = Cart.objects.filter(active=True).values("pk")
    found = Delivery.objects.filter(state__in=states, cart__in=connected).order_by("-id")
    if cart is not None:
        found = found.filter(cart=cart)
    done = 0
    while batch := _await(found[:BATCH]):
        done += len(batch)
        # Some may be stuck again by now.
        found = found.filter(pk__lt=batch[-1])
    return done


def replay_received(
    since: datetime | None,
    until: datetime | None,
    cart: str | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Have all deliveries interpreted again that came from `since` on and before `until`; None = without that bound.

    Done in batches, each in a transaction of its own. What comes in meanwhile is not part of it. Returns how many.
    """
    total = _received(since, until, cart).count() if progress else 0
    done = 0
    for _, count in replay_batches(since, until, cart):
        done += count
        if progress:
            progress(done, total)
    return done


def replay_batches(
    since: datetime | None, until: datetime | None, cart: str | None = None, *, after: int = 0
) -> Iterator[tuple[int, int]]:
    """As `replay_received`, a batch with each step: the id of its last delivery, and how many it had.

    Args:
        after: begin after the delivery of this id.
    """
    newest = Delivery.objects.order_by("-id").values_list("id", flat=True).first() or 0
    while batch := _await(_received(since, until, cart).filter(pk__gt=after, pk__lte=newest)[:BATCH]):
        after = batch[-1]
        yield after, len(batch)


def bounds_of(day: date | None) -> tuple[datetime | None, datetime | None]:
    """The first moment of a UTC day, and of the next one; of None, none."""
    if day is None:
        return None, None
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return begins, begins + timedelta(days=1) if day < date.max else None


def _received(since: datetime | None, until: datetime | None, cart: str | None) -> QuerySet[Delivery]:
    found = Delivery.objects.order_by("id")
    if since is not None:
        found = found.filter(received_at__gte=since)
    if until is not None:
        found = found.filter(received_at__lt=until)
    return found.filter(cart=cart) if cart is not None else found


def _await(deliveries: QuerySet[Delivery]) -> list[int]:
    """Make deliveries wait to be interpreted; gives the ids of those that were found, in order."""
    with transaction.atomic():
        found = list(deliveries.values_list("pk", flat=True))
        # Whatever order they are looked for in, everybody locks them in this one.
        locked = Delivery.objects.filter(pk__in=found).order_by("pk").select_for_update(no_key=True)
        shards = {shard for _, shard in locked.values_list("pk", "shard")}
        Delivery.objects.filter(pk__in=found).update(state=DeliveryState.WAITING)
        for shard in sorted(shards):
            kick_inbox(shard)
    return found
