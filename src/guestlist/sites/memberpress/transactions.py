"""Transactions: one per charge and level, as MemberPress shows them and as Guestlist makes them (section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from guestlist.sites.contract import NeedsAttention, RetryLater, WantedGrant
from guestlist.sites.memberpress.client import NO_SUCH_THING, Refused, Session, UnsettledError
from guestlist.sites.memberpress.money import amount

COMPLETE = "complete"
REFUNDED = "refunded"
PAYMENT = "payment"
FOR_EVER = "0000-00-00 00:00:00"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction as the site shows it.

    Attributes:
        member_email: None = the member does not exist any more (shown as a plain number).
        level_published: the level exists and can be bought.
        kind: "payment" for all that Guestlist makes; MemberPress makes others (`txn_type`).
    """

    id: str
    ref: str
    member: str
    member_email: str | None
    level: str
    level_published: bool
    status: str
    kind: str
    expires_at: str

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Transaction | None:
        """Read the site's data; None = something expected is missing."""
        member, level = data.get("member"), data.get("membership")
        row = cls(
            id=str(data.get("id", "")),
            ref=str(data.get("trans_num", "")),
            member=_id(member),
            member_email=str(member.get("email", "")).strip().lower() if isinstance(member, Mapping) else None,
            level=_id(level),
            level_published=isinstance(level, Mapping) and level.get("status") == "publish",
            status=str(data.get("status", "")),
            kind=str(data.get("txn_type", "")) or PAYMENT,
            expires_at=str(data.get("expires_at", "")),
        )
        # A page's id taken for a level shows as a level without an id, so that may be empty.
        complete = row.id.isdecimal() and row.ref and row.member and level is not None and row.status and row.expires_at
        return row if complete else None

    def expires(self, until_on: date | None) -> bool:
        """Whether access ends on that day; None = never."""
        return self.expires_at[:10] == expires_at(until_on)[:10]


def find(session: Session, ref: str, member: str) -> list[Transaction]:
    """The member's transactions with exactly this reference, oldest first.

    The search finds parts of references, and other filters than `member` would be ignored.
    """
    rows = session.rows("/transactions", {"member": member, "search": ref})
    read = (Transaction.read(row) for row in rows)
    found = [t for t in read if t and (t.ref, t.member) == (ref, member)]
    return sorted(found, key=lambda transaction: int(transaction.id))


def refs_of(session: Session, member: str) -> set[str]:
    """The references of all the member's transactions."""
    rows = session.rows("/transactions", {"member": member})
    read = (Transaction.read(row) for row in rows)
    return {transaction.ref for transaction in read if transaction and transaction.member == member}


def by_id(session: Session, remote_id: str, ref: str) -> Transaction | None:
    """The transaction with this id; None = it is gone, or another one has its id.

    At a site that was restored from a backup, the id may be somebody else's by now.
    """
    reply = session.get(f"/transactions/{remote_id}")
    if isinstance(reply, Refused):
        if reply.code == NO_SUCH_THING:
            return None
        raise UnsettledError(RetryLater(f"The site does not show the transaction: {reply.sentence}"))
    found = Transaction.read(reply.data) if isinstance(reply.data, dict) else None
    if found is None:
        raise UnsettledError(RetryLater("The site's answer does not show the transaction."))
    return found if found.ref == ref else None


def change(session: Session, row: Transaction, changes: Mapping[str, str]) -> Transaction:
    """Change fields of a transaction of ours; never its member or level, which could make a new one (section 6)."""
    answer = session.change(f"/transactions/{row.id}", changes)
    if isinstance(answer, Refused):
        raise UnsettledError(
            NeedsAttention(
                f"The site refuses to change the transaction {row.id}: {answer.sentence}",
                "Look at the transaction at the site, then try again.",
            )
        )
    now = Transaction.read(answer)
    if now is None or now.id != row.id:
        raise UnsettledError(RetryLater("The site's answer does not show the changed transaction.", unclear=True))
    return now


def end(session: Session, row: Transaction) -> None:
    """End the access that a transaction of ours gives."""
    now = change(session, row, {"status": REFUNDED})
    if now.status != REFUNDED:
        raise UnsettledError(
            NeedsAttention(
                f'The site keeps the transaction {row.id} as "{now.status}" although it was told "{REFUNDED}".',
                "Set it to refunded at the site by hand, and look for a plugin there that changes transactions.",
            )
        )


def body(grant: WantedGrant, member: str, *, welcome: bool) -> dict[str, Any]:
    """What to post for a grant."""
    fields: dict[str, Any] = {
        "member": int(member),
        "membership": int(grant.level),
        "trans_num": grant.ref,
        # Left out, it would be "pending", which gives no access.
        "status": COMPLETE,
        "gateway": "manual",
        "amount": amount(grant.amount_minor, grant.currency),
        "total": amount(grant.total_minor, grant.currency),
        "created_at": f"{grant.charged_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
        "expires_at": expires_at(grant.until_on),
    }
    if grant.total_minor > grant.amount_minor:
        fields["tax_amount"] = amount(grant.total_minor - grant.amount_minor, grant.currency)
    if welcome:
        # Any non-empty value sends the mail, so "no" is said by leaving the field out.
        fields["send_welcome_email"] = True
    return fields


def expires_at(until_on: date | None) -> str:
    """The last day as MemberPress writes it. For ever is said explicitly."""
    return FOR_EVER if until_on is None else f"{until_on.isoformat()} 23:59:59"


def _id(value: object) -> str:
    if isinstance(value, Mapping):
        return str(value.get("id") or "")
    return "" if value is None else str(value)
