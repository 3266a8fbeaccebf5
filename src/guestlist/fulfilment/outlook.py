"""What a rule comes to, told by example: sample purchases put through the plan that real ones go through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from guestlist.domain.facts import (
    Billing,
    Buyer,
    Mode,
    OrderFact,
    OrderLine,
    OrderPlaced,
    Paused,
    PaymentFailed,
    PaymentReceived,
    Refunded,
    SubscriptionCancelled,
)
from guestlist.domain.history import fold
from guestlist.domain.periods import Period, Unit
from guestlist.domain.plan import Decided, PlannedGrant, plan
from guestlist.domain.rules import Rule, Target
from guestlist.domain.terms import LevelTerms

MONTH = Period(1, Unit.MONTHS)
PRICE_MINOR = 2900
PAYMENTS = 3
# Long enough after the purchase to be within the first paid period, whatever the month.
DAYS_LATER = 7
_WHO = Buyer(email="sample@example.com", customer_id="1")


class Sale(StrEnum):
    """How the sample is paid."""

    ONCE = "once"
    SUBSCRIPTION = "subscription"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a sample's access to one level lasts. `until_on` None = for ever; `ended` = it was taken away."""

    target: Target
    until_on: date | None
    ended: bool
    unknown: bool


@dataclass(frozen=True, slots=True)
class Example:
    """What happens in a sample, in words, and what becomes of each level."""

    happens: str
    levels: tuple[Lasting, ...]


def outlook(rule: Rule, terms: Mapping[Target, LevelTerms], sales: Sequence[Sale], paid_on: date) -> list[Example]:
    """What buyers of an item get and lose under a rule.

    Args:
        terms: of the levels that the rule names; one that is missing was never read.
        sales: how the item is sold, as far as that is known.
        paid_on: the day of the sample purchase.
    """
    examples = []
    for sale in sales:
        for happens, facts in _stories(rule, sale, paid_on):
            grants = plan(fold(facts), lambda _charge: Decided(rule, terms)).grants
            examples.append(Example(happens, tuple(_lasting(target, grants) for target in rule.grants)))
    return examples


def _stories(rule: Rule, sale: Sale, paid_on: date) -> list[tuple[str, list[OrderFact]]]:
    shop = _Shop(rule, sale, paid_on)
    later = paid_on + timedelta(days=DAYS_LATER)
    due = MONTH.after(paid_on)
    said = {"day": _day(paid_on), "later": _day(later), "due": _day(due)}
    refund: tuple[str, Callable[[], list[OrderFact]]] = (
        _("Gets all the money back on %(later)s") % said,
        lambda: [shop.refund(later, PRICE_MINOR)],
    )
    part: tuple[str, Callable[[], list[OrderFact]]] = (
        _("Gets part of the money back on %(later)s") % said,
        lambda: [shop.refund(later, PRICE_MINOR // 2)],
    )
    match sale:
        case Sale.ONCE:
            told = [(_("Buys once on %(day)s") % said, list), refund, part]
        case Sale.SUBSCRIPTION:
            told = [
                (_("Pays a monthly subscription on %(day)s") % said, list),
                (_("Pays again on %(due)s") % said, lambda: [shop.payment(2)]),
                (_("Cancels on %(later)s") % said, lambda: [shop.cancelled(later)]),
                (_("The payment of %(due)s fails") % said, lambda: [shop.failed(due)]),
                (_("Pauses on %(later)s") % said, lambda: [shop.paused(later)]),
                refund,
                part,
            ]
        case Sale.PLAN:
            payments = {**said, "count": PAYMENTS}
            told = [
                (_("Makes the first of %(count)s monthly payments on %(day)s") % payments, list),
                (
                    _("Makes the last of %(count)s payments") % payments,
                    lambda: [shop.payment(number) for number in range(2, PAYMENTS + 1)],
                ),
            ]
    return [(happens, [shop.placed(), *more()]) for happens, more in told]


class _Shop:
    """Makes the facts of one sample order."""

    def __init__(self, rule: Rule, sale: Sale, paid_on: date) -> None:
        self._rule = rule
        self._sale = sale
        self._paid_on = paid_on
        self._base = {"order_id": "1", "mode": Mode.LIVE, "buyer": _WHO}

    def placed(self) -> OrderPlaced:
        recurring = self._sale is not Sale.ONCE
        line = OrderLine(
            item=self._rule.item,
            name=str(self._rule.item),
            option=self._rule.option,
            billing=Billing.RECURRING if recurring else Billing.ONE_TIME,
            paid_minor=PRICE_MINOR,
            paid_gross_minor=PRICE_MINOR,
            frequency=MONTH if recurring else None,
            next_due_at=_noon(self._due(1)) if recurring else None,
            payments_left=PAYMENTS - 1 if self._sale is Sale.PLAN else None,
        )
        return OrderPlaced(at=_noon(self._paid_on), currency="", lines=(line,), **self._base)  # type: ignore[arg-type]

    def payment(self, number: int) -> PaymentReceived:
        left = PAYMENTS - number if self._sale is Sale.PLAN else None
        return PaymentReceived(
            at=_noon(self._due(number - 1)),
            item=self._rule.item,
            currency="",
            amount_minor=PRICE_MINOR,
            amount_gross_minor=PRICE_MINOR,
            invoice_id=f"1-{number}",
            option=self._rule.option,
            index=number,
            frequency=MONTH,
            next_due_at=None if left == 0 else _noon(self._due(number)),
            payments_left=left,
            **self._base,  # type: ignore[arg-type]
        )

    def refund(self, on: date, amount_minor: int) -> Refunded:
        return Refunded(
            at=_noon(on),
            item=self._rule.item,
            currency="",
            amount_minor=amount_minor,
            amount_gross_minor=amount_minor,
            **self._base,  # type: ignore[arg-type]
        )

    def cancelled(self, on: date) -> SubscriptionCancelled:
        end = _noon(self._due(1))
        return SubscriptionCancelled(at=_noon(on), item=self._rule.item, period_end_at=end, **self._base)  # type: ignore[arg-type]

    def failed(self, on: date) -> PaymentFailed:
        return PaymentFailed(at=_noon(on), item=self._rule.item, **self._base)  # type: ignore[arg-type]

    def paused(self, on: date) -> Paused:
        return Paused(at=_noon(on), item=self._rule.item, **self._base)  # type: ignore[arg-type]

    def _due(self, number: int) -> date:
        due = self._paid_on
        for _each in range(number):
            due = MONTH.after(due, anchor=self._paid_on)
        return due


def _lasting(target: Target, grants: Sequence[PlannedGrant]) -> Lasting:
    """Access lasts while any grant gives it."""
    of_level = [grant for grant in grants if grant.target == target]
    live = [grant for grant in of_level if grant.live]
    unknown = any(grant.blocked for grant in live)
    ends = [grant.until_on for grant in live]
    until_on = None if not ends or None in ends else max(end for end in ends if end is not None)
    return Lasting(target, until_on, ended=not live, unknown=unknown)


def _noon(on: date) -> datetime:
    return datetime.combine(on, time(12), UTC)


def _day(on: date) -> str:
    return date_format(on, _("j F"))
