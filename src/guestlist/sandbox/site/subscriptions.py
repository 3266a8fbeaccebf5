"""The routes under /subscriptions (memberpress-api section 9)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from guestlist.sandbox.site import php, shapes
from guestlist.sandbox.site.http import not_found, not_saved
from guestlist.sandbox.site.listing import like
from guestlist.sandbox.site.store import Subscription
from guestlist.sandbox.site.wordpress import WordPress

_TEXTS = ("subscr_id", "status", "gateway", "price", "total", "period", "period_type")


def matching(site: WordPress, asked: Mapping[str, Any]) -> list[Subscription]:
    """Subscriptions newest first; `member` is exact, `search` looks into the subscription's own number."""
    rows = list(reversed(site.store.subscriptions.values()))
    if php.is_numeric(asked.get("member")):
        rows = [row for row in rows if row.user_id == int(float(asked["member"]))]
    if asked.get("search"):
        hit = like(asked["search"])
        rows = [row for row in rows if hit(row.subscr_id)]
    return rows


def get(site: WordPress, subscription_id: int) -> Subscription:
    """One subscription.

    Raises:
        Refused: there is none.
    """
    if subscription_id not in site.store.subscriptions:
        raise not_found("subscriptions", subscription_id)
    return site.store.subscriptions[subscription_id]


def create(site: WordPress, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Make a subscription; it gives no access, and neither its number nor its gateway is checked.

    Raises:
        Refused: member or membership is no number.
    """
    ids = {}
    for name, column in (("member", "user_id"), ("membership", "product_id")):
        if not php.is_numeric(sent.get(name)):
            raise not_saved(f"{column} ({php.text(sent.get(name))}) must be a valid number")
        ids[name] = int(float(sent[name]))
    texts = {name: php.text(sent[name]) for name in _TEXTS if name in sent}
    texts.setdefault("subscr_id", f"mp-sub-{secrets.token_hex(7)[:13]}")
    made = site.store.add_subscription(user_id=ids["member"], membership_id=ids["membership"], **texts)
    return shapes.subscription(site.store, made)


def update(site: WordPress, subscription_id: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Change the sent fields."""
    known = get(site, subscription_id)
    for name in _TEXTS:
        if name in sent:
            setattr(known, name, php.text(sent[name]))
    return shapes.subscription(site.store, known)


def cancel(site: WordPress, subscription_id: int) -> dict[str, Any]:
    """Says that it cancelled, and does nothing.

    Raises:
        Refused: it is not active.
    """
    known = get(site, subscription_id)
    if known.status != "active":
        raise not_saved("There was a problem cancelling your subscription.")
    return _nested(site, known, "The subscription was successfully cancelled.")


def expire(site: WordPress, subscription_id: int) -> dict[str, Any]:
    """End the linked transactions that have an end; the lifetime ones stay."""
    known = get(site, subscription_id)
    for transaction in site.store.transactions.values():
        if transaction.subscription_id == known.id and transaction.expires_at is not None:
            transaction.expires_at = site.clock.now() - timedelta(days=1)
    return _nested(site, known, "The subscription was successfully expired.")


def delete(site: WordPress, subscription_id: int) -> bool:
    """Delete it, and its transactions too."""
    get(site, subscription_id)
    del site.store.subscriptions[subscription_id]
    for transaction in list(site.store.transactions.values()):
        if transaction.subscription_id == subscription_id:
            site.store.delete_transaction(transaction.id)
    return True


def _nested(site: WordPress, known: Subscription, message: str) -> dict[str, Any]:
    return {"message": message, "data": {"data": shapes.subscription(site.store, known)}}
