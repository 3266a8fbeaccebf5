"""Builders of facts and rules for tests: say what matters, leave the rest to plausible defaults."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_type_hints

from guestlist.domain.facts import Billing, Buyer, Item, Mode, OrderLine, OrderPlaced, PaymentReceived, Refunded
from guestlist.domain.periods import Period
from guestlist.domain.rules import Rule, Target, parse_access

BUYER = Buyer(email="nora@buyers.test", customer_id="910000000000000001", first_name="Nora", last_name="Lind")
MONTH = Period.parse("1 month")


def moment(text: str) -> datetime:
    """A UTC moment from `2026-03-10` or `2026-03-10 05:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def line(item: str, **fields: object) -> OrderLine:
    fields.setdefault("name", item.title())
    if fields.get("frequency"):
        fields.setdefault("billing", Billing.RECURRING)
    if isinstance(due := fields.get("next_due_at"), str):
        fields["next_due_at"] = moment(due)
    fields.setdefault("paid_gross_minor", fields.get("paid_minor", 0))
    return OrderLine(item=Item.parse(item), **fields)  # type: ignore[arg-type]


def placed(at: str, *lines: OrderLine, **fields: object) -> OrderPlaced:
    values = {"order_id": "7001", "mode": Mode.LIVE, "buyer": BUYER, "currency": "USD", **fields}
    return OrderPlaced(at=moment(at), lines=lines, **values)  # type: ignore[arg-type]


def rebill(at: str, item: str = "product-12", *, index: int, **fields: object) -> PaymentReceived:
    if isinstance(due := fields.get("next_due_at"), str):
        fields["next_due_at"] = moment(due)
    values = {
        "order_id": "7001",
        "mode": Mode.LIVE,
        "buyer": BUYER,
        "currency": "USD",
        "amount_minor": 2900,
        "amount_gross_minor": 2900,
        "invoice_id": f"INV-9-{index}",
        "index": index,
        **fields,
    }
    return PaymentReceived(at=moment(at), item=Item.parse(item), **values)  # type: ignore[arg-type]


def rule(item: str, *grants: str, **fields: object) -> Rule:
    """A rule; grants are written `academy/8`, choices in the words of the settings file."""
    if isinstance(access := fields.get("access"), str):
        fields["access"] = parse_access(access)
    for name, kind in get_type_hints(Rule).items():
        if name in fields and isinstance(kind, type) and issubclass(kind, StrEnum):
            fields[name] = kind(fields[name])
    targets = tuple(Target(*grant.split("/")) for grant in grants)
    return Rule(item=Item.parse(item), grants=targets, **fields)  # type: ignore[arg-type]


def event(kind: type[Any], at: str, item: str = "product-12", **fields: object) -> Any:
    """A fact about one item of the order, such as `event(Refunded, "2026-03-12", amount_minor=900)`."""
    if isinstance(end := fields.get("period_end_at"), str):
        fields["period_end_at"] = moment(end)
    if kind is Refunded:
        fields = {"currency": "USD", "amount_gross_minor": fields.get("amount_minor"), **fields}
    return kind(order_id="7001", mode=Mode.LIVE, at=moment(at), buyer=BUYER, item=Item.parse(item), **fields)
