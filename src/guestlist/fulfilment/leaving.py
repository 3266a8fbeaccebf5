"""Leaving past sales as they are: what was sold before a rule named it gives nothing, because somebody said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.models import Decision
from guestlist.fulfilment.rules import rule_to_dict
from guestlist.orders.models import Order

BATCH = 1000


def leave_as_they_are(cart_id: str, item: Item) -> int:
    """Decide that an item's charges from before a rule named it give nothing. Returns of how many orders these are.

    In one transaction. Charges that no rule names now are not concerned. What is left so is decided otherwise than by
    the rules of now, so aligning finds it as long as these give something; further charges follow the rules of then.
    """
    in_force = InForce()

    def is_left(entry: Mapping[str, Any]) -> bool:
        return bool(entry["item"] == str(item) and in_force.rule(cart_id, item, entry["option"]) is not None)

    with transaction.atomic():
        concerned = Order.objects.select_for_update(no_key=True).filter(cart=cart_id).exclude(unmapped=[])
        orders, decisions = [], []
        for order in concerned.filter(unmapped__contains=[{"item": str(item)}]).order_by("pk").only("unmapped"):
            left = [entry for entry in order.unmapped if is_left(entry)]
            if left:
                order.unmapped = [entry for entry in order.unmapped if entry not in left]
                orders.append(order)
                decisions += [_nothing(order, item, entry) for entry in left]
        # A charge that was decided while it was known to have another option has a decision already.
        Decision.objects.bulk_create(
            decisions,
            batch_size=BATCH,
            update_conflicts=True,
            unique_fields=["order", "item", "charge_key"],
            update_fields=["option", "rule", "level_terms"],
        )
        Order.objects.bulk_update(orders, ["unmapped"], batch_size=BATCH)
    return len(orders)


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
