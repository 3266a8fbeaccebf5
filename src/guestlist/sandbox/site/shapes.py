"""The JSON shapes of memberships, members and transactions, field by field as a real site gives them.

Numbers are sometimes numbers and sometimes strings; a transaction's `id` is a string, its member's a number.
"""

from __future__ import annotations

from typing import Any

from guestlist.sandbox.site.dates import ZERO, shown
from guestlist.sandbox.site.store import Membership, Store, Subscription, Transaction, User

_ADDRESS = {f"mepr-address-{part}": "" for part in ("one", "two", "city", "state", "zip", "country")}
_NO_TRANSACTION = {"membership": "0", "member": "0", "coupon": "0", "subscription": "0"}
RECENT = 5


def membership(shown_one: Membership) -> dict[str, Any]:
    """A membership (section 2)."""
    created = shown(shown_one.created_at)
    return {
        "id": shown_one.id,
        "title": shown_one.title,
        "content": "",
        "excerpt": "",
        "date": created,
        "status": shown_one.status,
        "author": "0",
        "date_gmt": created,
        "modified": created,
        "modified_gmt": created,
        "group": "0",
        "price": shown_one.price,
        "period": shown_one.period,
        "period_type": shown_one.period_type,
        "signup_button_text": "Sign Up",
        "limit_cycles": False,
        "limit_cycles_num": "2",
        "limit_cycles_action": "expire",
        "limit_cycles_expires_after": "1",
        "limit_cycles_expires_type": "days",
        "trial": False,
        "trial_days": "1",
        "trial_amount": "0",
        "trial_once": "1",
        "group_order": "0",
        "is_highlighted": False,
        "plan_code": "",
        "expire_type": shown_one.expire_type,
        "expire_after": shown_one.expire_after,
        "expire_unit": shown_one.expire_unit,
        "expire_fixed": shown_one.expire_fixed,
        "tax_exempt": False,
        "tax_class": "standard",
        "allow_renewal": False,
        "access_url": "",
        "simultaneous_subscriptions": False,
    }


def member(store: Store, user: User, *, just_made: bool = False) -> dict[str, Any]:
    """A member (section 3). In the answer to its creation `active_memberships` is empty: a stale cache."""
    now = store.clock.now()
    transactions = store.transactions_of(user.id)
    counted = [each for each in transactions if each.status in ("complete", "confirmed")]
    completed = [each for each in transactions if each.status == "complete"]
    subscriptions = [each for each in store.subscriptions.values() if each.user_id == user.id]
    active = sum(each.current(now) for each in counted)
    shape = _person(user) | {
        "active_memberships": [] if just_made else [_active(store, id_) for id_ in store.access(user.id)],
        "active_txn_count": str(active),
        "expired_txn_count": str(len(counted) - active),
        "trial_txn_count": "0",
        "sub_count": str(len(subscriptions)) if subscriptions else None,
        "login_count": "0",
    }
    if completed:
        shape["first_txn"] = _flat(completed[0])
    return shape | {
        "latest_txn": _flat(completed[-1]) if completed else _NO_TRANSACTION,
        "address": _ADDRESS,
        "profile": {},
        "recent_transactions": [_flat(each) for each in reversed(transactions[-RECENT:])],
        "recent_subscriptions": [subscription(store, each) for each in reversed(subscriptions[-RECENT:])],
    }


def transaction(store: Store, shown_one: Transaction) -> dict[str, Any]:
    """A transaction (section 5): what it belongs to is an object where that exists, a plain string where not."""
    owner = store.users.get(shown_one.user_id)
    bought = store.memberships.get(shown_one.membership_id)
    series = store.subscriptions.get(shown_one.subscription_id)
    index = _payment_index(store, shown_one) if series else 0
    return {
        "membership": membership(bought) if bought else str(shown_one.membership_id),
        "member": _person(owner) | {"address": _ADDRESS, "profile": {}} if owner else str(shown_one.user_id),
        "coupon": "0",
        "subscription": subscription(store, series) if series else str(shown_one.subscription_id),
        **_own(shown_one),
        "rebill": index > 1,
        "subscription_payment_index": index or False,
    }


def subscription(store: Store, shown_one: Subscription) -> dict[str, Any]:
    """A subscription (section 9)."""
    owner = store.users.get(shown_one.user_id)
    bought = store.memberships.get(shown_one.membership_id)
    return {
        "membership": membership(bought) if bought else str(shown_one.membership_id),
        "member": _person(owner) | {"address": _ADDRESS, "profile": {}} if owner else str(shown_one.user_id),
        "coupon": "0",
        "id": str(shown_one.id),
        "subscr_id": shown_one.subscr_id,
        "gateway": shown_one.gateway,
        "price": shown_one.price,
        "total": shown_one.total,
        "period": shown_one.period,
        "period_type": shown_one.period_type,
        "status": shown_one.status,
        "created_at": shown(shown_one.created_at),
    }


def _person(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "nicename": user.nicename,
        "url": "",
        "message": "",
        "registered_at": shown(user.registered_at),
        "first_name": user.first_name,
        "last_name": user.last_name,
        "display_name": user.display_name,
    }


def _own(shown_one: Transaction) -> dict[str, Any]:
    return {
        "id": str(shown_one.id),
        "amount": shown_one.amount,
        "total": shown_one.total,
        "tax_amount": shown_one.tax_amount,
        "tax_reversal_amount": "0.00",
        "tax_rate": shown_one.tax_rate,
        "tax_desc": "",
        "tax_class": "standard",
        "trans_num": shown_one.trans_num,
        "status": shown_one.status,
        "txn_type": shown_one.txn_type,
        "gateway": shown_one.gateway,
        "prorated": "0",
        "created_at": shown(shown_one.created_at),
        "expires_at": shown(shown_one.expires_at),
        "corporate_account_id": "0",
        "parent_transaction_id": "0",
        "order_id": "0",
        "refunded_at": ZERO,
        "tax_compound": "0",
        "tax_shipping": "1",
        "response": None,
    }


def _flat(shown_one: Transaction) -> dict[str, Any]:
    return {
        "membership": str(shown_one.membership_id),
        "member": str(shown_one.user_id),
        "coupon": "0",
        "subscription": str(shown_one.subscription_id),
        **_own(shown_one),
    }


def _active(store: Store, membership_id: int) -> dict[str, Any]:
    known = store.memberships.get(membership_id)
    if known is not None:
        return membership(known)
    # A live transaction on an id that is no membership: an entry all the same, without an id.
    nothing = membership(Membership(id=0, title="", price="0.00", created_at=store.clock.now()))
    return nothing | {"id": None}


def _payment_index(store: Store, shown_one: Transaction) -> int:
    series = [each.id for each in store.transactions.values() if each.subscription_id == shown_one.subscription_id]
    return series.index(shown_one.id) + 1
