"""What everybody should have, kept by plain bookkeeping over all that was told so far.

Deliberately simple and slow, and independent of the product: it imports nothing of it. It is told the shop's own events
(with the dates that the shop itself reckoned) and which rules were in force when it was told; whatever the order in
which they come, only their own times count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple, TypeVar

from dateutil.relativedelta import relativedelta

EVER = date.max
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an item gives, in the words of the settings file. `grants`: (site, level) pairs."""

    grants: tuple[tuple[str, str], ...]
    access: str = "auto"
    grace_days: int = 3
    on_refund: str = "revoke"
    on_partial_refund: str = "keep"
    on_cancel: str = "period-end"
    on_failed_payment: str = "grace"
    on_pause: str = "period-end"
    after_last_payment: str = "forever"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to one item of one order."""

    buyer: str
    order: str
    item: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Paid(Event):
    """A charge, or the beginning of a trial. `first`: it came with the order.

    Attributes:
        due: when the next charge is due; None = none is.
        last: the item comes in charges, and this is the last one.
        recurring: the item comes in charges.
        option: None = the event does not say which.
    """

    first: bool
    net: int
    due: date | None
    recurring: bool
    last: bool = False
    option: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refused(Event):
    """A charge was refused."""


@dataclass(frozen=True, kw_only=True)
class Cancelled(Event):
    """Nothing more will be charged; what was paid ends on `end`."""

    end: date


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """Nothing is charged for now."""


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """It goes on."""


@dataclass(frozen=True, kw_only=True)
class GivenBack(Event):
    """Money went back."""

    net: int


@dataclass(frozen=True, kw_only=True)
class ByHand:
    """What staff did for a buyer at a site; `level` "" = all levels, `until` EVER = no end."""

    buyer: str
    site: str
    act: str
    level: str
    at: datetime
    until: date = EVER


_Of = TypeVar("_Of", bound=Event)


class Row(NamedTuple):
    """A live transaction as it should stand at a site."""

    site: str
    buyer: str
    level: str
    until: date
    amount: str
    charged_at: datetime


@dataclass
class _Charge:
    paid: Paid
    left: int
    given_back: str = ""  # "" | "part" | "full"


@dataclass
class Oracle:
    """The books.

    Attributes:
        level_terms: how long a level lasts by itself; None = for ever.
        rules: what an item gives at the moment; None or missing = nobody has said.
    """

    level_terms: dict[str, relativedelta | None]
    rules: dict[str, Terms] = field(default_factory=dict)
    told: set[Event] = field(default_factory=set)
    acts: list[ByHand] = field(default_factory=list)
    _decided: dict[tuple[str, str, datetime], tuple[str | None, Terms]] = field(default_factory=dict)

    def tell(self, *events: Event) -> None:
        """A delivery was read, for the first time or again."""
        self.told.update(events)
        for order in {event.order for event in events}:
            self.plan(order)

    def plan(self, order: str) -> None:
        """Each charge of an order is fulfilled by the rule that was in force when Guestlist first saw it."""
        for item in self._items(order):
            for charge in self._charges(order, item):
                key, option = (order, item, charge.paid.at), self._option(charge.paid)
                before = self._decided.get(key)
                if (before is None or before[0] != option) and item in self.rules:
                    self._decided[key] = option, self.rules[item]

    def has_bought_at(self, buyer: str, site: str) -> bool:
        """Whether something that the buyer bought ever gave a level at the site."""
        orders = {event.order for event in self.told if event.buyer == buyer}
        return any(
            order in orders and site in dict(terms.grants) for (order, _, _), (_, terms) in self._decided.items()
        )

    def expected(self) -> Counter[Row]:
        """Every live transaction of Guestlist's, at all sites."""
        orders = sorted({event.order for event in self.told})
        rows = [row for order in orders for item in self._items(order) for row in self._rows(order, item)]
        return Counter(rows + [row for act in self.acts for row in self._rows_by_hand(act)])

    def _items(self, order: str) -> list[str]:
        return sorted({event.item for event in self.told if event.order == order and isinstance(event, Paid)})

    def _of(self, order: str, item: str, kind: type[_Of]) -> list[_Of]:
        found = [event for event in self.told if isinstance(event, kind) and (event.order, event.item) == (order, item)]
        return sorted(found, key=lambda event: event.at)

    def _option(self, paid: Paid) -> str | None:
        """A charge's option, else what the order said of the item."""
        ordered = [event for event in self._of(paid.order, paid.item, Paid) if event.first]
        return paid.option or (ordered[0].option if ordered else None)

    def _charges(self, order: str, item: str) -> list[_Charge]:
        """The item's charges, oldest first, with what was given back of each."""
        charges = [_Charge(paid, paid.net) for paid in self._of(order, item, Paid)]
        for refund in self._of(order, item, GivenBack):
            if charges:
                _give_back(refund, charges)
        return charges

    def _rows(self, order: str, item: str) -> list[Row]:
        charges = self._charges(order, item)
        rows = []
        for charge in charges:
            paid = charge.paid
            _, terms = self._decided.get((order, item, paid.at), (None, None))
            for position, (site, level) in enumerate(terms.grants if terms else ()):
                until = self._until(charge, charges, terms, level)
                begun = self._ordered_at(order)
                if until is not None and not self._denied(paid.buyer, site, level, begun, until):
                    net = paid.net if position == 0 else 0
                    rows.append(Row(site, paid.buyer, level, until, f"{net // 100}.{net % 100:02}", paid.at))
        return rows

    def _ordered_at(self, order: str) -> datetime:
        """When an order was placed; as long as it was not told of, the earliest moment that was."""
        events = [event for event in self.told if event.order == order]
        placed = [event.at for event in events if isinstance(event, Paid) and event.first]
        return min(placed or [event.at for event in events])

    def _until(self, charge: _Charge, charges: list[_Charge], terms: Terms, level: str) -> date | None:
        """The charge's last day; None = taken away."""
        until = self._paid_for(charge, terms, level)
        if not charges[-1].paid.last:
            after = self._after_troubles(until, charge, charges, terms)
            if after is None:
                return None
            until = after
        policy = {"": "keep", "part": terms.on_partial_refund, "full": terms.on_refund}[charge.given_back]
        return None if policy == "revoke" else until

    def _paid_for(self, charge: _Charge, terms: Terms, level: str) -> date:
        """How long a charge lasts if nothing comes between."""
        paid, day = charge.paid, charge.paid.at.date()
        by_level = self.level_terms[level]
        own_terms = EVER if by_level is None else day + by_level
        match terms.access:
            case "forever":
                return EVER
            case "level-terms":
                return own_terms
            case "auto" | "paid-period":
                if paid.last:
                    month_after = day + relativedelta(months=1)
                    ends = {"forever": EVER, "level-terms": own_terms, "period-end": month_after}
                    return ends[terms.after_last_payment]
                return own_terms if paid.due is None else paid.due + timedelta(days=terms.grace_days)
            case length:
                number, unit = length.split()
                return day + relativedelta(**{unit: int(number)})

    def _after_troubles(self, until: date, charge: _Charge, charges: list[_Charge], terms: Terms) -> date | None:
        """What cancellations, pauses and refused charges leave of it; None = taken away."""
        order, item = charge.paid.order, charge.paid.item
        paid_at = max([each.paid.at for each in charges if each.given_back != "full"] or [charges[0].paid.at])
        resumed_at = max([event.at for event in self._of(order, item, Resumed)], default=LONG_AGO)
        # What no payment and no resumption came after. The first of them sets the day.
        cancels = [event for event in self._of(order, item, Cancelled) if event.at >= max(paid_at, resumed_at)]
        pauses = [event for event in self._of(order, item, Paused) if event.at >= paid_at and event.at > resumed_at]
        refusals = [event for event in self._of(order, item, Refused) if event.at > paid_at and event.at >= resumed_at]

        def ran_at(moment: datetime) -> _Charge:
            return ([each for each in charges if each.paid.at <= moment] or charges[:1])[-1]

        def touches(events: list[_Of]) -> bool:
            return bool(events) and charge.paid.at <= events[0].at and until >= events[0].at.date()

        if terms.on_failed_payment == "keep" and refusals and not cancels and charge is ran_at(refusals[0].at):
            until = EVER
        if touches(cancels):
            end, by_payment = cancels[-1].end, terms.access in ("auto", "paid-period")
            if terms.on_cancel == "now":
                return None
            if terms.on_cancel == "period-end":
                until = end if by_payment and charge is ran_at(cancels[0].at) else min(until, end)
        if touches(pauses):
            if terms.on_pause == "now":
                return None
            if terms.on_pause == "period-end":
                until = min(until, ran_at(pauses[0].at).paid.due or EVER)
        if touches(refusals) and terms.on_failed_payment == "suspend":
            return None
        return until

    def has_by_hand(self, buyer: str, site: str, level: str, until: date) -> bool:
        """Whether staff gave a level that lasts as long as this, or longer."""
        rows = (row for act in self.acts for row in self._rows_by_hand(act))
        return any((row.buyer, row.site, row.level) == (buyer, site, level) and row.until >= until for row in rows)

    def _rows_by_hand(self, act: ByHand) -> list[Row]:
        if act.act not in ("grant", "extend") or self._denied(act.buyer, act.site, act.level, act.at, act.until):
            return []
        return [Row(act.site, act.buyer, act.level, act.until, "0.00", act.at)]

    def _denied(self, buyer: str, site: str, level: str, begun: datetime, until: date) -> bool:
        """Whether staff keep this from giving access: held, or begun before a revocation that stands, and not over."""
        holds: list[tuple[str, date]] = []
        revoked: list[tuple[str, datetime]] = []
        for act in self.acts:
            if (act.buyer, act.site) != (buyer, site):
                continue
            match act.act:
                case "hold":
                    holds.append((act.level, act.at.date()))
                case "revoke":
                    revoked.append((act.level, act.at))
                case "release":
                    holds = [(held, since) for held, since in holds if act.level not in ("", held)]
                    revoked = [(gone, at) for gone, at in revoked if act.level not in ("", gone)]
        of_level = ("", level)
        return any(held in of_level and until >= since for held, since in holds) or any(
            gone in of_level and begun <= at and until >= at.date() for gone, at in revoked
        )


def _give_back(refund: GivenBack, charges: list[_Charge]) -> None:
    """The latest charge that was exactly this much, else the latest that has as much left, else backwards over all."""
    before = [charge for charge in charges if charge.paid.at <= refund.at] or charges[:1]
    before.reverse()
    exact = [charge for charge in before if 0 < charge.left == refund.net]
    enough = [charge for charge in before if charge.left >= refund.net]
    with_money = [charge for charge in before if charge.left > 0]
    if not (exact or with_money):
        # Something free was given back, or what was paid was not told of yet.
        free = [charge for charge in before if not charge.given_back] or before
        free[0].given_back = "full"
    left = refund.net
    for charge in (exact or enough)[:1] or with_money:
        if left > 0:
            taken = min(left, charge.left)
            charge.left, left = charge.left - taken, left - taken
            charge.given_back = "part" if charge.left else "full"
