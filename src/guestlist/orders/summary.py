"""What lists of orders show and are searched by: an order's items, what was paid, what stands against it.

Written where facts are recorded, with the order locked. It is what folding the order's facts gives, so it can always be
made anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from guestlist.domain.facts import OrderFact
from guestlist.domain.history import OrderHistory, fold
from guestlist.orders.models import Order, OrderItem

FIELDS = ("currency", "paid_minor", "refunded", "cancelled", "failing", "paused")


def summarize(order: Order, facts: Iterable[OrderFact]) -> None:
    """Bring a locked order's summary in line with all its facts; writes only what is another."""
    history = fold(facts)
    before = [getattr(order, name) for name in FIELDS]
    take_summary(order, history)
    if [getattr(order, name) for name in FIELDS] != before:
        order.save(update_fields=FIELDS)
    _write_items(order, history)


def take_summary(order: Order, history: OrderHistory) -> None:
    """Let an order say what its history comes to; not saved."""
    charges = history.charges
    order.currency = order.currency or next((charge.currency for charge in charges), "")
    order.paid_minor = sum(charge.total_minor for charge in charges)
    order.refunded = any(charge.refund is not None for charge in charges)
    order.cancelled = any(bought.standing.cancelled_at is not None for bought in history.items)
    order.failing = any(bought.standing.failing_since is not None for bought in history.items)
    order.paused = any(bought.standing.paused_at is not None for bought in history.items)


def items_of(order: Order, history: OrderHistory) -> list[OrderItem]:
    """The rows of an order's items; not saved."""
    return [
        OrderItem(
            order=order,
            cart_id=order.cart_id,
            placed_at=order.placed_at,
            item=str(bought.item),
            option=bought.charges[-1].option,
            name=bought.name,
        )
        for bought in history.items
    ]


def _write_items(order: Order, history: OrderHistory) -> None:
    wanted = items_of(order, history)
    stored = set(order.items.values_list("item", "option", "name", "placed_at"))
    if stored != {(row.item, row.option, row.name, row.placed_at) for row in wanted}:
        order.items.all().delete()
        OrderItem.objects.bulk_create(wanted)
