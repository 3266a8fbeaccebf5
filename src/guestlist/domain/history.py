"""Folding an order's facts into its history. Any order of arrival and any repetition gives the same history."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date

from guestlist.domain.charges import FIRST_CHARGE, Charge
from guestlist.domain.facts import (
    Billing,
    Completed,
    Item,
    OrderFact,
    OrderLine,
    OrderPlaced,
    PaymentReceived,
    Refunded,
)
from guestlist.domain.periods import Period
from guestlist.domain.refunds import with_refunds
from guestlist.domain.standing import GOOD_STANDING, Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtItem:
    """An item of an order with all its charges, oldest first, and what stands against them."""

    item: Item
    name: str
    charges: tuple[Charge, ...]
    standing: Standing = GOOD_STANDING


@dataclass(frozen=True, slots=True)
class OrderHistory:
    """What an order's facts add up to."""

    items: tuple[BoughtItem, ...]

    @property
    def charges(self) -> tuple[Charge, ...]:
        """All charges of all items."""
        return tuple(charge for bought in self.items for charge in bought.charges)


def fold(facts: Iterable[OrderFact]) -> OrderHistory:
    """The history that an order's facts tell, whatever their order and however often each came."""
    # Of two facts with one key the one that says more stays, else the earlier one; never the one that came first.
    ordered = sorted(facts, key=lambda fact: (-_detail(fact), fact.at, repr(fact)), reverse=True)
    unique = sorted({fact.key: fact for fact in ordered}.values(), key=lambda fact: (fact.at, fact.key))
    lines = _lines(fact for fact in unique if isinstance(fact, OrderPlaced))
    about: dict[Item, list[OrderFact]] = {}
    for fact in unique:
        if not isinstance(fact, OrderPlaced):
            about.setdefault(fact.item, []).append(fact)
    # What ends or changes access waits until something was bought.
    paid = {item for item, told in about.items() if any(isinstance(fact, PaymentReceived) for fact in told)}
    return OrderHistory(
        tuple(_bought(item, lines.get(item), about.get(item, [])) for item in sorted({*lines, *paid}, key=str))
    )


def _detail(fact: OrderFact) -> int:
    return sum(getattr(fact, field.name) not in (None, "") for field in fields(fact))


def _lines(placed: Iterable[OrderPlaced]) -> dict[Item, tuple[OrderPlaced, OrderLine]]:
    """Each item's line. A repeated order adds what it names and takes nothing away.

    Where two deliveries tell of one item, the one that says more is kept, so the choice does not depend on which
    arrived first.
    """
    told: dict[Item, list[tuple[OrderPlaced, OrderLine]]] = {}
    for fact in placed:
        for line in fact.lines:
            told.setdefault(line.item, []).append((fact, line))
    return {item: min(lines, key=_preference) for item, lines in told.items()}


def _preference(told: tuple[OrderPlaced, OrderLine]) -> tuple[object, ...]:
    """Smallest = kept: what says more, then what is earlier, then what is due earlier."""
    fact, line = told
    return (
        line.option is None,
        line.billing is not Billing.RECURRING,
        line.next_due_at is None,
        line.frequency is None,
        fact.at,
        line.next_due_at or fact.at,
        repr(line),
    )


def _bought(item: Item, placed: tuple[OrderPlaced, OrderLine] | None, told: list[OrderFact]) -> BoughtItem:
    rebills = [fact for fact in told if isinstance(fact, PaymentReceived)]
    if placed and rebills:
        placed = (placed[0], _as_paid(placed[1], rebills))
    line = placed[1] if placed else None
    anchor = placed[0].at.date() if placed else None
    charges = [_first_charge(*placed)] if placed else []
    charges += [_rebill(fact, line, anchor) for fact in rebills]
    if line is not None and line.billing is Billing.ONE_TIME and rebills:
        # A one-time price that was deferred (see `_as_paid`): its real charge is the only one.
        charges[-1] = replace(charges[-1], last=True, due_on=None, recurring=False)
    elif any(isinstance(fact, Completed) for fact in told) or any(fact.payments_left == 0 for fact in rebills):
        # A plan ends with its latest charge, also where "completed" came before the charge that completed it.
        charges[-1] = replace(charges[-1], last=True, due_on=None)
    charges = with_refunds(charges, [fact for fact in told if isinstance(fact, Refunded)])
    name = line.name if line else next((fact.name for fact in rebills if fact.name), str(item))
    return BoughtItem(item=item, name=name, charges=tuple(charges), standing=standing(charges, told))


def _as_paid(line: OrderLine, rebills: list[PaymentReceived]) -> OrderLine:
    """The line as its later charges show it: one that was told as paid once and is charged on is a subscription."""
    goes_on = any(fact.next_due_at or fact.frequency or fact.payments_left for fact in rebills)
    deferred = line.next_due_at is not None and line.paid_minor == 0 and not goes_on
    if line.billing is Billing.RECURRING or deferred:
        return line
    frequency = next((fact.frequency for fact in rebills if fact.frequency), None)
    return replace(line, billing=Billing.RECURRING, frequency=line.frequency or frequency)


def _first_charge(order: OrderPlaced, line: OrderLine) -> Charge:
    paid_on = order.at.date()
    due_on = line.next_due_at.date() if line.next_due_at else None
    recurring = line.billing is Billing.RECURRING
    period_end = line.frequency.after(paid_on) if recurring and line.frequency else None
    if due_on is None and recurring:
        due_on = period_end
    deferred = due_on is not None and line.paid_minor == 0
    last = line.payments_left == 0 if recurring else not deferred
    return Charge(
        item=line.item,
        key=FIRST_CHARGE,
        at=order.at,
        option=line.option,
        amount_minor=line.paid_minor,
        total_minor=line.paid_gross_minor,
        currency=order.currency,
        due_on=None if last else due_on,
        deferred=deferred,
        last=last,
        recurring=recurring,
        period_end_on=due_on or period_end,
    )


def _rebill(fact: PaymentReceived, line: OrderLine | None, anchor: date | None) -> Charge:
    frequency: Period | None = fact.frequency or (line.frequency if line else None)
    reckoned = frequency.after(fact.at.date(), anchor=anchor) if frequency else None
    due_on = fact.next_due_at.date() if fact.next_due_at else reckoned
    return Charge(
        item=fact.item,
        key=fact.charge_key,
        at=fact.at,
        option=fact.option or (line.option if line else None),
        amount_minor=fact.amount_minor,
        total_minor=fact.amount_gross_minor,
        currency=fact.currency,
        due_on=due_on,
        deferred=False,
        last=False,
        recurring=True,
        period_end_on=due_on,
    )
