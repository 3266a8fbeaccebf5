"""Orders as they are shown: in lists, and one with everything that happened to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from guestlist.connections.models import Cart
from guestlist.domain.charges import Charge
from guestlist.domain.facts import CustomerChanged, ItemType, Mode, OrderFact, Refunded
from guestlist.domain.history import BoughtItem, fold
from guestlist.domain.refunds import refunded_minor
from guestlist.orders.codec import fact_from_json
from guestlist.orders.models import Fact, Order
from guestlist.orders.words import in_words

LARGEST_ID = 2**63 - 1
TYPES = [each.value for each in ItemType]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeView:
    """One payment for one item. Money in minor units of the order's currency."""

    key: str
    at: datetime
    option: str | None
    amount_minor: int
    total_minor: int
    due_on: date | None
    last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemView:
    """A bought item with its charges, oldest first."""

    item: str
    name: str
    charges: list[ChargeView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order; `number` is the cart's own number of it, `id` is Guestlist's."""

    id: int
    cart: str
    number: str
    mode: Mode
    email: str
    first_name: str
    last_name: str
    customer_id: str | None
    placed_at: datetime
    invoice_id: str
    currency: str
    items: list[ItemView]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactView:
    """Something that happened, and the delivery that told of it first."""

    at: datetime
    kind: str
    words: str
    delivery: int | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSlice:
    """Some orders, newest first. `next_before`: where the next slice begins; None = this was the last."""

    orders: list[OrderView]
    next_before: int | None


def list_orders(
    *, email: str | None = None, cart: str | None = None, before: int | None = None, limit: int = 50
) -> OrderSlice:
    """Orders newest first, in two queries.

    Args:
        email: of the customer as the cart knows it now; upper and lower case are the same.
        before: only orders with a smaller id.
    """
    found = Order.objects.select_related("customer").order_by("-id")
    if email is not None:
        found = found.filter(customer__email_key=email.strip().lower())
    if cart is not None:
        found = found.filter(cart_id=cart)
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found[: limit + 1])
    shown = rows[:limit]
    return OrderSlice(orders=_views(shown), next_before=shown[-1].pk if len(rows) > limit else None)


def find_orders(text: str) -> list[OrderView]:
    """The orders that `text` may mean: the cart's number or Guestlist's id; `id:12` is just the latter."""
    if text.startswith("id:"):
        return orders_by_id([int(text[3:])]) if _is_id(text[3:]) else []
    # With all carts and modes named, the unique index answers, however many orders there are.
    carts = list(Cart.objects.values_list("pk", flat=True))
    numbered = Order.objects.filter(cart__in=carts, mode__in=list(Mode), external_id=text).values_list("pk", flat=True)
    return orders_by_id({*numbered, *([int(text)] if _is_id(text) else [])})


def orders_by_id(ids: Collection[int]) -> list[OrderView]:
    """These orders, oldest first; those that do not exist are missing."""
    return _views(Order.objects.select_related("customer").filter(pk__in=ids).order_by("id"))


def refunded_of(orders: Iterable[Order]) -> dict[int, dict[str, int]]:
    """What was refunded, by order and item, in minor units of the order's currency; one query for all of them."""
    refunds: defaultdict[int, defaultdict[str, list[Refunded]]] = defaultdict(lambda: defaultdict(list))
    stored = Fact.objects.filter(order__in=[order for order in orders if order.refunded], kind="refunded")
    for order_id, data in stored.values_list("order_id", "data"):
        fact = fact_from_json(data)
        if order_id is not None and isinstance(fact, Refunded):
            refunds[order_id][str(fact.item)].append(fact)
    return {
        order_id: {item: refunded_minor(told) for item, told in of_order.items()}
        for order_id, of_order in refunds.items()
    }


def product_first(item: str) -> int:
    """Sorts items such as `bump-12` as they are sold: products, then bumps, upsells, downsells."""
    kind = item.partition("-")[0]
    return TYPES.index(kind) if kind in TYPES else len(TYPES)


def facts_of_order(order_id: int) -> list[FactView]:
    """What happened to an order, in time order."""
    return _fact_views(Fact.objects.filter(order_id=order_id).order_by("at", "id"))


def facts_of_delivery(delivery_id: int) -> list[FactView]:
    """What a delivery was the first to tell."""
    return _fact_views(Fact.objects.filter(delivery_id=delivery_id).order_by("at", "id"))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) and int(text) <= LARGEST_ID


def _fact_views(rows: Iterable[Fact]) -> list[FactView]:
    return [
        FactView(
            at=row.at,
            kind=row.kind,
            words=in_words(fact_from_json(row.data)),
            delivery=row.delivery_id,
            recorded_at=row.created_at,
        )
        for row in rows
    ]


def _views(orders: Iterable[Order]) -> list[OrderView]:
    """Orders with their items, whose facts are read in one query for all of them."""
    rows = list(orders)
    facts: defaultdict[int, list[OrderFact]] = defaultdict(list)
    stored = Fact.objects.filter(order__in=rows).order_by("id").values_list("order_id", "data")
    for order_id, data in stored:
        fact = fact_from_json(data)
        if order_id is not None and not isinstance(fact, CustomerChanged):
            facts[order_id].append(fact)
    return [_view(row, facts[row.pk]) for row in rows]


def _view(order: Order, facts: Sequence[OrderFact]) -> OrderView:
    return OrderView(
        id=order.pk,
        cart=order.cart_id,
        number=order.external_id,
        mode=Mode(order.mode),
        email=order.customer.email,
        first_name=order.customer.first_name,
        last_name=order.customer.last_name,
        customer_id=order.customer.external_id,
        placed_at=order.placed_at,
        invoice_id=order.invoice_id,
        currency=order.currency,
        items=_items(fold(facts).items),
    )


def _items(bought: Sequence[BoughtItem]) -> list[ItemView]:
    return [
        ItemView(item=str(item.item), name=item.name, charges=[_charge(charge) for charge in item.charges])
        for item in bought
    ]


def _charge(charge: Charge) -> ChargeView:
    return ChargeView(
        key=charge.key,
        at=charge.at,
        option=charge.option,
        amount_minor=charge.amount_minor,
        total_minor=charge.total_minor,
        due_on=charge.due_on,
        last=charge.last,
    )
