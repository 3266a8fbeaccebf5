"""Whose order it is: by the cart's customer id, else by e-mail address. Runs in the caller's transaction.

A customer's address and name are those of the latest fact that names an address, by the facts' own times, so that a
late or repeated delivery does not bring an old address back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from guestlist.domain.facts import CustomerChanged, Mode
from guestlist.orders.codec import StoredFact
from guestlist.orders.models import Customer, Fact, Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a fact says of its customer. `by_change`: it tells of nothing else."""

    email: str
    customer_id: str | None
    first_name: str
    last_name: str
    at: datetime
    mode: Mode
    by_change: bool = False

    @classmethod
    def by(cls, fact: StoredFact) -> Told:
        """What this fact says."""
        of = fact if isinstance(fact, CustomerChanged) else fact.buyer
        return cls(
            email=of.email or "",
            customer_id=of.customer_id,
            first_name=of.first_name,
            last_name=of.last_name,
            at=fact.at,
            mode=fact.mode,
            by_change=isinstance(fact, CustomerChanged),
        )

    @property
    def email_key(self) -> str:
        """As addresses are compared; "" = none was told."""
        return self.email.lower()


@dataclass(frozen=True, slots=True)
class Known:
    """A customer, locked and up to date.

    Attributes:
        gained: there was no address before, and there is one now.
        moved: there was another address before.
    """

    customer: Customer
    gained: bool = False
    moved: bool = False


def find_or_make_customer(cart_id: str, told: Told, order: Order | None = None) -> Known:
    """The cart's customer, brought up to date.

    Args:
        order: what the fact is about, if it is known already; locked.
    """
    customer = _find_customer(cart_id, told, order) or _make_customer(cart_id, told)
    known, changed = bring_up_to_date(customer, told)
    if changed:
        try:
            with transaction.atomic():
                customer.save()
        except IntegrityError:
            # Another worker has just made the customer of that id, or of that address.
            return find_or_make_customer(cart_id, told, order)
    return known


def bring_up_to_date(customer: Customer, told: Told) -> tuple[Known, bool]:
    """Let a customer say what was told, where that is newer; not saved. Also returns whether anything changed."""
    known = customer.email_key
    newer = bool(told.email) and _is_newer(customer, told)
    if newer:
        customer.email, customer.email_key, customer.as_of = told.email, told.email_key, told.at
    adopted = told.customer_id is not None and customer.external_id is None
    if adopted:
        customer.external_id = told.customer_id
    changed = _take_names(customer, told, newer=newer) or newer or adopted
    return Known(customer, gained=newer and not known, moved=newer and known not in ("", told.email_key)), changed


def find_customer(cart_id: str, told: Told, order: Order | None, customers: QuerySet[Customer]) -> Customer | None:
    """The cart's customer among `customers`, as they are stored."""
    among = customers.filter(cart_id=cart_id).order_by("id")
    of_order = among.filter(pk=order.customer_id) if order is not None else among.none()
    by_email = among.filter(email_key=told.email_key) if told.email else among.none()
    if told.customer_id is None:
        return of_order.first() if order is not None else by_email.first()
    return (
        among.filter(external_id=told.customer_id).first()
        or of_order.filter(external_id=None).first()
        or by_email.filter(external_id=None).first()
    )


def _find_customer(cart_id: str, told: Told, order: Order | None) -> Customer | None:
    return find_customer(cart_id, told, order, Customer.objects.select_for_update(no_key=True))


def _make_customer(cart_id: str, told: Told) -> Customer:
    customer, _ = Customer.objects.get_or_create(
        cart_id=cart_id,
        external_id=told.customer_id,
        **({} if told.customer_id is not None else {"email_key": told.email_key}),
        defaults={
            "email": told.email,
            "email_key": told.email_key,
            "first_name": told.first_name,
            "last_name": told.last_name,
            "as_of": told.at,
        },
    )
    return customer


def _is_newer(customer: Customer, told: Told) -> bool:
    """Whether the told address takes the place of the known one."""
    if not customer.email_key:
        return True
    if (told.email_key, told.at) == (customer.email_key, customer.as_of):
        return False
    if told.mode is Mode.TEST and _is_real(customer):
        return False  # somebody tries the cart out; real orders keep their address
    if told.mode is not Mode.TEST and not _is_real(customer):
        return True  # as if it had come before what was tried out
    if told.email_key == customer.email_key:
        return told.at > customer.as_of
    if told.at < customer.as_of or (told.at == customer.as_of and not _outranks(customer, told)):
        return False
    if customer.external_id is None and told.customer_id is None:
        # Known by addresses alone, they would become one person with whoever has that address.
        others = Customer.objects.filter(cart_id=customer.cart_id, external_id=None, email_key=told.email_key)
        return not others.exclude(pk=customer.pk).exists()
    return True


def _is_real(customer: Customer) -> bool:
    """Whether anything but test orders tells of the customer."""
    if not customer.pk:
        return True  # rehearsed: only what is being told now does
    changes = Fact.objects.filter(customer=customer, order=None)
    return (
        customer.orders.exclude(mode=Mode.TEST.value).exists() or changes.exclude(data__mode=Mode.TEST.value).exists()
    )


def _outranks(customer: Customer, told: Told) -> bool:
    """Of two addresses told of one second: the customer's own change counts, then simply the one later in the alphabet.

    Any rule would do, as long as it does not depend on which arrived first.
    """
    of_change = Fact.objects.filter(customer=customer, order=None, at=told.at).exists()
    if told.by_change != of_change:
        return told.by_change
    return told.email_key > customer.email_key


def _take_names(customer: Customer, told: Told, *, newer: bool) -> bool:
    """Take the told names where they belong to the address, or where none is known. Returns whether one changed."""
    before = (customer.first_name, customer.last_name)
    if told.first_name and (newer or not customer.first_name):
        customer.first_name = told.first_name
    if told.last_name and (newer or not customer.last_name):
        customer.last_name = told.last_name
    return (customer.first_name, customer.last_name) != before
