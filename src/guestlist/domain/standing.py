"""What stands against an item's charges: a cancellation, a pause, a refused payment, each until something voids it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from guestlist.domain.charges import Charge
from guestlist.domain.facts import OrderFact, Paused, PaymentFailed, Resumed, SubscriptionCancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is in force now; None = it is not. Each moment is that of the first event since the last payment.

    Attributes:
        cancelled_at: no further charge will come.
        paid_until: the end of what was paid when it was cancelled, as the cart said.
        paused_at: charges are suspended.
        failing_since: the charge that was due was refused.
    """

    cancelled_at: datetime | None = None
    paid_until: date | None = None
    paused_at: datetime | None = None
    failing_since: datetime | None = None


GOOD_STANDING = Standing()


def standing(charges: Sequence[Charge], told: Iterable[OrderFact]) -> Standing:
    """What is in force after all that was told of one item.

    A later payment, or a resumption, voids a cancellation, a pause and a refused payment. Of two events in the same
    second a payment comes before a cancellation or a pause and mends a refusal; a resumption ends a pause.

    Args:
        charges: the item's charges, oldest first.
        told: the item's facts.
    """
    if not charges or (charges[-1].last and charges[-1].recurring):
        # All is paid: nothing more is due that could be cancelled, paused or refused.
        return GOOD_STANDING
    told = list(told)
    # A payment that was given back mends nothing.
    kept = [charge.at for charge in charges if not (charge.refund and charge.refund.full)]
    paid = max(kept, default=charges[0].at)
    resumed = max((fact.at for fact in told if isinstance(fact, Resumed)), default=None)
    cancels = [
        fact
        for fact in told
        if isinstance(fact, SubscriptionCancelled) and fact.at >= paid and not _after(resumed, fact.at)
    ]
    pauses = [
        fact.at
        for fact in told
        if isinstance(fact, Paused) and fact.at >= paid and not _after(resumed, fact.at, or_at=True)
    ]
    failures = [
        fact.at for fact in told if isinstance(fact, PaymentFailed) and fact.at > paid and not _after(resumed, fact.at)
    ]
    ends = [(fact.at, fact.period_end_at.date()) for fact in cancels if fact.period_end_at]
    return Standing(
        cancelled_at=min((fact.at for fact in cancels), default=None),
        paid_until=max(ends)[1] if ends else None,
        paused_at=min(pauses, default=None),
        failing_since=min(failures, default=None),
    )


def _after(moment: datetime | None, other: datetime, *, or_at: bool = False) -> bool:
    return moment is not None and (moment > other or (or_at and moment == other))
