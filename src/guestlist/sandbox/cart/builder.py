"""The parts of a delivery's body (reference thrivecart 1.5 and 1.6). Every scalar is a text; "null" is a word."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from guestlist.sandbox.cart.offers import Buyer, Offer

NULL = "null"
_PROCESSOR = "stripe"


def envelope(event: str, *, secret: str, account: str, mode: str) -> dict[str, Any]:
    """What every event begins with."""
    return {
        "event": event,
        "mode": mode,
        "mode_int": "2" if mode == "live" else "1",
        "thrivecart_account": account,
        "thrivecart_secret": secret,
    }


def base(offer: Offer, owner: str) -> dict[str, Any]:
    """The front-end product, which every event names whichever item it is about."""
    return {
        "base_product": offer.id,
        "base_product_name": offer.name,
        "base_product_label": offer.label or offer.name,
        "base_product_owner": owner,
    }


def when(at: datetime, prefix: str = "date") -> dict[str, Any]:
    """A moment in its three ways of writing, UTC."""
    return {
        prefix: f"{at:%Y-%m-%d %H:%M:%S}",
        f"{prefix}_iso8601": f"{at:%Y-%m-%dT%H:%M:%S}+00:00",
        f"{prefix}_unix": str(int(at.timestamp())),
    }


def money(name: str, minor: int) -> dict[str, Any]:
    """An amount in minor units and its twin for people."""
    return {name: str(minor), f"{name}_str": f"{minor // 100}.{minor % 100:02}"}


def customer(buyer: Buyer) -> dict[str, Any]:
    """The customer. Without a country the address is an empty list, not an empty map."""
    return {
        "id": buyer.customer_id,
        "email": buyer.email,
        "address": {"country": buyer.country} if buyer.country else [],
        "ip_address": "192.0.2.17",
        # Where no name was asked for, ThriveCart sends a blank.
        "name": f"{buyer.first_name} {buyer.last_name}",
        "first_name": buyer.first_name,
        "last_name": buyer.last_name,
        "checkbox_confirmation": "false",
    }


def order_summary(
    *, number: str, invoice: str, offers: Sequence[Offer], at: datetime, tax_type: str = "gb"
) -> dict[str, Any]:
    """The order without its charges, as rebills and refunds repeat it."""
    net = sum(offer.today for offer in offers)
    tax = sum(offer.tax(offer.today) for offer in offers)
    return {
        "id": number,
        "invoice_id": invoice,
        "processor": _PROCESSOR,
        **money("total", net),
        **money("total_gross", net + tax),
        **when(at),
        "tracking_id": NULL,
        "tax": str(tax) if tax else NULL,
        **({"tax_type": tax_type} if tax else {}),
    }


def charges(offers: Sequence[Offer], at: datetime) -> list[dict[str, Any]]:
    """The order's charge rows: a subscription has two, the first payment and the agreement."""
    rows = []
    for offer in offers:
        rows.append(_charge(offer, offer.today) | _single(offer, at))
        if offer.frequency:
            rows.append(_charge(offer, offer.each) | {"type": "recurring", **_frequency(offer), "defer": "false"})
    return rows


def future_charges(offers: Sequence[Offer], at: datetime) -> list[dict[str, Any]]:
    """The next charge of each item that has one, with the date on which it is due."""
    rows = []
    for offer in offers:
        if offer.later_charges == 0:
            continue
        kind = {"type": "recurring", **_frequency(offer)} if offer.frequency else {"type": "single"}
        rows.append(_charge(offer, offer.each) | kind | {"due": f"{offer.due(at, 1):%Y-%m-%d %H:%M:%S}"})
    return rows


def _single(offer: Offer, at: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {"type": "single", "defer": "true" if offer.deferred_days else "false"}
    if offer.deferred_days:
        row["defer_date"] = str(int(offer.due(at, 1).timestamp()))
    if offer.frequency:
        row["related_to_recur"] = "true"
    return row


def _charge(offer: Offer, net: int) -> dict[str, Any]:
    tax = offer.tax(net)
    row = {
        "name": offer.name,
        "label": offer.label or offer.name,
        "item_type": offer.type,
        "reference": offer.id,
        "item_identifier": offer.item,
        **money("amount", net),
        **money("original_amount", net),
        **money("amount_gross", net + tax),
        **money("tax_paid", tax),
        "quantity": str(offer.quantity),
        **money("unit_price", net // offer.quantity),
    }
    if offer.option:
        row |= {"payment_plan_id": offer.option, "payment_plan_name": offer.option_name}
    return row


def _frequency(offer: Offer) -> dict[str, Any]:
    if not offer.frequency:
        return {"frequency": NULL, "frequency_days": NULL}
    return {"frequency": offer.frequency, "frequency_days": str(offer.frequency_days)}


def subscription(offer: Offer, *, currency: str, invoice: str, remaining: int | None) -> dict[str, Any]:
    """The subscription of an item. Its `id` is the ITEM's id (reference thrivecart 0.3).

    Args:
        remaining: charges still to come; None = no end.
    """
    tax = offer.tax(offer.each)
    return {
        "type": offer.type,
        "id": offer.id,
        f"{offer.type}_id": offer.id,
        "name": offer.name,
        "label": offer.label or offer.name,
        "processor": _PROCESSOR,
        "currency": currency,
        "invoice_id": invoice,
        **money("amount", offer.each),
        **money("original_amount", offer.each),
        **money("amount_gross", offer.each + tax),
        **money("tax_paid", tax),
        **_frequency(offer),
        "remaining_rebills": NULL if remaining is None else str(remaining),
    }


def refund(offer: Offer, *, currency: str, net: int) -> dict[str, Any]:
    """What was refunded. `type` is the item's; nothing says whether it was all."""
    tax = offer.tax(net)
    return {
        "type": offer.type,
        "id": offer.id,
        f"{offer.type}_id": offer.id,
        "name": offer.name,
        "label": offer.label or offer.name,
        "processor": _PROCESSOR,
        "currency": currency,
        **money("amount", net),
        **money("amount_gross", net + tax),
        **money("tax_paid", tax),
    }


def purchases(offers: Sequence[Offer], account: str) -> dict[str, Any]:
    """What was bought, in all the ways an order says it."""
    names, items = [offer.name for offer in offers], [offer.item for offer in offers]
    return {
        "purchases": names,
        "purchase_map": items,
        "purchase_map_flat": ", ".join(items),
        "accessible_purchases": names,
        "accessible_purchase_map": items,
        "accessible_purchase_map_flat": ", ".join(items),
        "fulfillment": {"url": f"https://{account}.thrivecart.com/{items[0]}/confirm/"},
    }
