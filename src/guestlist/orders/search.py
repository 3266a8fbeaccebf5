"""Orders and customers found by what somebody types: a number, an invoice, an address, a name.

Each look is by an index, however many orders there are.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet

from guestlist.connections.models import Cart
from guestlist.domain.facts import Mode
from guestlist.orders.models import Customer, Order

# More orders than that have one number or one invoice only by mistake.
NUMBERED_AT_MOST = 200


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
