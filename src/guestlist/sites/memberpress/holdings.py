"""What a site holds: transactions as they are shown, Guestlist's own and others' (reference sections 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from guestlist.domain.plan import is_reference
from guestlist.sites.contract import (
    AlreadyRight,
    Done,
    Holding,
    HoldingsPage,
    NeedsAttention,
    Outcome,
    RetryLater,
)
from guestlist.sites.memberpress import transactions
from guestlist.sites.memberpress.client import Session, UnsettledError
from guestlist.sites.memberpress.transactions import COMPLETE, FOR_EVER, PAYMENT, Transaction

# What MemberPress stores for an expiry that it cannot read. It gives no access.
_LONG_AGO = date(1970, 1, 1)


def page(session: Session, cursor: str | None, member: str | None) -> HoldingsPage:
    """One page of all transactions, or of one member's, newest first. The cursor is the page's number."""
    number = int(cursor) if cursor else 1
    read = session.page("/transactions", number, {"member": member} if member is not None else None)
    rows = [holding for row in read.rows if (holding := _row(row)) is not None]
    if member is not None:
        # A filter that the site does not understand is ignored by it, not refused.
        rows = [row for row in rows if row.member == member]
    return HoldingsPage(rows=tuple(rows), next=None if read.last else str(number + 1), pages=read.pages)


def one(session: Session, remote_id: str, ref: str, member: str) -> Holding | None:
    """One transaction of ours as it is now; None = it is gone."""
    found = transactions.by_id(session, remote_id, ref) if remote_id else None
    if found is not None:
        return _holding(found)
    rows = transactions.find(session, ref, member) if member else []
    live = (row for row in rows if row.status == COMPLETE)
    oldest = next(live, rows[0] if rows else None)
    return _holding(oldest) if oldest is not None else None


def end(session: Session, holding: Holding) -> Outcome:
    """End a transaction that has Guestlist's mark."""
    if not holding.ours:
        return NeedsAttention(
            f"The transaction {holding.remote_id} was not made by Guestlist.", "End it at the site if it shall end."
        )
    session.ref = holding.ref
    found = transactions.by_id(session, holding.remote_id, holding.ref)
    if found is None or found.status != COMPLETE:
        return AlreadyRight(holding.remote_id)
    transactions.end(session, found)
    return Done(holding.remote_id)


def _row(data: Mapping[str, Any]) -> Holding | None:
    """One row of a list; None = it cannot be read, and is not Guestlist's.

    Raises:
        UnsettledError: it cannot be read although it is Guestlist's, or may be.
    """
    found = Transaction.read(data)
    if found is not None:
        return _holding(found)
    ref = data.get("trans_num")
    if isinstance(ref, str) and not is_reference(ref):
        return None
    raise UnsettledError(RetryLater(f"The site shows the transaction {ref or 'without a number'} incompletely."))


def _holding(row: Transaction) -> Holding:
    return Holding(
        remote_id=row.id,
        ref=row.ref,
        ours=is_reference(row.ref),
        member=row.member,
        email=row.member_email,
        level=row.level,
        live=row.status == COMPLETE and row.kind == PAYMENT,
        status=row.status if row.kind == PAYMENT else f"{row.status} {row.kind}",
        until_on=_until_on(row.expires_at),
    )


def _until_on(expires_at: str) -> date | None:
    day = expires_at[:10]
    if day == FOR_EVER[:10]:
        return None
    try:
        return date.fromisoformat(day)
    except ValueError:
        return _LONG_AGO
