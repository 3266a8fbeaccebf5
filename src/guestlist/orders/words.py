"""Facts and money in words, for people. Amounts are with tax, as they are where payments are listed."""

from __future__ import annotations

from decimal import Decimal
from typing import assert_never

from guestlist.domain.facts import (
    Billing,
    Completed,
    CustomerChanged,
    OrderLine,
    OrderPlaced,
    Paused,
    PaymentFailed,
    PaymentReceived,
    Refunded,
    Resumed,
    SubscriptionCancelled,
)
from guestlist.orders.codec import StoredFact


def money(amount_minor: int, currency: str) -> str:
    """An amount such as `29.00 USD`. Carts count in hundredths for every currency (reference thrivecart 1.3)."""
    return f"{Decimal(amount_minor) / 100:.2f} {currency}".rstrip()


def in_words(fact: StoredFact) -> str:
    """What happened, in one sentence without its date."""
    match fact:
        case OrderPlaced():
            return "Order placed: " + "; ".join(_line(line, fact.currency) for line in fact.lines)
        case PaymentReceived():
            return f"{money(fact.amount_gross_minor, fact.currency)} paid again for {fact.item}" + _joined(
                f"invoice {fact.invoice_id}" if fact.invoice_id else "",
                "the last payment" if fact.payments_left == 0 else "",
                f"next due on {fact.next_due_at.date()}" if fact.next_due_at else "",
            )
        case PaymentFailed():
            return f"A payment for {fact.item} failed" + _joined(
                f"invoice {fact.invoice_id}" if fact.invoice_id else ""
            )
        case Refunded():
            return f"{money(fact.amount_gross_minor, fact.currency)} refunded for {fact.item}"
        case SubscriptionCancelled():
            return f"Subscription to {fact.item} cancelled" + _joined(
                f"paid until {fact.period_end_at.date()}" if fact.period_end_at else ""
            )
        case Paused():
            return f"Subscription to {fact.item} paused"
        case Resumed():
            return f"Subscription to {fact.item} resumed"
        case Completed():
            return f"All payments for {fact.item} made"
        case CustomerChanged():
            name = f"{fact.first_name} {fact.last_name}".strip()
            return f"The customer is now {name} <{fact.email}>" if name else f"The customer is now {fact.email}"
        case _:
            assert_never(fact)


def _line(line: OrderLine, currency: str) -> str:
    name = f"{line.name} ({line.item})" if line.name != str(line.item) else line.name
    option = _joined(f"option {line.option}" if line.option else "", line.option_name)
    quantity = f"{line.quantity} x " if line.quantity > 1 else ""
    recurring = " and again later" if line.billing is Billing.RECURRING else ""
    due = f", next due on {line.next_due_at.date()}" if line.next_due_at else ""
    return f"{quantity}{name}{option}, {money(line.paid_gross_minor, currency)}{recurring}{due}"


def _joined(*parts: str) -> str:
    return "".join(f", {part}" for part in parts if part)
