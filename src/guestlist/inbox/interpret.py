"""From deliveries to facts to grants: each waiting delivery is read, recorded and planned in one transaction."""

from __future__ import annotations

import time

import psycopg
import structlog
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F
from django.utils import timezone

from guestlist.access.addresses import follow
from guestlist.access.desire import try_again
from guestlist.carts.contract import Reading, Unreadable
from guestlist.carts.registry import all_carts
from guestlist.connections.ending import ENDING
from guestlist.connections.kick import kick_inbox
from guestlist.connections.modes import is_fulfilled, why_held
from guestlist.domain.facts import Fact, Ignored, Mode
from guestlist.fulfilment.catalogue import learn
from guestlist.fulfilment.planning import replan
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.replay import replay, replay_received
from guestlist.orders.codec import StoredFact
from guestlist.orders.record import Recorded, record

__all__ = ["interpret_shard", "replay", "replay_received", "shards_waiting"]

log = structlog.get_logger(__name__)

COLLISIONS = 4
# A shard that only has replays left gives its slot back after this long, so that new deliveries of others get theirs.
REPLAY_SLICE_SECONDS = 2.0


def interpret_shard(shard: int) -> None:
    """Work off a shard's waiting deliveries: new ones first, oldest first, then replays for a while."""
    ends_at = time.monotonic() + REPLAY_SLICE_SECONDS
    while not ENDING.is_set():
        delivery = _next(shard)
        if delivery is None:
            return
        if delivery.interpreted_at is not None and time.monotonic() >= ends_at:
            kick_inbox(shard)
            return
        _interpret_kept(delivery.pk)


def _next(shard: int) -> Delivery | None:
    waiting = Delivery.objects.filter(shard=shard, state=DeliveryState.WAITING)
    return waiting.order_by(F("interpreted_at").asc(nulls_first=True), "id").only("interpreted_at").first()


def shards_waiting() -> list[int]:
    """Shards that have waiting deliveries."""
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING)
    return list(waiting.order_by("shard").values_list("shard", flat=True).distinct())


def _interpret_kept(delivery_id: int) -> None:
    """Interpret a delivery; an error of ours is kept with it."""
    try:
        _interpret_locked(delivery_id)
    except (OperationalError, InterfaceError):
        raise  # the database is in trouble, not the delivery: it waits
    except Exception as error:
        log.exception("delivery_failed", delivery=delivery_id)
        Delivery.objects.filter(pk=delivery_id).update(
            state=DeliveryState.FAILED,
            summary=f"Guestlist failed while working on it: {type(error).__name__}: {error}",
            remedy="Nothing is lost. Report this; replay the delivery after an update.",
            interpreted_at=timezone.now(),
        )


def _interpret_locked(delivery_id: int) -> None:
    """In one transaction; tried again if another worker was at the same customer or order in the same moment."""
    for tries_left in reversed(range(COLLISIONS)):
        try:
            with transaction.atomic():
                delivery = (
                    # The delivery alone: a locked cart would keep the door from storing.
                    Delivery.objects.select_for_update(of=("self",), no_key=True)
                    .select_related("cart")
                    .get(pk=delivery_id)
                )
                if delivery.state == DeliveryState.WAITING:
                    _interpret(delivery)
        except (IntegrityError, OperationalError) as error:
            deadlock = isinstance(error.__cause__, psycopg.errors.DeadlockDetected)
            if not tries_left or not (deadlock or isinstance(error, IntegrityError)):
                raise
        else:
            return


def _interpret(delivery: Delivery) -> None:
    cart = delivery.cart
    replayed = delivery.interpreted_at is not None
    try:
        reading = all_carts()[cart.kind].read(bytes(delivery.body), delivery.received_at)
    except Unreadable as error:
        # What it told before, if it was read before, no longer holds.
        _plan(record(cart.pk, (), delivery.pk), replayed=replayed)
        delivery.state, delivery.summary = DeliveryState.UNREADABLE, f"{error.field}: {error.problem}"
        delivery.remedy = error.remedy
        log.warning("delivery_unreadable", delivery=delivery.pk, cart=cart.pk, field=error.field)
    else:
        facts = _stored(reading.facts)
        recorded = record(cart.pk, facts, delivery.pk)
        learn(cart.pk, facts)
        _plan(recorded, replayed=replayed)
        _describe(delivery, reading, recorded)
    delivery.interpreted_at = timezone.now()
    delivery.save()


def _plan(recorded: Recorded, *, replayed: bool) -> None:
    for order in recorded.orders:
        replan(order)
        if replayed:
            try_again(order)
    for customer in recorded.moved:
        follow(customer)


def _stored(facts: tuple[Fact, ...]) -> list[StoredFact]:
    return [fact for fact in facts if not isinstance(fact, Ignored)]


def _describe(delivery: Delivery, reading: Reading, recorded: Recorded) -> None:
    ignored = [fact.reason for fact in reading.facts if isinstance(fact, Ignored)]
    modes = {fact.mode for fact in reading.facts if not isinstance(fact, Ignored)}
    delivery.event = reading.event[:80]
    delivery.mode = next(iter(modes)).value if len(modes) == 1 else ""
    delivery.remedy = ""
    delivery.order_id = recorded.orders[0].pk if recorded.orders else None
    if len(ignored) == len(reading.facts):
        delivery.state, delivery.summary = DeliveryState.IGNORED, "; ".join(ignored)
        return
    delivery.state = DeliveryState.DONE
    words = (
        f"{recorded.new_facts} new fact{'s' if recorded.new_facts != 1 else ''}"
        if recorded.new_facts
        else "nothing new"
    )
    delivery.summary = words + _held(delivery, modes) + _without_address(recorded)


def _without_address(recorded: Recorded) -> str:
    if all(order.customer.email_key for order in recorded.orders):
        return ""
    return "; nothing is granted until a delivery names the customer's e-mail address"


def _held(delivery: Delivery, modes: set[Mode]) -> str:
    held = [mode for mode in modes if not is_fulfilled(mode.value, delivery.cart.mode)]
    if not held or delivery.order_id is None:
        return ""
    return f"; recorded but not fulfilled: {why_held(held[0].value, delivery.cart.mode)}"
