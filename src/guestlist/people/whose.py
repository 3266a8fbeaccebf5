"""Which rows are about one person: customers, members, orders, deliveries, from any address of theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

from guestlist.access.finding import members_by_address
from guestlist.access.models import Grant, Member
from guestlist.carts.registry import all_carts
from guestlist.domain.addresses import encoded, names_one
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.queries import decode
from guestlist.orders.models import Customer, Fact, Order

# Deliveries in these states may belong to nobody's order, so that only their bodies tell whom they are about.
_WITHOUT_FACTS = (DeliveryState.WAITING, DeliveryState.IGNORED, DeliveryState.UNREADABLE, DeliveryState.FAILED)


# As many bodies are read in a moment.
MANY = 20_000


@dataclass(frozen=True, slots=True)
class Whose:
    """One person's rows by their ids, all their addresses, and their names (first, last), both in lower case.

    An account at a site is one person's, and so is an order: whoever's orders lead to the same member, or were told of
    under another customer before, is the same person.
    """

    addresses: frozenset[str]
    names: frozenset[tuple[str, str]]
    customers: frozenset[int]
    members: frozenset[int]
    orders: frozenset[int]
    deliveries: frozenset[int]

    @property
    def called(self) -> frozenset[str]:
        """What tells in running text that it is about them: their addresses, and their whole names."""
        return self.addresses | {f"{first} {last}" for first, last in self.names}

    @property
    def nobody(self) -> bool:
        """Nothing is known of such a person, but for deliveries that told of nothing (`only_naming`)."""
        return not (self.customers or self.members)


def whose(email: str) -> Whose:
    """All that belongs to the person with this address, in upper or lower case; each look is by an index."""
    addresses = {email.strip().lower()} - {""}
    customers: set[int] = set()
    members: set[int] = set()
    while True:
        before = len(addresses), len(customers), len(members)
        for address in sorted(addresses):
            members |= set(members_by_address(address).values_list("pk", flat=True))
        bought = Grant.objects.filter(member__in=members).values_list("customer", flat=True).distinct()
        customers |= {pk for pk in bought if pk is not None}
        customers |= set(Customer.objects.filter(email_key__in=addresses).values_list("pk", flat=True))
        customers |= _put_together(customers)
        addresses |= set(Customer.objects.filter(pk__in=customers).values_list("email_key", flat=True))
        known = Member.objects.filter(pk__in=members).values_list("email_key", "former_email_key")
        addresses |= {address for both in known for address in both}
        addresses.discard("")
        if (len(addresses), len(customers), len(members)) == before:
            break
    orders = set(Order.objects.filter(customer__in=customers).values_list("pk", flat=True))
    told = {
        *Fact.objects.filter(customer__in=customers).values_list("delivery_id", flat=True),
        *Fact.objects.filter(order__in=orders).values_list("delivery_id", flat=True),
    }
    return Whose(
        addresses=frozenset(addresses),
        names=_names(customers, members),
        customers=frozenset(customers),
        members=frozenset(members),
        orders=frozenset(orders),
        deliveries=frozenset(Delivery.objects.filter(pk__in=told).values_list("pk", flat=True)),
    )


def many_untold() -> bool:
    """Whether there are so many deliveries that told of no order that `only_naming` takes some seconds."""
    # One by one, because each state has an index that knows just its own.
    counts = (Delivery.objects.filter(state=state)[: MANY + 1].count() for state in _WITHOUT_FACTS)
    return sum(counts) > MANY


def only_naming(found: Whose, states: Collection[DeliveryState] = _WITHOUT_FACTS) -> frozenset[int]:
    """Deliveries that told of no order and are about the person all the same, as their bodies say.

    Reads all bodies in these states: several seconds where there are hundreds of thousands.
    """
    ids = Customer.objects.filter(pk__in=found.customers).values_list("external_id", flat=True)
    known_as = found.addresses | {external_id.lower() for external_id in ids if external_id}
    # As it is, as it stands in a form, and as it may stand in JSON; what is no ASCII in capitals, too.
    words = {form for word in known_as for form in (word, word.upper())}
    forms = {
        form.lower() for word in words for form in (_escaped(word), encoded(word), _escaped(json.dumps(word)[1:-1]))
    }
    about: set[int] = set()
    for state in states if forms else ():
        with connection.cursor() as cursor:
            cursor.execute(_NAMING, [state.value, [f"%{_pattern(form)}%" for form in sorted(forms)]])
            rows = cursor.fetchall()
        about |= {pk for pk, kind, body in rows if _is_about(kind, bytes(body), found.addresses, known_as)}
    return frozenset(about)


_NAMING = """
    SELECT d.id, c.kind, d.body FROM inbox_delivery d JOIN connections_cart c ON c.id = d.cart_id
     WHERE d.state = %s AND lower(encode(d.body, 'escape') COLLATE "C") LIKE ANY(%s)
"""


def _escaped(text: str) -> str:
    """A text as PostgreSQL's `encode(..., 'escape')` shows its bytes."""
    return "".join(chr(byte) if byte < 128 else f"\\{byte:03o}" for byte in text.replace("\\", r"\\").encode())


def _pattern(text: str) -> str:
    """A text that LIKE takes for itself."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _is_about(kind: str, body: bytes, addresses: Collection[str], known_as: Collection[str]) -> bool:
    """Whether a body names one of the addresses, or is the cart's delivery for a customer known under one of these."""
    if all_carts()[kind].peek(body).customer in known_as:
        return True
    values = [entry.value for entry in decode(body)] or [body.decode(errors="replace")]
    return any(names_one(addresses, value) for value in values)


def _names(customers: Collection[int], members: Collection[int]) -> frozenset[tuple[str, str]]:
    """Whole ones only: half a name is too many people's."""
    stored = [
        *Customer.objects.filter(pk__in=customers).values_list("first_name", "last_name"),
        *Member.objects.filter(pk__in=members).values_list("first_name", "last_name"),
    ]
    return frozenset(
        (first.strip().lower(), last.strip().lower()) for first, last in stored if first.strip() and last.strip()
    )


def _put_together(customers: Collection[int]) -> set[int]:
    """Customers of the cart that share an order with one of these: the cart has put two of them together."""
    told = Fact.objects.filter(customer__in=customers, order__isnull=False)
    now = told.values_list("order__customer", flat=True).distinct()
    before = Fact.objects.filter(order__customer__in=customers).values_list("customer", flat=True).distinct()
    return {pk for pk in (*now, *before) if pk is not None}
