"""The plan: which grants should exist for an order. A pure function of its history and the decided rules.

The table it implements is design section 4 (docs/explanation/access-rules.md).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import assert_never

from guestlist.domain.charges import FIRST_CHARGE, Charge
from guestlist.domain.ending import Access, shortened
from guestlist.domain.facts import Item
from guestlist.domain.history import BoughtItem, OrderHistory
from guestlist.domain.periods import Period, Unit
from guestlist.domain.rules import AccessKind, AfterLastPayment, PasswordEmail, Rule, Target, WelcomeEmail
from guestlist.domain.terms import LevelTerms

# Where neither the event nor the order says when the next charge is due, and the level has no term of its own.
ASSUMED_FREQUENCY = Period(1, Unit.MONTHS)


@dataclass(frozen=True, slots=True)
class Decided:
    """The rule that a charge is fulfilled by, with its levels' terms (a level that was never read is missing)."""

    rule: Rule
    terms: Mapping[Target, LevelTerms]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGrant:
    """One charge's access to one level.

    Attributes:
        until_on: last day of access (UTC); None = for ever.
        reason: why, and until when, in words; also why it ended.
        live: False = it was taken away; what it would have lasted is still said.
        amount_minor, total_minor: the charge's money on its first level, 0 on further ones, so that the site's
            revenue report stays right.
        welcome: when the site is asked for its welcome mail ("never" for all but an item's first charge).
        blocked: what has to be known before `until_on` can be said; "" = nothing.
    """

    item: Item
    charge_key: str
    target: Target
    until_on: date | None
    reason: str
    amount_minor: int
    total_minor: int
    currency: str
    charged_at: datetime
    welcome: WelcomeEmail
    send_password: bool
    live: bool = True
    blocked: str = ""


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A charge for an item (or option) that no rule names."""

    item: Item
    option: str | None
    name: str
    charge_key: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be true for an order."""

    grants: tuple[PlannedGrant, ...]
    unmapped: tuple[Unmapped, ...]


def plan(history: OrderHistory, decide: Callable[[Charge], Decided | None]) -> Plan:
    """The grants that should exist.

    Args:
        history: the order's folded facts.
        decide: the rule for a charge; None = its item is not mapped.
    """
    grants: list[PlannedGrant] = []
    unmapped: list[Unmapped] = []
    for bought in history.items:
        for charge in bought.charges:
            decided = decide(charge)
            if decided is None:
                unmapped.append(Unmapped(bought.item, charge.option, bought.name, charge.key))
            else:
                grants += _grants(bought, charge, decided)
    return Plan(tuple(grants), tuple(unmapped))


def _grants(bought: BoughtItem, charge: Charge, decided: Decided) -> list[PlannedGrant]:
    rule = decided.rule
    # One welcome mail per purchase and site: on the first charge's first level there.
    welcomed = {target.site for target in rule.grants} if charge is not bought.charges[0] else set()
    grants = []
    for position, target in enumerate(rule.grants):
        until = _access(bought, charge, rule, decided.terms.get(target))
        grants.append(
            PlannedGrant(
                item=charge.item,
                charge_key=charge.key,
                target=target,
                until_on=until.on,
                reason=f"{_paid_words(bought, charge)}: {until.words}",
                amount_minor=charge.amount_minor if position == 0 else 0,
                total_minor=charge.total_minor if position == 0 else 0,
                currency=charge.currency,
                charged_at=charge.at,
                welcome=WelcomeEmail.NEVER if target.site in welcomed else rule.welcome_email,
                send_password=rule.password_email is PasswordEmail.NEW,
                live=until.live,
                blocked=until.blocked,
            )
        )
        welcomed.add(target.site)
    return grants


def _access(bought: BoughtItem, charge: Charge, rule: Rule, terms: LevelTerms | None) -> Access:
    return shortened(_until(charge, rule, terms), charge, bought, rule, lambda paid: _period_end(paid, terms))


def _period_end(charge: Charge, terms: LevelTerms | None) -> date:
    """The end of the period that a charge paid for, without grace; reckoned like `_by_payment` where it is not told."""
    told = charge.due_on or charge.period_end_on or (terms.until(charge.paid_on) if terms else None)
    return told or ASSUMED_FREQUENCY.after(charge.paid_on)


