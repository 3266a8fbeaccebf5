"""The same events as ThriveCart sends them to event subscriptions: underscored names, JSON, no secret.

What their bodies hold beyond the documented `webhook_id` is not published; the account webhook's keys are assumed.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from guestlist.sandbox.cart.delivery import Delivery

_NAMES = {
    "order.subscription_payment": "order_rebill",
    "order.rebill_failed": "order_rebill_failed",
    "order.subscription_cancelled": "order_rebill_cancelled",
    "order.subscription_paused": "subscription_paused",
    "order.subscription_resumed": "subscription_resumed",
    "cart.abandoned": "cart_abandoned",
}


def underscored(delivery: Delivery) -> list[Delivery]:
    """The deliveries that event subscriptions get for an event of the account webhook."""
    match delivery.event:
        case "order.success":
            return [_named(delivery, "order_created"), *_per_item(delivery)]
        case "order.refund":
            return [_named(delivery, f"order_refund_{delivery.body['refund']['type']}")]
        case "order.subscription_payment" if delivery.body["subscription"]["remaining_rebills"] == "0":
            return [_named(delivery, "order_rebill"), _named(delivery, "order_rebill_completed")]
        case event if event in _NAMES:
            return [_named(delivery, _NAMES[event])]
        case _:
            return []  # `customer_updated` has no event subscription


def _per_item(delivery: Delivery) -> list[Delivery]:
    rows: dict[str, dict[str, Any]] = {}
    for row in delivery.body["order"]["charges"]:
        rows.setdefault(row["item_identifier"], row)
    return [
        _named(
            delivery,
            f"order_payment_{row['item_type']}",
            {"purchase": row | {f"{row['item_type']}_id": row["reference"]}},
        )
        for row in rows.values()
    ]


def _named(delivery: Delivery, name: str, more: dict[str, Any] | None = None) -> Delivery:
    body = {key: value for key, value in delivery.body.items() if key != "thrivecart_secret"}
    return Delivery(name, body | {"event": name, "webhook_id": str(uuid4())} | (more or {}))
