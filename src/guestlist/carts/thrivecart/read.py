"""ThriveCart's events turned into facts.

Account webhooks have dotted names (`order.refund`), event subscriptions underscored ones (`order_refund`); both say the
same things (reference thrivecart 1.4), so names are compared with dots taken as underscores. Names that ThriveCart does
not have are ignored, not refused: a catch-all webhook also sends what this version does not know yet.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime

from guestlist.carts.contract import Reading, Unreadable
from guestlist.carts.thrivecart.body import decode
from guestlist.carts.thrivecart.envelope import (
    about,
    email_of,
    envelope,
    event_at,
    mode,
    names_nobody,
    ordered_at,
    person,
)
from guestlist.carts.thrivecart.frequency import frequency
from guestlist.carts.thrivecart.money import gross_minor, moved_minor
from guestlist.carts.thrivecart.order import lines, purchased
from guestlist.carts.thrivecart.values import REPORT, Fields, quoted
from guestlist.domain.facts import (
    Completed,
    CustomerChanged,
    Fact,
    Ignored,
    Item,
    ItemType,
    OrderLine,
    OrderPlaced,
    Paused,
    PaymentFailed,
    PaymentReceived,
    Refunded,
    Resumed,
    SubscriptionCancelled,
)

_LONGEST_EVENT = 80
_CURRENCY_LENGTH = 8

_Read = Callable[[Fields, datetime], Fact]


def read(body: bytes, received_at: datetime) -> Reading:
    """Turn a raw delivery into one fact.

    Raises:
        Unreadable: with the field, the problem and the remedy.
    """
    fields = Fields(decode(body))
    event = fields.text("event")[:_LONGEST_EVENT]
    if not event:
        raise Unreadable(
            "event",
            "it names no event",
            "ThriveCart always names one, so it may come from elsewhere: look at who sent it.",
        )
    return Reading(event, (_fact(event, fields, received_at),))


def _fact(event: str, body: Fields, received_at: datetime) -> Fact:
    name = event.lower().replace(".", "_")
    if name in _IGNORED:
        return Ignored(reason=_IGNORED[name])
    if name.startswith("affiliate_"):
        return Ignored(reason="It is about an affiliate, not about a purchase.")
    if name in _ENDINGS and names_nobody(body):
        return Ignored(reason="It names neither an order nor a customer, so it is about nobody's access.")
    reads = _EVENTS.get(name)
    if reads is None:
        return Ignored(reason=f"{quoted(event)} is no event of ThriveCart that changes access.")
    return reads(body, received_at)


def _order(body: Fields, received_at: datetime) -> Fact:
    at = ordered_at(body, received_at)
    bought = lines(body, at)
    if not bought:
        raise Unreadable("order.charges", "it names no item that was bought", REPORT)
    return _placed(body, at, bought)


def _purchase(kind: ItemType, body: Fields, received_at: datetime) -> Fact:
    at = ordered_at(body, received_at)
    return _placed(body, at, purchased(body, kind, at))


def _placed(body: Fields, at: datetime, bought: tuple[OrderLine, ...]) -> OrderPlaced:
    return OrderPlaced(
        **envelope(body, at),
        currency=_currency(body, *body.below("order").rows("charges")),
        lines=bought,
        invoice_id=body.identifier("invoice_id") or body.below("order").identifier("invoice_id"),
    )


def _rebill(body: Fields, received_at: datetime) -> Fact:
    shared = about(body, "subscription", received_at)
    subscription = body.below("subscription")
    index = body.whole("recurring_payment_idx")
    if index is None:
        index = subscription.whole("recurring_payment_idx")
    return PaymentReceived(
        **shared,
        currency=_currency(body, subscription),
        amount_minor=moved_minor(subscription),
        amount_gross_minor=gross_minor(subscription),
        invoice_id=_rebill_invoice(body, subscription, index),
        option=subscription.identifier("payment_plan_id") or _base_option(body, shared["item"]),
        index=index,
        frequency=frequency(subscription),
        next_due_at=subscription.moment("next_payment_date", "next_payment_date_iso8601", "next_payment"),
        payments_left=subscription.whole("remaining_rebills"),
        name=subscription.text("name", "label"),
    )


def _rebill_invoice(body: Fields, subscription: Fields, index: int | None) -> str | None:
    """The invoice of this very charge: the order's with the charge's number behind it (`000000141-6`).

    The order's own invoice would give all rebills one key, so where only that is sent, the number is put behind it.
    """
    base = subscription.identifier("invoice_id") or body.below("order").identifier("invoice_id")
    own = [body.identifier("invoice_id"), subscription.identifier("invoice_str")]
    charged = next((invoice for invoice in own if invoice and invoice != base), None)
    if charged or base is None:
        return charged
    tail = base.rpartition("-")[2]
    if "-" in base and tail == str(index):
        return base
    return f"{base}-{index}" if index is not None else None


def _base_option(body: Fields, item: Item) -> str | None:
    """The front-end product's pricing option: it says nothing about the order's other items."""
    is_base = item.type is ItemType.PRODUCT and item.id == body.identifier("base_product")
    return body.identifier("base_payment_plan") if is_base else None


def _failed(body: Fields, received_at: datetime) -> Fact:
    invoice = body.identifier("invoice_id") or body.below("subscription").identifier("invoice_str", "invoice_id")
    return PaymentFailed(**about(body, "subscription", received_at), invoice_id=invoice)


def _completed(body: Fields, received_at: datetime) -> Fact:
    # Sent together with the final `order_rebill`, which carries the charge: its amount is not counted here.
    return Completed(**about(body, "subscription", received_at))


def _cancelled(body: Fields, received_at: datetime) -> Fact:
    subscription = body.below("subscription")
    period_end = ("billing_period_end", "billing_period_end_iso8601")
    return SubscriptionCancelled(
        **about(body, "subscription", received_at),
        period_end_at=subscription.moment(*period_end) or body.moment(*period_end),
        subscription_id=body.identifier("subscription_id") or subscription.identifier("subscription_id"),
    )


def _paused(body: Fields, received_at: datetime) -> Fact:
    return Paused(**about(body, "subscription", received_at))


def _resumed(body: Fields, received_at: datetime) -> Fact:
    return Resumed(**about(body, "subscription", received_at))


def _refund(body: Fields, received_at: datetime, expected: ItemType | None = None) -> Fact:
    refund = body.below("refund")
    return Refunded(
        **about(body, "refund", received_at, expected),
        currency=_currency(body, refund),
        amount_minor=abs(moved_minor(refund)),
        amount_gross_minor=abs(gross_minor(refund)),
        event_id=body.identifier("event_id"),
        invoice_id=body.identifier("invoice_id") or refund.identifier("invoice_id"),
    )


def _customer(body: Fields, received_at: datetime) -> Fact:
    """No delivery of this event was ever published: the names are those of ThriveCart's API for the same change.

    There `current_email` is the new address where a `previous_email` stands beside it, and else the old one.
    """
    customer = body.below("customer")
    places = (body, customer, body.below("data"))
    customer_id = next((found for place in places if (found := place.identifier("customer_id"))), None)
    customer_id = customer_id or customer.identifier("id")
    if customer_id is None:
        raise Unreadable("customer_id", "it does not say which customer was changed", REPORT)
    told = [email_of(place, "new_email") for place in places]
    told += [email_of(place, "current_email") for place in places if place.text("previous_email")]
    told += [email_of(customer, "email"), email_of(body, "email"), email_of(body.below("data"), "email")]
    email = next((said for said in told if said), None)
    if email is None:
        raise Unreadable("customer.email", "it does not say the customer's new e-mail address", REPORT)
    first, last = person(customer)
    at = body.below("data").moment("updated_at") or received_at
    return CustomerChanged(
        customer_id=customer_id,
        at=event_at(body, at),
        email=email,
        first_name=first,
        last_name=last,
        mode=mode(body),
    )


def _currency(*parts: Fields) -> str:
    said = next((currency for part in parts if (currency := part.text("currency"))), "")
    return said.upper()[:_CURRENCY_LENGTH]


_DECLINED = "The purchase was declined: nothing was paid and nothing was bought."
_IGNORED = {
    "cart_abandoned": "Somebody left the checkout without buying.",
    "order_payment_declined_product": _DECLINED,
}

_EVENTS: dict[str, _Read] = {
    "order_success": _order,
    "order_created": _order,
    "order_subscription_payment": _rebill,
    "order_rebill": _rebill,
    "order_rebill_failed": _failed,
    "order_rebill_completed": _completed,
    "order_subscription_cancelled": _cancelled,
    "order_rebill_cancelled": _cancelled,
    "order_subscription_paused": _paused,
    "subscription_paused": _paused,
    "order_subscription_resumed": _resumed,
    "subscription_resumed": _resumed,
    "order_refund": _refund,
    "order_refunded": _refund,
    "customer_updated": _customer,
    **{f"order_payment_{kind}": functools.partial(_purchase, kind) for kind in ItemType},
    **{f"order_refund_{kind}": functools.partial(_refund, expected=kind) for kind in ItemType},
}

# What ends or changes a subscription but moves no money. A delivery without order and customer cannot be about
# anybody, however it is read; where money moved, that is worth a person's look instead.
_ENDINGS = {name for name, reads in _EVENTS.items() if reads in (_failed, _completed, _cancelled, _paused, _resumed)}
