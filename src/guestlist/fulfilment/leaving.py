"""Leaving past sales as they are: what was sold before a rule named it gives nothing, because somebody said so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction

from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.models import Decision
from guestlist.fulfilment.rules import rule_to_dict
from guestlist.orders.models import Order

BATCH = 1000


def leave_as_they_are(cart_id: str, item: Item) -> int:
    """Decide that an item's charges from before a rule named it give nothing. Returns of how many orders these are.

    In one transaction; any number of them takes the same memory. Charges that no rule names now are not concerned.
    What is left so is decided otherwise than by the rules of now, so aligning finds it as long as these give something;
    further charges follow the rules of then.
    """
    in_force = InForce()
    concerned = Order.objects.select_for_update(no_key=True).filter(cart=cart_id).exclude(unmapped=[])
    concerned = concerned.filter(unmapped__contains=[{"item": str(item)}]).order_by("pk").only("unmapped")
    count, last = 0, 0
    with transaction.atomic():
        while some := list(concerned.filter(pk__gt=last)[:BATCH]):
            count += _leave(some, item, lambda option: in_force.rule(cart_id, item, option) is not None)
            last = some[-1].pk
    return count


def _leave(orders: Sequence[Order], item: Item, is_mapped: Callable[[str | None], bool]) -> int:
    left, decisions = [], []
    for order in orders:
        entries = [entry for entry in order.unmapped if entry["item"] == str(item) and is_mapped(entry["option"])]
        if entries:
            order.unmapped = [entry for entry in order.unmapped if entry not in entries]
            left.append(order)
            decisions += [_nothing(order, item, entry) for entry in entries]
    # A charge that was decided while it was known to have another option has a decision already.
    Decision.objects.bulk_create(
        decisions,
        update_conflicts=True,
        unique_fields=["order", "item", "charge_key"],
        update_fields=["option", "rule", "level_terms"],
    )
    _store_unmapped(left)
    return len(left)


def _store_unmapped(orders: Sequence[Order]) -> None:
    """In one statement: `bulk_update` takes several times as long."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_order o SET unmapped = k.unmapped::jsonb
              FROM unnest(%s::bigint[], %s::text[]) AS k(id, unmapped) WHERE o.id = k.id
            """,
            [[order.pk for order in orders], [json.dumps(order.unmapped) for order in orders]],
        )


def _nothing(order: Order, item: Item, entry: Mapping[str, Any]) -> Decision:
    rule = Rule(item=item, option=entry["option"], grants=())
    return Decision(
        order=order,
        item=str(item),
        charge_key=entry["charge_key"],
        option=entry["option"],
        rule=rule_to_dict(rule),
        level_terms={},
    )
