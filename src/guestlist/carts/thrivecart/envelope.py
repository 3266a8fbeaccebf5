"""What every event says around its own matter: the order, the mode, the time and the buyer."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart.items import subject
from guestlist.carts.thrivecart.values import REPORT, Fields, quoted
from guestlist.domain.facts import Buyer, Item, ItemType, Mode

_LONGEST_EMAIL = 320
_LONGEST_NAME = 200

# Newest way of writing first. The order's own date is not among them: a rebill carries it too.
_WHEN = ("date_unix", "date_iso8601", "date")


class Envelope(TypedDict):
    """The fields that all facts of an order share."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer


class About(Envelope):
    """The same for facts about one item of the order."""

    item: Item


def envelope(body: Fields, at: datetime) -> Envelope:
    """What the facts of an order share.

    Raises:
        Unreadable: no order, or nobody who bought.
    """
    return Envelope(order_id=order_id(body), mode=mode(body), at=at, buyer=buyer(body))


def about(body: Fields, part: str, received_at: datetime, expected: ItemType | None = None) -> About:
    """What the facts about one item share.

    Args:
        body: the whole delivery.
        part: the map that says which item (`subscription`, `refund`).
        received_at: stands in for a time of the event's own.
        expected: the item's type, where the event's name says it.

    Raises:
        Unreadable: no order, nobody who bought, or no item.
    """
    shared = envelope(body, event_at(body, received_at))
    return About(**shared, item=subject(body.below(part), expected))


def names_nobody(body: Fields) -> bool:
    """Whether the delivery names neither an order nor a customer."""
    customer = body.below("customer")
    numbers = body.identifier("order_id", "customer_id") or body.below("order").identifier("id")
    return not (numbers or customer.identifier("id") or customer.text("email"))


def order_id(body: Fields) -> str:
    """The order's number.

    Raises:
        Unreadable: there is none.
    """
    number = body.identifier("order_id") or body.below("order").identifier("id")
    if number is None:
        raise Unreadable("order_id", "it names no order, so it cannot be tied to a purchase", REPORT)
    return number


def mode(body: Fields) -> Mode:
    """Live or test; UNKNOWN where neither field says it (then the delivery is held, reference thrivecart 7)."""
    known = {"live": Mode.LIVE, "test": Mode.TEST}.get(body.text("mode").lower())
    return known or {"2": Mode.LIVE, "1": Mode.TEST}.get(body.text("mode_int"), Mode.UNKNOWN)


def event_at(body: Fields, received_at: datetime) -> datetime:
    """When it happened."""
    return body.moment(*_WHEN) or received_at


def ordered_at(body: Fields, received_at: datetime) -> datetime:
    """When the order was placed. Its own date first: a repeated delivery may carry a later one of its own."""
    own = body.moment("order_timestamp", "order_date") or body.below("order").moment(*_WHEN)
    return own or event_at(body, received_at)


def buyer(body: Fields) -> Buyer:
    """Who paid.

    Raises:
        Unreadable: neither an e-mail address nor a customer id.
    """
    customer = body.below("customer")
    email = email_of(customer, "email") or email_of(body, "customer_email", "email")
    customer_id = body.identifier("customer_id") or customer.identifier("id")
    if email is None and customer_id is None:
        raise Unreadable("customer.email", "it names neither an e-mail address nor a customer id", REPORT)
    first, last = person(customer)
    return Buyer(email=email, customer_id=customer_id, first_name=first, last_name=last)


def email_of(fields: Fields, *names: str) -> str | None:
    """The first of these fields that says an address.

    Raises:
        Unreadable: it is too long for one.
    """
    said = fields.text(*names)
    if len(said) > _LONGEST_EMAIL:
        raise Unreadable(fields.place(names[0]), f"{quoted(said)} is too long for an e-mail address", REPORT)
    return said or None


def person(customer: Fields) -> tuple[str, str]:
    """First and last name; from the whole name where neither is said."""
    first, last = customer.text("first_name"), customer.text("last_name")
    if not first and not last:
        first, _, last = customer.text("name").partition(" ")
    return first[:_LONGEST_NAME], last.strip()[:_LONGEST_NAME]
