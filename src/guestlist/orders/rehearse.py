"""What recording facts would come to: the same as `record`, but nothing is stored and nothing is locked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from guestlist.connections.models import Cart
from guestlist.domain.facts import CustomerChanged, OrderFact
from guestlist.orders.codec import StoredFact
from guestlist.orders.customers import Known, Told, bring_up_to_date, find_customer
from guestlist.orders.models import Customer, Order
from guestlist.orders.record import facts_of, take_in


@dataclass
class RehearsedOrder:
    """An order as it would become; without a key, it would be new.

    Attributes:
        told: what the delivery tells of it; nothing, where it waits for its customer's address only.
        stored: what was known of it.
    """

    order: Order
    told: list[OrderFact] = field(default_factory=list)
    stored: list[OrderFact] = field(default_factory=list)

    @property
    def facts(self) -> list[OrderFact]:
        """All that would be known."""
        return [*self.stored, *self.told]

    @property
    def is_news(self) -> bool:
        """Whether anything of it was not told before."""
        return not {fact.key for fact in self.told} <= {fact.key for fact in self.stored}


@dataclass
class Rehearsed:
    """What recording would touch: orders to plan anew, and customers who would have another address than before."""

    orders: list[RehearsedOrder] = field(default_factory=list)
    moved: list[Customer] = field(default_factory=list)


def rehearse(cart: Cart, facts: Iterable[StoredFact]) -> Rehearsed:
    """Follow a delivery's facts through, in memory."""
    return _Rehearsal(cart).follow(facts)


class _Rehearsal:
    def __init__(self, cart: Cart) -> None:
        self._cart = cart
        self._found = Rehearsed()
        self._customers: list[Customer] = []

    def follow(self, facts: Iterable[StoredFact]) -> Rehearsed:
        for fact in facts:
            known = self._customer(Told.by(fact), None) if isinstance(fact, CustomerChanged) else self._of_order(fact)
            if known.moved and not any(known.customer is seen for seen in self._found.moved):
                self._found.moved.append(known.customer)
            if known.gained:
                self._add_waiting(known.customer)
        return self._found

    def _of_order(self, fact: OrderFact) -> Known:
        rehearsed = self._order(fact)
        known = self._customer(Told.by(fact), rehearsed.order if rehearsed else None)
        if rehearsed is None:
            order = Order(cart=self._cart, mode=fact.mode.value, external_id=fact.order_id, placed_at=fact.at)
            order.customer = known.customer
            rehearsed = RehearsedOrder(order)
            self._found.orders.append(rehearsed)
        if not rehearsed.order.pk or rehearsed.order.customer_id == known.customer.pk:
            rehearsed.order.customer = known.customer
        rehearsed.told.append(fact)
        return take_in(rehearsed.order, known, fact)

    def _order(self, fact: OrderFact) -> RehearsedOrder | None:
        for rehearsed in self._found.orders:
            if (rehearsed.order.mode, rehearsed.order.external_id) == (fact.mode.value, fact.order_id):
                return rehearsed
        stored = _orders().filter(cart=self._cart, mode=fact.mode.value, external_id=fact.order_id).first()
        if stored is None:
            return None
        rehearsed = RehearsedOrder(stored, stored=facts_of(stored))
        self._found.orders.append(rehearsed)
        return rehearsed

    def _customer(self, told: Told, order: Order | None) -> Known:
        stored = find_customer(self._cart.pk, told, order, Customer.objects.all())
        customer = next((seen for seen in self._customers if _is_same(seen, stored, told)), stored)
        if customer is None:
            customer = Customer(
                cart=self._cart,
                external_id=told.customer_id,
                email=told.email,
                email_key=told.email_key,
                first_name=told.first_name,
                last_name=told.last_name,
                as_of=told.at,
            )
        if not any(customer is seen for seen in self._customers):
            self._customers.append(customer)
        return bring_up_to_date(customer, told)[0]

    def _add_waiting(self, customer: Customer) -> None:
        known = {rehearsed.order.pk for rehearsed in self._found.orders}
        for order in _orders().filter(customer=customer.pk).exclude(pk__in=known - {None}).order_by("pk"):
            order.customer = customer
            self._found.orders.append(RehearsedOrder(order, stored=facts_of(order)))


def _orders() -> QuerySet[Order]:
    return Order.objects.select_related("customer", "cart")


def _is_same(seen: Customer, stored: Customer | None, told: Told) -> bool:
    """Whether a customer met before in this delivery is the one that a fact names."""
    if stored is not None:
        return seen.pk == stored.pk
    if told.customer_id is not None:
        return not seen.pk and seen.external_id == told.customer_id
    return not seen.pk and seen.email_key == told.email_key
