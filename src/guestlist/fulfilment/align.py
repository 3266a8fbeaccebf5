"""Bringing past sales in line with the rules and level terms in force now: what would change, and doing it.

A charge keeps the rule that it was decided by (docs/explanation/adr/0006). Nothing here happens by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from django.db import OperationalError, transaction
from django.db.models import Q, prefetch_related_objects

from guestlist.access.models import Grant
from guestlist.domain.facts import CustomerChanged, Item, OrderFact
from guestlist.fulfilment.alignment import Alignment, Tally
from guestlist.fulfilment.foresight import Foreseen, Intended, foresee
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.levels_held import LevelChange, level_changes
from guestlist.fulfilment.outdated import Outdated, find_outdated
from guestlist.fulfilment.planning import Anew, lockable_orders, missing_levels, plan_order, replan
from guestlist.orders.codec import fact_from_json
from guestlist.orders.models import Fact, Order

BATCH = 200
COLLISIONS = 4
SHOWN = 50

Progress = Callable[[int, int], None]
"""Called with how many orders are done, and how many there are."""


def preview(
    cart: str | None = None,
    item: Item | None = None,
    *,
    after: int = 0,
    at_most: int | None = None,
    shown: int = SHOWN,
    progress: Progress | None = None,
    in_force: InForce | None = None,
) -> Alignment:
    """What would change if the charges in scope were decided anew; nothing is stored.

    Reads orders in batches, so any number of them takes the same memory.

    Args:
        cart, item: only this cart's, only this item's charges.
        after: begin after this order.
        at_most: look at so many orders; None = at all.
        shown: keep so many people of each kind (who gain, lose, keep for longer or shorter) for showing.
        in_force: what counts as in force, of all carts; what is stored, if left out.
    """
    return _walk(cart, item, after=after, at_most=at_most, shown=shown, progress=progress, do=False, in_force=in_force)


def align(
    cart: str | None = None,
    item: Item | None = None,
    *,
    at_most: int | None = None,
    shown: int = SHOWN,
    progress: Progress | None = None,
    in_force: InForce | None = None,
) -> Alignment:
    """Decide the charges in scope anew and write down what they give.

    Each order is done in a transaction of its own. What was interrupted goes on where it was when it is run again, and
    a second run finds nothing to do.

    Args:
        in_force: what is in force, where it was read already.
    """
    return _walk(cart, item, after=0, at_most=at_most, shown=shown, progress=progress, do=True, in_force=in_force)


def _walk(
    cart: str | None,
    item: Item | None,
    *,
    after: int,
    at_most: int | None,
    shown: int,
    progress: Progress | None,
    do: bool,
    in_force: InForce | None = None,
) -> Alignment:
    in_force = in_force or InForce()
    outdated = find_outdated([cart] if cart else None, item, in_force)
    tally = Tally(shown)
    looked_at, last = 0, after
    while at_most is None or looked_at < at_most:
        limit = BATCH if at_most is None else min(BATCH, at_most - looked_at)
        ids = outdated.orders_after(last, limit)
        if not ids:
            left = 0
            break
        batch = _read(ids, outdated, in_force, item, do=do)
        tally.add(batch.changes)
        if do:
            for order_id in batch.orders:
                _align_order(order_id, in_force, item)
        looked_at, last = looked_at + len(ids), ids[-1]
        if progress is not None:
            progress(looked_at, outdated.orders)
    else:
        # Counting goes through all orders, so it is done only where there may be any.
        left = outdated.count_after(last) if after or do else max(outdated.orders - looked_at, 0)
    return tally.alignment(cart, item, outdated, looked_at=looked_at, last=last, left=left, done=do)


def _align_order(order_id: int, in_force: InForce, item: Item | None) -> None:
    """In one transaction; tried again if a delivery that changes an address was at the same members just then."""
    for tries_left in reversed(range(COLLISIONS)):
        try:
            with transaction.atomic():
                replan(lockable_orders().get(pk=order_id), in_force=in_force, anew=Anew(item))
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
        else:
            return


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some orders, those that have to be seen together with them, and what becomes of the levels that they give."""

    orders: Sequence[int]
    changes: Sequence[LevelChange]


def _read(ids: Sequence[int], outdated: Outdated, in_force: InForce, item: Item | None, *, do: bool) -> _Batch:
    """Foresee a batch. Who has several orders is seen with all of them: losing a level needs all of them to lose it."""
    foreseen = _foresee(ids, in_force, item)
    seen, found = set(ids), foreseen
    while related := sorted(outdated.those_among(_orders_of_the_same_people(found)) - seen):
        found = _foresee(related, in_force, item)
        foreseen += found
        seen |= set(related)
        if not do:
            break  # whoever else these orders are about is told with a later batch
    first: defaultdict[tuple[str, int | None, str], int] = defaultdict(lambda: 2**63)
    for one in foreseen:
        if one.changes:
            first[one.place.key] = min(first[one.place.key], one.order.pk)
    # Told once: all of what is done now, else with the first of the person's orders.
    told = seen if do else set(ids)
    changes = [
        change
        for change in level_changes(foreseen, datetime.now(UTC).date())
        if change.grants and first[change.place.key] in told
    ]
    return _Batch([*ids, *sorted(seen - set(ids))], changes)


def _foresee(ids: Sequence[int], in_force: InForce, item: Item | None) -> list[Foreseen]:
    found = foresee([_intended(order, facts, in_force, item) for order, facts in _with_facts(ids)])
    return [one for of_order in found for one in of_order]


def _intended(order: Order, facts: Sequence[OrderFact], in_force: InForce, item: Item | None) -> Intended:
    planned, _ = plan_order(order, facts, in_force=in_force, anew=Anew(item))
    return Intended(order, planned.grants, missing_levels(planned, in_force))


def _with_facts(ids: Sequence[int]) -> Iterator[tuple[Order, list[OrderFact]]]:
    orders = list(Order.objects.filter(pk__in=ids).select_related("cart", "customer").order_by("pk"))
    prefetch_related_objects(orders, "decisions")
    facts: defaultdict[int | None, list[OrderFact]] = defaultdict(list)
    for order_id, data in Fact.objects.filter(order__in=ids).order_by("id").values_list("order_id", "data"):
        fact = fact_from_json(data)
        if not isinstance(fact, CustomerChanged):
            facts[order_id].append(fact)
    for order in orders:
        yield order, facts[order.pk]


def _orders_of_the_same_people(foreseen: Sequence[Foreseen]) -> list[int]:
    changing = [one for one in foreseen if one.changes]
    members = {one.place.member for one in changing if one.place.member}
    addresses = {one.place.email.lower() for one in changing}
    grants = Grant.objects.filter(member__in=members, order__isnull=False)
    # By the customer, too: one who has another address by now is still the member that they were.
    theirs = Q(pk__in=grants.values("order")) | Q(customer__in=grants.values("customer"))
    found = Order.objects.filter(theirs | Q(customer__email_key__in=addresses))
    return list(found.values_list("pk", flat=True))
