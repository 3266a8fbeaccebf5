"""The routes under /transactions (memberpress-api sections 5 and 6)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from guestlist.sandbox.site import cleaning, dates, mails, php, shapes
from guestlist.sandbox.site.http import not_found, not_saved
from guestlist.sandbox.site.listing import like
from guestlist.sandbox.site.store import Transaction
from guestlist.sandbox.site.wordpress import WordPress

STATUSES = ("pending", "failed", "complete", "confirmed", "refunded")
GATEWAYS = ("free", "manual")
TRANS_NUM_LENGTH = 255

_CURRENCY = re.compile(r"\d+(\.\d*)?|\.\d+")
_NUMBER_AHEAD = re.compile(r"\s*(\d+(\.\d+)?)")
_IDS = {"member": "user_id", "membership": "membership_id", "subscription": "subscription_id"}


def matching(site: WordPress, asked: Mapping[str, Any]) -> list[Transaction]:
    """Transactions newest first; filters are exact and combine, a filter that is no number is ignored."""
    if php.is_numeric(asked.get("member")):
        rows = site.store.transactions_of(int(float(asked["member"])))
    else:
        rows = list(site.store.transactions.values())
    for name, field in (("membership", "membership_id"), ("subscription", "subscription_id")):
        if php.is_numeric(asked.get(name)):
            wanted = int(float(asked[name]))
            rows = [row for row in rows if getattr(row, field) == wanted]
    for name in ("status", "gateway"):
        if asked.get(name):
            rows = [row for row in rows if getattr(row, name) == asked[name]]
    if php.is_numeric(asked.get("coupon")) and float(asked["coupon"]):
        rows = []  # nothing here was ever bought with a coupon
    if asked.get("search"):
        hit = like(asked["search"])
        rows = [row for row in rows if hit(row.trans_num)]
    return sorted(rows, key=lambda row: row.id, reverse=True)


def get(site: WordPress, transaction_id: int) -> Transaction:
    """One transaction.

    Raises:
        Refused: there is none.
    """
    if transaction_id not in site.store.transactions:
        raise not_found("transactions", transaction_id)
    return site.store.transactions[transaction_id]


def create(site: WordPress, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Make a transaction and send what mails were asked for.

    Raises:
        Refused: a field is bad.
    """
    made = store(site, sent)
    mail_about(site, made, sent)
    return shapes.transaction(site.store, made)


def store(site: WordPress, sent: Mapping[str, Any]) -> Transaction:
    """Check and store a new transaction: pending and for ever unless the client says otherwise.

    Raises:
        Refused: a field is bad.
    """
    now = site.clock.now()
    defaults = {"member": None, "membership": None, "trans_num": f"mp-txn-{secrets.token_hex(7)[:13]}"}
    fields: dict[str, Any] = {"created_at": now, "expires_at": None}
    return site.store.add_transaction(**(fields | _stored({**defaults, **sent}, site)))


def update(site: WordPress, transaction_id: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Change the sent fields. An id that is not there makes a new transaction if enough is sent, under a new id.

    Raises:
        Refused: a field is bad.
    """
    known = site.store.transactions.get(transaction_id)
    if known is None:
        made = store(site, sent)
        bought = site.store.memberships.get(made.membership_id)
        if "expires_at" not in sent and bought is not None:
            made.expires_at = bought.own_expiry(site.clock.now())
        return shapes.transaction(site.store, made)
    fields = _stored(sent, site)
    if "user_id" in fields:
        site.store.give(known, fields.pop("user_id"))
    for name, value in fields.items():
        setattr(known, name, value)
    return shapes.transaction(site.store, known)


def refund(transaction_id: int) -> None:
    """A gateway that cannot refund: always refused, nothing changes.

    Raises:
        Refused: always.
    """
    del transaction_id
    raise not_saved("There was a problem refunding your transaction.")


def delete(site: WordPress, transaction_id: int) -> bool:
    """Delete for good; true also when there was nothing."""
    site.store.delete_transaction(transaction_id)
    return True


def mail_about(site: WordPress, made: Transaction, sent: Mapping[str, Any]) -> None:
    """The mails asked for together with a transaction."""
    user = site.store.users.get(made.user_id)
    if user is None:
        return
    if php.truthy(sent.get("send_welcome_email")):
        mails.welcome(site.store, user, site.store.memberships.get(made.membership_id))
    if php.truthy(sent.get("send_receipt_email")):
        mails.receipt(site.store, user, made)


def _stored(sent: Mapping[str, Any], site: WordPress) -> dict[str, Any]:
    """The stored values of the sent fields.

    Raises:
        Refused: naming the field as the plugin's own tables call it.
    """
    now = site.clock.now()
    stored: dict[str, Any] = {}
    for name, column in (("member", "user_id"), ("membership", "product_id"), ("subscription", "subscription_id")):
        if name in sent:
            if not php.is_numeric(sent[name]):
                raise not_saved(f"{column} ({php.text(sent[name])}) must be a valid number")
            stored[_IDS[name]] = int(float(sent[name]))
    if "amount" in sent:
        if not _CURRENCY.fullmatch(php.text(sent["amount"])):
            raise not_saved(f"amount ({php.text(sent['amount'])}) must be a valid representation of currency")
        stored["amount"] = _decimal(sent["amount"], "0.01")
    for name, step in (("total", "0.01"), ("tax_amount", "0.01"), ("tax_rate", "0.001")):
        if name in sent:
            stored[name] = _decimal(sent[name], step)
    if "trans_num" in sent:
        stored["trans_num"] = _trans_num(php.text(sent["trans_num"]))
    if "status" in sent:
        stored["status"] = _one_of("status", sent["status"], STATUSES)
    if "gateway" in sent:
        stored["gateway"] = _one_of("gateway", sent["gateway"], GATEWAYS)
    if "created_at" in sent:
        stored["created_at"] = dates.creation(sent["created_at"], now)
    if "expires_at" in sent:
        stored["expires_at"] = dates.expiry(sent["expires_at"], now)
    return stored


def _trans_num(sent: str) -> str:
    kept = cleaning.without_tags(sent)[:TRANS_NUM_LENGTH]
    if not kept:
        raise not_saved("trans_num must not be empty")
    return kept


def _one_of(name: str, sent: Any, known: tuple[str, ...]) -> str:
    if sent not in known:
        raise not_saved(f"{name} must be {' or '.join(known)}")
    return str(sent)


def _decimal(sent: Any, step: str) -> str:
    match = _NUMBER_AHEAD.match(php.text(sent))
    return str(Decimal(match[1] if match else "0").quantize(Decimal(step), ROUND_HALF_UP))
