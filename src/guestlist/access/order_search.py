"""Orders as lists show them: found by what they are and by how their access stands, each with its state.

Every search is a walk along one index in the order of the dates, or a look at few rows (tests/db/test_order_search.py
proves it with the database's own plans).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.connections.models import Site, SiteState
from guestlist.domain.facts import Mode
from guestlist.orders.models import Customer, Order, OrderItem
from guestlist.orders.queries import product_first, refunded_of
from guestlist.orders.search import customers_matching, numbered

FEW_CUSTOMERS = 2000
FEW_UNSETTLED = 20_000


class OrderState(StrEnum):
    """How an order stands. The first ones are about its access, the others about its payments; several may hold."""

    RIGHT = "right"
    WAITING = "waiting"
    ATTENTION = "attention"
    UNMAPPED = "unmapped"
    HELD = "held"
    FAILING = "failing"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersAsked:
    """Which orders are looked for; "" or None = any.

    Attributes:
        text: a number, an invoice, an address or its beginning, the beginning of a name.
        item: such as `product-12`; of the named cart.
        since, before: the order was placed from the one moment on, and before the other.
    """

    text: str = ""
    cart: str = ""
    item: str = ""
    mode: Mode | None = None
    since: datetime | None = None
    before: datetime | None = None
    state: OrderState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order in a list.

    Attributes:
        number: the cart's own number of it.
        items: each item with its name, products first.
        paid_minor: all that was paid, tax included, refunds not taken off; minor units of `currency`.
        refunded: what was refunded of it, by item.
        states: how it stands, the most pressing first.
        erased: nothing is known any more of who bought it.
    """

    id: int
    cart: str
    number: str
    mode: Mode
    placed_at: datetime
    email: str
    name: str
    items: list[tuple[str, str]]
    paid_minor: int
    refunded: Mapping[str, int]
    currency: str
    states: list[OrderState]
    erased: bool

    @property
    def refunded_minor(self) -> int:
        """All that was refunded."""
        return sum(self.refunded.values())


def find_orders(asked: OrdersAsked) -> QuerySet[Order] | QuerySet[OrderItem]:
    """The orders, not sorted; where an item is asked for, its rows, which an index has by `placed_at` as well."""
    # Customers are read for the page's orders only, not for all that have to be sorted.
    if asked.item:
        items = OrderItem.objects.filter(cart=asked.cart, item=asked.item)
        return items.filter(*_conditions(asked, "order__")).prefetch_related("order__customer")
    return Order.objects.filter(*_conditions(asked, "")).prefetch_related("customer")


def order_rows(found: Sequence[Order | OrderItem]) -> list[OrderRow]:
    """What `find_orders` found as it is shown, with a few queries for all of them."""
    orders = [row.order if isinstance(row, OrderItem) else row for row in found]
    items: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)
    stored = OrderItem.objects.filter(order__in=orders).order_by("id").values_list("order_id", "item", "name")
    for order_id, item, name in stored:
        items[order_id].append((item, name))
    for of_order in items.values():
        of_order.sort(key=lambda item: product_first(item[0]))
    of_access, refunded = _of_access(orders), refunded_of(orders)
    return [_row(order, items[order.pk], of_access[order.pk], refunded.get(order.pk, {})) for order in orders]


def _of_access(orders: Collection[Order]) -> defaultdict[int | None, set[OrderState]]:
    """What waits, and what needs a person, by order.

    All grants of the orders are read: there are few of each order, while those that wait may be very many together.
    """
    found: defaultdict[int | None, set[OrderState]] = defaultdict(set)
    sites = _troubled_sites()
    grants = Grant.objects.filter(order__in=orders)
    for order_id, state, member, site in grants.values_list("order_id", "state", "member__state", "member__site_id"):
        if state != GrantState.RIGHT:
            stuck = state == GrantState.ATTENTION or member == MemberState.ATTENTION or site in sites
            found[order_id].add(OrderState.ATTENTION if stuck else OrderState.WAITING)
    return found


def _troubled_sites() -> set[str]:
    """Sites where nothing goes on before somebody has seen to it."""
    troubled = Site.objects.filter(Q(state=SiteState.ATTENTION) | Q(active=False) | Q(paused=True))
    return set(troubled.values_list("pk", flat=True))


