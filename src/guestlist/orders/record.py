"""Recording facts: customers found or made, orders locked, each fact stored once. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from guestlist.domain.facts import Buyer, CustomerChanged, OrderFact, OrderPlaced
from guestlist.orders.codec import StoredFact, fact_from_json, fact_to_json
from guestlist.orders.models import Customer, Fact, Order


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a delivery's facts touched.

    Attributes:
        orders: the orders to plan anew, locked until the transaction ends.
        new_facts: how many facts were not known before.
    """

    orders: tuple[Order, ...]
    new_facts: int


def record(cart_id: str, facts: Iterable[StoredFact], delivery_id: int) -> Recorded:
    """Store facts and say which orders they touch.

    What a delivery told when it was read before is replaced. Locks are taken in one order: orders, then customers.
    """
    told = Fact.objects.filter(delivery_id=delivery_id)
    orders = {order.pk: order for order in _lockable().filter(facts__in=told.values("pk")).order_by("pk")}
    told.delete()
    new = 0
    for fact in facts:
        if isinstance(fact, CustomerChanged):
            buyer = Buyer(fact.email, fact.customer_id, fact.first_name, fact.last_name)
            customer, gained = find_or_make_customer(cart_id, buyer, fact.at)
            new += _store(cart_id, fact, None, customer, delivery_id)
        else:
            order, gained = _find_or_make_order(cart_id, fact)
            customer = order.customer
            new += _store(cart_id, fact, order, customer, delivery_id)
            orders[order.pk] = order
        if gained:
            # Its orders waited for an address to give the access to.
            waited = _lockable().filter(customer=customer).exclude(pk__in=orders).order_by("pk")
            orders |= {order.pk: order for order in waited}
    return Recorded(tuple(orders[key] for key in sorted(orders)), new)


def facts_of(order: Order) -> list[OrderFact]:
    """All facts of an order."""
    facts = [fact_from_json(stored) for stored in order.facts.order_by("id").values_list("data", flat=True)]
    return [fact for fact in facts if not isinstance(fact, CustomerChanged)]


def _store(cart_id: str, fact: StoredFact, order: Order | None, customer: Customer, delivery_id: int) -> int:
    known = Fact.objects.filter(customer=customer) if order is None else Fact.objects.filter(order=order)
    is_new = not known.filter(key=fact.key).exists()
    row = Fact(
        cart_id=cart_id,
        order=order,
        customer=customer,
        kind=fact.kind,
        key=fact.key,
        at=fact.at,
        data=fact_to_json(fact),
        delivery_id=delivery_id,
    )
    Fact.objects.bulk_create([row], ignore_conflicts=True)
    return int(is_new)


def find_or_make_customer(cart_id: str, buyer: Buyer, at: datetime) -> tuple[Customer, bool]:
    """The cart's customer: by its customer id, else by e-mail address; brought up to date if `at` is later.

    Returns:
        The customer, and whether it had no address before and has one now.
    """
    customer = _find_customer(cart_id, buyer) or _make_customer(cart_id, buyer, at)
    gained = not customer.email_key and bool(buyer.email)
    changed = (at > customer.as_of or gained) and bool(buyer.email or buyer.first_name or buyer.last_name)
    adopted = buyer.customer_id is not None and customer.external_id is None
    if changed:
        customer.email = buyer.email or customer.email
        customer.email_key = customer.email.lower()
        customer.first_name = buyer.first_name or customer.first_name
        customer.last_name = buyer.last_name or customer.last_name
        customer.as_of = max(at, customer.as_of)
    if adopted:
        customer.external_id = buyer.customer_id
    if changed or adopted:
        try:
            with transaction.atomic():
                customer.save()
        except IntegrityError:
            # Another worker has just made the customer of that id.
            return find_or_make_customer(cart_id, buyer, at)
    return customer, gained


def _find_customer(cart_id: str, buyer: Buyer) -> Customer | None:
    known = Customer.objects.filter(cart_id=cart_id).order_by("id").select_for_update(no_key=True)
    by_email = known.filter(email_key=buyer.email.lower()) if buyer.email else known.none()
    if buyer.customer_id is not None:
        return known.filter(external_id=buyer.customer_id).first() or by_email.filter(external_id=None).first()
    return by_email.first()


def _make_customer(cart_id: str, buyer: Buyer, at: datetime) -> Customer:
    customer, _ = Customer.objects.get_or_create(
        cart_id=cart_id,
        external_id=buyer.customer_id,
        **({} if buyer.customer_id is not None else {"email_key": (buyer.email or "").lower()}),
        defaults={
            "email": buyer.email or "",
            "email_key": (buyer.email or "").lower(),
            "first_name": buyer.first_name,
            "last_name": buyer.last_name,
            "as_of": at,
        },
    )
    return customer


def _find_or_make_order(cart_id: str, fact: OrderFact) -> tuple[Order, bool]:
    order = _locked(cart_id, fact)
    customer, gained = find_or_make_customer(cart_id, fact.buyer, fact.at)
    if order is None:
        with transaction.atomic():  # a savepoint: another worker may make the same order at this moment
            Order.objects.get_or_create(
                cart_id=cart_id,
                mode=fact.mode.value,
                external_id=fact.order_id,
                defaults={"customer": customer, "placed_at": fact.at},
            )
        order = _locked(cart_id, fact)
    if order is None:
        raise RuntimeError(f"order {fact.order_id} vanished while it was being recorded")
    if order.customer_id == customer.pk:
        order.customer = customer
    before = (order.placed_at, order.invoice_id, order.currency)
    if isinstance(fact, OrderPlaced):
        order.placed_at = fact.at
        order.invoice_id = fact.invoice_id or order.invoice_id
        order.currency = fact.currency
    elif not order.invoice_id:
        order.placed_at = min(order.placed_at, fact.at)
    if (order.placed_at, order.invoice_id, order.currency) != before:
        order.save(update_fields=["placed_at", "invoice_id", "currency"])
    return order, gained


def _locked(cart_id: str, fact: OrderFact) -> Order | None:
    return _lockable().filter(cart_id=cart_id, mode=fact.mode.value, external_id=fact.order_id).first()


def _lockable() -> QuerySet[Order]:
    return Order.objects.select_related("customer", "cart").select_for_update(of=("self",), no_key=True)
