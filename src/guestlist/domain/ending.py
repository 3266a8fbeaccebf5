"""What shortens or ends a charge's access: refunds, cancellations, pauses, refused payments (design section 4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import assert_never

from guestlist.domain.charges import Charge
from guestlist.domain.history import BoughtItem
from guestlist.domain.rules import AccessKind, OnEnd, OnFailedPayment, OnRefund, Rule


@dataclass(frozen=True, slots=True)
class Access:
    """What a charge gives at one level.

    Attributes:
        on: last day; None = for ever.
        words: why, and until when.
        blocked: what has to be known before `on` can be said; "" = nothing.
        live: False = taken away.
    """

    on: date | None
    words: str
    blocked: str = ""
    live: bool = True

    def over_by(self, moment: datetime) -> bool:
        """Whether it had ended by itself before that day."""
        return self.on is not None and self.on < moment.date()

    def ended(self, why: str) -> Access:
        """Taken away; how long it would have lasted need not be known."""
        return replace(self, live=False, blocked="", words=f"{self.words}; {why}")

    def at_most(self, end: date, why: str) -> Access:
        """Until `end`, if it would last longer."""
        if self.blocked or (self.on is not None and self.on <= end):
            return self
        return replace(self, on=end, words=f"{self.words}; {why}, so access ends on {end}")

    def noting(self, what: str) -> Access:
        """Unchanged, with a word more."""
        return replace(self, words=f"{self.words}; {what}")


def shortened(
    access: Access, charge: Charge, bought: BoughtItem, rule: Rule, period_end: Callable[[Charge], date]
) -> Access:
    """A charge's access after all that stands against it.

    Args:
        period_end: the end of the period that a charge paid for, without grace.
    """
    access = _kept_open(access, charge, bought, rule)
    access = _cancelled(access, charge, bought, rule, period_end)
    access = _paused(access, charge, bought, rule, period_end)
    access = _suspended(access, charge, bought, rule)
    return _refunded(access, charge, rule)


def _touched(access: Access, charge: Charge, moment: datetime | None) -> datetime | None:
    """The moment, if what happened then concerns the charge: made before, and its access not over yet."""
    if moment is None or charge.at > moment or access.over_by(moment) or not access.live:
        return None
    return moment


def _latest(bought: BoughtItem, moment: datetime) -> Charge:
    """The charge whose period ran at the moment."""
    return next((charge for charge in reversed(bought.charges) if charge.at <= moment), bought.charges[0])


def _kept_open(access: Access, charge: Charge, bought: BoughtItem, rule: Rule) -> Access:
    failing = bought.standing.failing_since
    if failing is None or bought.standing.cancelled_at is not None or charge is not _latest(bought, failing):
        return access
    if rule.on_failed_payment is not OnFailedPayment.KEEP or not (charge.recurring or charge.deferred):
        return access
    why = f"the payment was refused on {failing.date()}, and access stays open until it is made"
    return replace(access, on=None, blocked="", words=f"{access.words}; {why}")


def _cancelled(
    access: Access, charge: Charge, bought: BoughtItem, rule: Rule, period_end: Callable[[Charge], date]
) -> Access:
    moment, told_end = _touched(access, charge, bought.standing.cancelled_at), bought.standing.paid_until
    if moment is None:
        return access
    why = f"cancelled on {moment.date()}"
    match rule.on_cancel:
        case OnEnd.KEEP:
            return access.noting(f"{why}, which changes nothing here")
        case OnEnd.NOW:
            return access.ended(f"{why}, so access ended")
        case OnEnd.PERIOD_END:
            if told_end is None and not charge.recurring and not charge.deferred:
                return access.noting(f"{why}; what was paid once stays")
            latest = _latest(bought, moment)
            end = told_end or period_end(latest)
            by_payment = rule.access in (AccessKind.AUTO, AccessKind.PAID_PERIOD)
            if by_payment and charge is latest and charge.recurring:
                # The cart knows the period's end better than what was reckoned from the charge.
                return replace(
                    access, on=end, blocked="", words=f"{access.words}; {why}, so access ends with the period, {end}"
                )
            return access.at_most(end, why)
        case _:
            assert_never(rule.on_cancel)


def _paused(
    access: Access, charge: Charge, bought: BoughtItem, rule: Rule, period_end: Callable[[Charge], date]
) -> Access:
    moment = _touched(access, charge, bought.standing.paused_at)
    if moment is None:
        return access
    why = f"paused on {moment.date()}"
    match rule.on_pause:
        case OnEnd.KEEP:
            return access.noting(f"{why}, which changes nothing here")
        case OnEnd.NOW:
            return access.ended(f"{why}, so access is suspended until it is resumed")
        case OnEnd.PERIOD_END:
            if not charge.recurring and not charge.deferred:
                return access.noting(f"{why}; what was paid once stays")
            return access.at_most(period_end(_latest(bought, moment)), why)
        case _:
            assert_never(rule.on_pause)


def _suspended(access: Access, charge: Charge, bought: BoughtItem, rule: Rule) -> Access:
    moment = _touched(access, charge, bought.standing.failing_since)
    if moment is None:
        return access
    match rule.on_failed_payment:
        case OnFailedPayment.SUSPEND:
            return access.ended(
                f"the payment was refused on {moment.date()}, so access is suspended until a payment succeeds"
            )
        case OnFailedPayment.GRACE:
            return access.noting(f"the payment was refused on {moment.date()}")
        case OnFailedPayment.KEEP:
            return access
        case _:
            assert_never(rule.on_failed_payment)


def _refunded(access: Access, charge: Charge, rule: Rule) -> Access:
    refund = charge.refund
    if refund is None:
        return access
    what = f"refunded in {'full' if refund.full else 'part'} on {refund.on}"
    policy = rule.on_refund if refund.full else rule.on_partial_refund
    match policy:
        case OnRefund.REVOKE:
            return access.ended(f"{what}, so access ended")
        case OnRefund.KEEP:
            return access.noting(f"{what}, which changes nothing here")
        case _:
            assert_never(policy)
