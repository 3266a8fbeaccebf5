"""Recording facts: customers found or made, orders locked, each fact stored once. Runs in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q, QuerySet

from guestlist.domain.facts import CustomerChanged, OrderFact, OrderPlaced
from guestlist.orders.codec import StoredFact, fact_from_json, fact_to_json
from guestlist.orders.customers import Known, Told, find_or_make_customer
from guestlist.orders.models import Customer, Fact, Order
from guestlist.orders.summary import summarize


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording a delivery's facts touched.

    Attributes:
        orders: the orders to plan anew, locked until the transaction ends; those that the facts are about come first.
        new_facts: how many facts were not known before.
        moved: customers who have another e-mail address, or another's order, than before; locked as well.
    """

    orders: tuple[Order, ...]
    new_facts: int
    moved: tuple[Customer, ...] = ()


def record(cart_id: str, facts: Iterable[StoredFact], delivery_id: int) -> Recorded:
    """Store facts and say which orders they touch.

    What a delivery told when it was read before is replaced. Locks are taken in one order: orders, then customers.
    """
    facts = list(facts)
    told = Fact.objects.filter(delivery_id=delivery_id)
    orders = _lock_orders(cart_id, facts, told)
    told.delete()
    new = 0
    about: set[int] = set()
    moved: dict[int, Customer] = {}
    for fact in facts:
        if isinstance(fact, CustomerChanged):
            known = find_or_make_customer(cart_id, Told.by(fact))
            new += _store(cart_id, fact, None, known.customer, delivery_id)
        else:
            order, known = _find_or_make_order(cart_id, fact, orders)
            new += _store(cart_id, fact, order, known.customer, delivery_id)
            about.add(order.pk)
        if known.moved:
            moved[known.customer.pk] = known.customer
        if known.gained:
            # Its orders waited for an address to give the access to.
            waited = _lockable().filter(customer=known.customer).exclude(pk__in=orders).order_by("pk")
            orders |= {order.pk: order for order in waited}
        for order in orders.values():
            if order.customer_id == known.customer.pk:
                order.customer = known.customer
    for order in orders.values():
        summarize(order, facts_of(order))
    first = sorted(orders, key=lambda pk: (pk not in about, pk))
    return Recorded(tuple(orders[pk] for pk in first), new, tuple(moved[pk] for pk in sorted(moved)))


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


def _lock_orders(cart_id: str, facts: Sequence[StoredFact], told: QuerySet[Fact]) -> dict[int, Order]:
    """Lock the orders that the delivery told of before, that the facts name, and that wait for a customer's address."""
    ids = set(told.exclude(order=None).values_list("order_id", flat=True))
    for fact in facts:
        by = Told.by(fact)
        if not isinstance(fact, CustomerChanged):
            ids |= set(_numbered(cart_id, fact).values_list("pk", flat=True))
        if by.email and by.customer_id is not None:
            nameless = Customer.objects.filter(cart_id=cart_id, external_id=by.customer_id, email_key="")
            ids |= set(Order.objects.filter(customer__in=nameless).values_list("pk", flat=True))
    return {order.pk: order for order in _lockable().filter(pk__in=ids).order_by("pk")} if ids else {}


def _find_or_make_order(cart_id: str, fact: OrderFact, orders: dict[int, Order]) -> tuple[Order, Known]:
    """The fact's order, locked, and the customer that the fact names; a new order is added to `orders`."""
    order = next((row for row in orders.values() if (row.mode, row.external_id) == (fact.mode, fact.order_id)), None)
    known = find_or_make_customer(cart_id, Told.by(fact), order)
    if order is None:
        with transaction.atomic():  # a savepoint: another worker may make the same order at this moment
            Order.objects.get_or_create(
                cart_id=cart_id,
                mode=fact.mode.value,
                external_id=fact.order_id,
                defaults={"customer": known.customer, "placed_at": fact.at},
            )
        order = _lockable().get(cart_id=cart_id, mode=fact.mode.value, external_id=fact.order_id)
        orders[order.pk] = order
    before = (order.customer_id, order.placed_at, order.invoice_id, order.currency)
    known = take_in(order, known, fact)
    if (order.customer_id, order.placed_at, order.invoice_id, order.currency) != before:
        order.save(update_fields=["customer", "placed_at", "invoice_id", "currency"])
    return order, known


def take_in(order: Order, known: Known, fact: OrderFact) -> Known:
    """Let a stored order say what a fact of it tells; not saved.

    Args:
        known: the customer whom the fact names.
    """
    if _now_belongs_to(order, known.customer, fact):
        order.customer = known.customer
        known = replace(known, moved=True)
    if isinstance(fact, OrderPlaced):
        order.invoice_id = fact.invoice_id or order.invoice_id
        order.currency = fact.currency
    # Told again with a later time, it is no new order: what staff revoked stays revoked.
    order.placed_at = min(order.placed_at, fact.at)
    return known


def _now_belongs_to(order: Order, customer: Customer, fact: OrderFact) -> bool:
    """Whether the order has gone over to this customer: the cart has put two of its customers together.

    Who is named by the latest fact counts, in whatever order they arrive; but nobody without an address.
    """
    if order.customer_id == customer.pk or not customer.email_key:
        return False
    later = Q(at__gt=fact.at) | Q(at=fact.at, customer__external_id__gt=customer.external_id or "")
    return not order.facts.filter(later).exclude(customer_id=customer.pk).exists()


def _numbered(cart_id: str, fact: OrderFact) -> QuerySet[Order]:
    return Order.objects.filter(cart_id=cart_id, mode=fact.mode.value, external_id=fact.order_id)


def _lockable() -> QuerySet[Order]:
    return Order.objects.select_related("customer", "cart").select_for_update(of=("self",), no_key=True)