def _stuck() -> Q:
    """Of grants that are not as desired: those that only a person can help. The others settle by themselves.

    Stuck members and troubled sites are few; grants that wait may be very many.
    """
    stuck = Q(state=GrantState.ATTENTION)
    stuck |= Q(member__in=Member.objects.filter(state=MemberState.ATTENTION).values("pk"))
    if sites := _troubled_sites():
        stuck |= Q(member__site__in=sites)
    return stuck


def _conditions(asked: OrdersAsked, order: str) -> list[Q]:
    """Conditions on rows that lead to an order by `order`."""
    found = []
    if asked.text:
        found.append(_named(asked.text, order))
    if asked.cart and not asked.item:
        found.append(Q((f"{order}cart", asked.cart)))
    if asked.mode is not None:
        found.append(Q((f"{order}mode", asked.mode.value)))
    if asked.since is not None:
        found.append(Q(placed_at__gte=asked.since))
    if asked.before is not None:
        found.append(Q(placed_at__lt=asked.before))
    if asked.state is not None:
        found.append(_standing(asked.state, order))
    return found


def _named(text: str, order: str) -> Q:
    if ids := numbered(text):
        return Q((f"{order}pk__in", ids))
    customers: QuerySet[Customer, int] = customers_matching(text).values_list("pk", flat=True)
    # Few are looked up by their numbers, so that nothing depends on how many the database takes them for.
    few = list(customers[: FEW_CUSTOMERS + 1])
    return Q((f"{order}customer__in", few if len(few) <= FEW_CUSTOMERS else customers))


def _standing(state: OrderState, order: str) -> Q:
    match state:
        case OrderState.RIGHT:
            unsettled = Grant.objects.filter(order=OuterRef(f"{order}pk")).exclude(state=GrantState.RIGHT)
            settled = Q((f"{order}held", False), (f"{order}unmapped", []), (f"{order}refunded", False))
            return settled & Q(~Exists(unsettled))
        case OrderState.WAITING:
            return _with_unsettled(~_stuck(), order)
        case OrderState.ATTENTION:
            return _with_unsettled(_stuck(), order)
        case OrderState.UNMAPPED:
            return ~Q((f"{order}unmapped", []))
        case OrderState.HELD | OrderState.FAILING | OrderState.PAUSED | OrderState.CANCELLED | OrderState.REFUNDED:
            return Q((f"{order}{state.value}", True))
        case _:
            assert_never(state)


def _with_unsettled(which: Q, order: str) -> Q:
    """Orders that have such grants among those that are not as desired."""
    unsettled = Grant.objects.filter(which).exclude(state=GrantState.RIGHT)
    some = list(unsettled.exclude(order=None).values_list("order_id", flat=True).distinct()[: FEW_UNSETTLED + 1])
    if len(some) <= FEW_UNSETTLED:
        # As one value: looked up in the index, however many other orders there are.
        return Q((f"{order}pk__in", RawSQL("SELECT unnest(%s::bigint[])", (some,))))
    return Q(Exists(unsettled.filter(order=OuterRef(f"{order}pk"))))


def _row(
    order: Order, items: list[tuple[str, str]], of_access: set[OrderState], refunded: Mapping[str, int]
) -> OrderRow:
    customer = order.customer
    return OrderRow(
        id=order.pk,
        cart=order.cart_id,
        number=order.external_id,
        mode=Mode(order.mode),
        placed_at=order.placed_at,
        email=customer.email,
        name=f"{customer.first_name} {customer.last_name}".strip(),
        items=items,
        paid_minor=order.paid_minor,
        refunded=refunded,
        currency=order.currency,
        states=_states(order, of_access),
        erased=customer.erased_at is not None,
    )


def _states(order: Order, of_access: set[OrderState]) -> list[OrderState]:
    holds = {
        OrderState.ATTENTION: OrderState.ATTENTION in of_access,
        OrderState.WAITING: OrderState.WAITING in of_access,
        OrderState.UNMAPPED: bool(order.unmapped),
        OrderState.HELD: order.held,
        OrderState.FAILING: order.failing,
        OrderState.PAUSED: order.paused,
        OrderState.CANCELLED: order.cancelled,
        OrderState.REFUNDED: order.refunded,
    }
    states = [state for state, is_so in holds.items() if is_so]
    # What was refunded is not "all right" for whoever sold it, though its access is as it should be.
    settled = not (of_access or order.unmapped or order.held or order.refunded)
    return [OrderState.RIGHT, *states] if settled else states
