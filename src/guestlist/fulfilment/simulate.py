"""What an event would do, without doing it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils import timezone

from guestlist.access.desire import key_of, planned_key
from guestlist.carts.registry import all_carts
from guestlist.connections.models import Cart
from guestlist.connections.modes import is_fulfilled
from guestlist.domain.facts import CustomerChanged, Fact, Ignored, OrderFact
from guestlist.domain.plan import PlannedGrant, Unmapped
from guestlist.fulfilment.planning import plan_order
from guestlist.orders.codec import fact_to_json
from guestlist.orders.models import Customer, Order
from guestlist.orders.record import facts_of


@dataclass(frozen=True, slots=True)
class GrantChange:
    """One grant as it would become.

    Attributes:
        change: "new", "changed" or "unchanged".
    """

    change: str
    item: str
    site: str
    level: str
    until_on: date | None
    live: bool
    reason: str
    blocked: str

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "change": self.change,
            "item": self.item,
            "site": self.site,
            "level": self.level,
            "until": self.until_on.isoformat() if self.until_on else None,
            "live": self.live,
            "reason": self.reason,
            "blocked": self.blocked,
        }


@dataclass(frozen=True, slots=True)
class Simulation:
    """What an event would do.

    Attributes:
        fulfilled: False = its mode is not fulfilled by this cart, so no grant would change.
        notes: why nothing would happen, in words.
    """

    cart: str
    event: str
    facts: tuple[Fact, ...]
    fulfilled: bool
    grants: tuple[GrantChange, ...]
    unmapped: tuple[Unmapped, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "cart": self.cart,
            "event": self.event,
            "fulfilled": self.fulfilled,
            "facts": [
                {"kind": "ignored", "reason": fact.reason} if isinstance(fact, Ignored) else fact_to_json(fact)
                for fact in self.facts
            ],
            "grants": [grant.as_dict() for grant in self.grants],
            "unmapped": [
                {"item": str(entry.item), "option": entry.option, "name": entry.name} for entry in self.unmapped
            ],
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """For people."""
        lines = [f"{self.event} at cart {self.cart}"]
        for grant in self.grants:
            until = f"until {grant.until_on}" if grant.until_on else "for ever"
            access = grant.blocked or (until if grant.live else "ends")
            lines.append(f"  {grant.change:9} {grant.site} level {grant.level}: {access}")
            lines.append(f"            {grant.reason}")
        for entry in self.unmapped:
            option = f" option {entry.option}" if entry.option else ""
            lines.append(f"  unmapped  {entry.name} ({entry.item}{option}): no rule names it, so it gives nothing")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def simulate(cart_id: str, body: bytes) -> Simulation:
    """Read an event and plan it on top of what is known of its order. Nothing is stored and no site is asked.

    Raises:
        Cart.DoesNotExist: no such cart.
        Unreadable: the event cannot be understood.
    """
    cart = Cart.objects.get(pk=cart_id)
    reading = all_carts()[cart.kind].read(body, timezone.now())
    grants: list[GrantChange] = []
    unmapped: list[Unmapped] = []
    notes = [fact.reason for fact in reading.facts if isinstance(fact, Ignored)]
    fulfilled = True
    for order, told in _orders(cart, reading.facts):
        if not is_fulfilled(order.mode, cart.mode):
            fulfilled = False
            notes.append(f"A {order.mode}-mode order; the cart fulfils {cart.mode} only, so nothing is granted.")
            continue
        planned, _ = plan_order(order, [*(facts_of(order) if order.pk else ()), *told])
        grants += _changes(order, planned.grants)
        unmapped += planned.unmapped
    if any(isinstance(fact, CustomerChanged) for fact in reading.facts):
        notes.append("The customer's details change in the history; access stays as it is.")
    return Simulation(cart_id, reading.event, reading.facts, fulfilled, tuple(grants), tuple(unmapped), tuple(notes))


def _orders(cart: Cart, facts: Iterable[Fact]) -> Iterable[tuple[Order, list[OrderFact]]]:
    by_order: dict[tuple[str, str], list[OrderFact]] = {}
    for fact in facts:
        if not isinstance(fact, Ignored | CustomerChanged):
            by_order.setdefault((fact.mode.value, fact.order_id), []).append(fact)
    for (mode, number), told in by_order.items():
        known = Order.objects.filter(cart=cart, mode=mode, external_id=number).select_related("cart").first()
        yield known or Order(cart=cart, mode=mode, external_id=number, customer=Customer(cart=cart)), told


def _changes(order: Order, planned: Iterable[PlannedGrant]) -> list[GrantChange]:
    stored = order.grants.select_related("member") if order.pk else ()
    known = {key_of(grant): grant for grant in stored}
    changes = []
    for wanted in planned:
        grant = known.get(planned_key(wanted))
        if grant is None:
            change = "new"
        elif (grant.until_on, grant.live) != (wanted.until_on, wanted.live):
            change = "changed"
        else:
            change = "unchanged"
        changes.append(
            GrantChange(
                change,
                str(wanted.item),
                wanted.target.site,
                wanted.target.level,
                wanted.until_on,
                wanted.live,
                wanted.reason,
                wanted.blocked,
            )
        )
    return changes
