"""One payment for one item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from guestlist.domain.facts import Item

FIRST_CHARGE = "first"


@dataclass(frozen=True, slots=True)
class Refund:
    """What was given back of a charge.

    Attributes:
        on: UTC date of the latest refund.
        full: nothing is left of what was paid.
    """

    on: date
    full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """One payment for one item, with what it leads to.

    Attributes:
        key: names the charge within its order and item; the order's own charge is `first`.
        option: the pricing option that was paid for.
        paid_on: UTC date of the charge.
        due_on: when the next charge is due: from the event, else reckoned; None = nothing more is due, or unknown.
        deferred: nothing was paid yet (free trial, deferred start): the first real charge is due on `due_on`.
        last: no further charge follows (one-time items, and the last one of a payment plan).
        recurring: the item is paid in charges that come again.
        period_end_on: the end of the period this charge paid for, where the item recurs and its frequency is known.
        refund: what was given back of it; None = nothing.
    """

    item: Item
    key: str
    at: datetime
    option: str | None
    amount_minor: int
    total_minor: int
    currency: str
    due_on: date | None
    deferred: bool
    last: bool
    recurring: bool
    period_end_on: date | None
    refund: Refund | None = None

    @property
    def paid_on(self) -> date:
        """UTC date of the charge."""
        return self.at.date()
