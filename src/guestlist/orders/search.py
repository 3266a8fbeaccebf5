"""Orders and customers found by what somebody types: a number, an invoice, an address, a name.

Each look is by an index, however many orders there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Q, QuerySet

from guestlist.connections.models import Cart
from guestlist.domain.facts import Mode
from guestlist.orders.models import Customer, Order

# More orders than that have one number or one invoice only by mistake.
NUMBERED_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class KnownItem:
    """Something that was ever sold, with its name in the latest order."""

    cart: str
    item: str
    name: str


# From each item straight to the next one, so that the number of orders does not matter.
_KNOWN_ITEMS = """
    WITH RECURSIVE known AS (
        (SELECT cart_id, item FROM orders_orderitem ORDER BY cart_id, item LIMIT 1)
        UNION ALL
        SELECT next.cart_id, next.item FROM known, LATERAL (
            SELECT cart_id, item FROM orders_orderitem sold
             WHERE (sold.cart_id, sold.item) > (known.cart_id, known.item)
             ORDER BY cart_id, item LIMIT 1
        ) next
    )
    SELECT known.cart_id, known.item, latest.name FROM known, LATERAL (
        SELECT name FROM orders_orderitem sold WHERE sold.cart_id = known.cart_id AND sold.item = known.item
         ORDER BY placed_at DESC LIMIT 1
    ) latest
"""


def known_items() -> list[KnownItem]:
    """All that was ever sold, by cart and name."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN_ITEMS)
        found = [KnownItem(*row) for row in cursor.fetchall()]
    return sorted(found, key=lambda each: (each.cart, each.name.lower(), each.item))


def numbered(text: str) -> list[int]:
    """The orders that the cart knows by this number or invoice, by Guestlist's id."""
    text = text.strip().removeprefix("#")
    # With all carts and modes named, the unique index answers.
    carts = list(Cart.objects.values_list("pk", flat=True))
    by_number = Order.objects.filter(cart__in=carts, mode__in=list(Mode), external_id=text)
    by_invoice = Order.objects.filter(invoice_id=text) if text else Order.objects.none()
    found = {
        *by_number.values_list("pk", flat=True)[:NUMBERED_AT_MOST],
        *by_invoice.values_list("pk", flat=True)[:NUMBERED_AT_MOST],
    }
    return sorted(found)


def customers_matching(text: str) -> QuerySet[Customer]:
    """Customers whose address is this one; where none has it, whose address or name begins like this."""
    key = " ".join(text.lower().split())
    exact = Customer.objects.filter(email_key=key)
    if "@" in key and exact.exists():
        return exact
    return Customer.objects.filter(begins_like(key))


def begins_like(key: str) -> Q:
    """Condition on rows with an address and names as they are searched: which begin with `key`, in lower case."""
    by_email = Q(email_key__startswith=key)
    return by_email if "@" in key else by_email | Q(name_key__startswith=key) | Q(surname_key__startswith=key)
