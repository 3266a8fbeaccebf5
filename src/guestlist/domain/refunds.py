"""Which charge a refund gives back. A cart names the item and an amount, seldom the charge, and never says "full"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from guestlist.domain.charges import Charge, Refund
from guestlist.domain.facts import Refunded


@dataclass
class _Left:
    """What is left of a charge's money, in minor units, net and gross."""

    charge: Charge
    net: int
    gross: int
    last: Refunded | None = None

    @property
    def gone(self) -> bool:
        return self.net <= 0 or self.gross <= 0

    def is_exactly(self, refund: Refunded) -> bool:
        # Where the cart does not tell the tax apart, its amount may be the gross one.
        return (
            refund.amount_minor == self.net
            or refund.amount_gross_minor == self.gross
            or (not _tells_tax(refund) and refund.amount_minor == self.gross)
        )

    def suffices(self, refund: Refunded) -> bool:
        return not self.gone and (refund.amount_minor <= self.net or refund.amount_gross_minor <= self.gross)

    def take(self, refund: Refunded) -> Refunded | None:
        """Take the refund's money out of the charge; returns what of the refund is left over."""
        self.last = refund
        if self.is_exactly(refund):
            self.net = self.gross = 0
            return None
        if not _tells_tax(refund) and self.net < refund.amount_minor < self.gross:
            # More than the net amount, so it is a part of the gross one.
            self.net -= self.net * refund.amount_minor // self.gross
            self.gross -= refund.amount_minor
            return None
        net, gross = refund.amount_minor - max(self.net, 0), refund.amount_gross_minor - max(self.gross, 0)
        self.net -= refund.amount_minor
        self.gross -= refund.amount_gross_minor
        return replace(refund, amount_minor=net, amount_gross_minor=gross) if net > 0 and gross > 0 else None


def _tells_tax(refund: Refunded) -> bool:
    return refund.amount_minor != refund.amount_gross_minor


def with_refunds(charges: Sequence[Charge], refunds: Sequence[Refunded]) -> list[Charge]:
    """The charges of one item with what was given back of each.

    A refund belongs to the charge whose invoice it names; else to the latest charge before it whose money is exactly
    the refund's; else to the latest that has enough left; else it is spread over them, latest first. Several partial
    refunds of a charge add up.

    Args:
        charges: oldest first.
    """
    purse = [_Left(charge, charge.amount_minor, charge.total_minor) for charge in charges]
    for refund in sorted(_told_once(refunds), key=lambda fact: (fact.at, fact.key)):
        _attribute(refund, purse)
    given_back = [replace(left.charge, refund=_refund(left)) for left in purse]
    paid_once = bool(charges) and charges[-1].last and not charges[-1].recurring
    if paid_once and (whole := given_back[-1].refund):
        # Also the time until a deferred price was charged.
        return [replace(charge, refund=charge.refund or whole) for charge in given_back]
    return given_back


def refunded_minor(refunds: Iterable[Refunded]) -> int:
    """What was refunded of one item in minor units, with tax where the cart tells it; each refund counts once."""
    # Of two that are the same one, the larger tells the tax.
    unique = {fact.key: fact for fact in sorted(refunds, key=lambda fact: fact.amount_gross_minor)}
    return sum(fact.amount_gross_minor for fact in _told_once(list(unique.values())))


def _told_once(refunds: Sequence[Refunded]) -> list[Refunded]:
    """Each refund once: both surfaces of a cart may tell of it, and only one of them with the event's id."""
    named = {(fact.at, fact.amount_minor) for fact in refunds if fact.event_id}
    return [fact for fact in refunds if fact.event_id or (fact.at, fact.amount_minor) not in named]


def _attribute(refund: Refunded, purse: Sequence[_Left]) -> None:
    invoiced = next((left for left in purse if refund.invoice_id and left.charge.key == refund.invoice_id), None)
    # Clocks differ: a refund that seems to be older than every charge is the first one's.
    before = [left for left in purse if left.charge.at <= refund.at] or list(purse[:1])
    latest_first = before[::-1]
    found = (
        invoiced
        or next((left for left in latest_first if not left.gone and left.is_exactly(refund)), None)
        or next((left for left in latest_first if left.suffices(refund)), None)
    )
    if found is not None:
        found.take(refund)
        return
    rest: Refunded | None = refund
    for left in latest_first:
        if rest is not None and not left.gone:
            rest = left.take(rest)
    if rest is refund and latest_first:
        # No charge has money left: one whose amount the cart never told, or a free one.
        unpaid = (left for left in latest_first if left.last is None)
        next(unpaid, latest_first[0]).last = refund


def _refund(left: _Left) -> Refund | None:
    return Refund(left.last.at.date(), full=left.gone) if left.last else None