def _until(charge: Charge, rule: Rule, terms: LevelTerms | None) -> Access:
    match rule.access:
        case Period() as length:
            return Access(length.after(charge.paid_on), f"access for {length} from the payment")
        case AccessKind.FOREVER:
            return Access(None, "access for ever, as the rule says")
        case AccessKind.LEVEL_TERMS:
            return _by_level(charge, terms)
        case AccessKind.AUTO | AccessKind.PAID_PERIOD:
            return _by_payment(charge, rule, terms)
        case _:
            assert_never(rule.access)


def _by_payment(charge: Charge, rule: Rule, terms: LevelTerms | None) -> Access:
    if charge.last and charge.recurring:
        return _after_last(charge, rule, terms)
    if charge.last:
        return _by_level(charge, terms)
    grace = f" and {rule.grace_days} days of grace" if rule.grace_days else ""
    if charge.due_on is not None:
        what = "the first payment" if charge.deferred else "the next payment"
        return Access(_with_grace(charge.due_on, rule), f"access until {what} is due on {charge.due_on}{grace}")
    if terms is None:
        return _unread()
    due_on = terms.until(charge.paid_on)
    if due_on is not None:
        return Access(
            _with_grace(due_on, rule),
            f"the cart did not say when the next payment is due, so the level's own term counts ({terms}){grace}",
        )
    due_on = ASSUMED_FREQUENCY.after(charge.paid_on)
    return Access(
        _with_grace(due_on, rule),
        f"the cart did not say when the next payment is due, so {ASSUMED_FREQUENCY} is assumed{grace}",
    )


def _with_grace(due_on: date, rule: Rule) -> date:
    # "9999 years" at a site is the last day of the calendar already.
    return due_on + min(timedelta(days=rule.grace_days), date.max - due_on)


def _after_last(charge: Charge, rule: Rule, terms: LevelTerms | None) -> Access:
    match rule.after_last_payment:
        case AfterLastPayment.FOREVER:
            return Access(None, "the last payment is made, so access stays for ever")
        case AfterLastPayment.LEVEL_TERMS:
            return _by_level(charge, terms)
        case AfterLastPayment.PERIOD_END:
            end = charge.period_end_on or ASSUMED_FREQUENCY.after(charge.paid_on)
            return Access(end, f"the last payment is made; access until the end of the period it paid, {end}")
        case _:
            assert_never(rule.after_last_payment)


def _by_level(charge: Charge, terms: LevelTerms | None) -> Access:
    if terms is None:
        return _unread()
    return Access(terms.until(charge.paid_on), f"access by the level's own terms ({terms})")


def _unread() -> Access:
    return Access(None, "waiting for the site's levels to be read", blocked="the level's terms are not known yet")


def _paid_words(bought: BoughtItem, charge: Charge) -> str:
    what = f"{bought.name} ({bought.item})" if bought.name != str(bought.item) else bought.name
    if charge.deferred:
        return f"{what} begun on {charge.paid_on}"
    if charge.key == FIRST_CHARGE:
        return f"{what} bought on {charge.paid_on}"
    return f"{what} paid again on {charge.paid_on} (invoice {charge.key})"


def reference(cart: str, mode: str, order: str, item: Item, charge_key: str, target: Target) -> str:
    """Guestlist's own reference for a grant, kept at the site.

    The order's number is in it for people; the digest at its end has one length and no separator, so no reference is
    part of another, also under the site's substring search with its wildcards (reference memberpress-api section 5).
    """
    parts = (cart, mode, order, str(item), charge_key, target.site, target.level)
    digest = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]
    number = re.sub(r"[^0-9A-Za-z]", "", order)[:40]
    return f"gl-{number}-{digest}"


_REFERENCE = re.compile(r"gl-.*-[0-9a-f]{24}", re.DOTALL)


def is_reference(ref: str) -> bool:
    """Whether this has the form of a reference of Guestlist's: that of `reference`, or of a grant made by hand."""
    return _REFERENCE.fullmatch(ref) is not None
