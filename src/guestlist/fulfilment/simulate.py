"""What an event would do, without doing it: it is followed through in memory, on top of what is stored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from django.utils import timezone

from guestlist.carts.registry import all_carts
from guestlist.connections.models import Cart
from guestlist.connections.modes import is_fulfilled, why_held
from guestlist.domain.facts import CustomerChanged, Ignored, OrderPlaced
from guestlist.domain.history import OrderHistory, fold
from guestlist.domain.plan import Unmapped
from guestlist.fulfilment.address_foresight import foresee_addresses
from guestlist.fulfilment.foresight import Foreseen, Intended, foresee
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.levels_held import level_changes
from guestlist.fulfilment.planning import missing_levels, plan_history
from guestlist.fulfilment.simulation import GrantChange, Simulation
from guestlist.orders.rehearse import Rehearsed, RehearsedOrder, rehearse
from guestlist.orders.words import in_words


def simulate(cart_id: str, body: bytes) -> Simulation:
    """Read an event and follow it through on top of what is known. Nothing is stored and no site is asked.

    Raises:
        Cart.DoesNotExist: no such cart.
        Unreadable: the event cannot be understood.
    """
    cart = Cart.objects.get(pk=cart_id)
    reading = all_carts()[cart.kind].read(body, timezone.now())
    told = [fact for fact in reading.facts if not isinstance(fact, Ignored)]
    rehearsed = rehearse(cart, told)
    fulfilled = [one for one in rehearsed.orders if is_fulfilled(one.order.mode, cart.mode)]
    intended, unmapped, notes = _planned(fulfilled)
    foreseen = [one for of_order in foresee(intended) for one in of_order if one.was is None or _matters(one)]
    levels = [level for level in level_changes(foreseen, datetime.now(UTC).date()) if level.grants]
    return Simulation(
        cart=cart_id,
        event=reading.event,
        facts=reading.facts,
        fulfilled=len(fulfilled) == len(rehearsed.orders),
        grants=tuple(GrantChange(one) for one in foreseen),
        levels=tuple(levels),
        addresses=tuple(foresee_addresses(rehearsed.moved, [one.order for one in rehearsed.orders])),
        unmapped=tuple(unmapped),
        notes=(
            *(fact.reason for fact in reading.facts if isinstance(fact, Ignored)),
            *_held(cart, rehearsed),
            *notes,
            *_about_customers(told, rehearsed),
        ),
    )


def _matters(foreseen: Foreseen) -> bool:
    """Grants that ended before and are planned no more are no part of the answer."""
    return foreseen.changes or foreseen.planned


def _planned(orders: Iterable[RehearsedOrder]) -> tuple[list[Intended], list[Unmapped], list[str]]:
    in_force = InForce()
    intended: list[Intended] = []
    unmapped: list[Unmapped] = []
    notes: list[str] = []
    for one in orders:
        history = fold(one.facts)
        planned, _ = plan_history(one.order, history, in_force=in_force)
        intended.append(Intended(one.order, planned.grants, missing_levels(planned, in_force)))
        unmapped += planned.unmapped
        notes += _about_order(one, history)
    return intended, unmapped, notes


def _about_order(one: RehearsedOrder, history: OrderHistory) -> Iterator[str]:
    number = one.order.external_id
    bought = {item.item for item in history.items}
    for fact in one.told:
        if not isinstance(fact, OrderPlaced) and fact.item not in bought:
            yield (
                f"{in_words(fact)}: it waits for its order, because order {number} has not been delivered with"
                f" {fact.item}; it counts as soon as it is."
            )
    if one.told and not one.is_news:
        yield f"Order {number}: all of this was told before, and telling it again adds nothing."
    if not one.order.customer.email_key:
        yield f"Order {number}: nothing is granted until a delivery names the customer's e-mail address."


def _held(cart: Cart, rehearsed: Rehearsed) -> Iterator[str]:
    for one in rehearsed.orders:
        if not is_fulfilled(one.order.mode, cart.mode):
            yield f"Order {one.order.external_id}: recorded but not fulfilled, {why_held(one.order.mode, cart.mode)}."


def _about_customers(told: Iterable[object], rehearsed: Rehearsed) -> Iterator[str]:
    if any(isinstance(fact, CustomerChanged) for fact in told):
        yield "The customer's details change in the history; what they have stays theirs."
    for customer in rehearsed.moved:
        yield f"The customer would have the address {customer.email} from now on."
