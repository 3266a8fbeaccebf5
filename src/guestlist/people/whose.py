"""Which rows are about one person: customers, members, orders, deliveries, from any address of theirs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import quote

from django.db import connection
from django.db.models import Q

from guestlist.access.finding import members_by_address
from guestlist.access.models import Grant, Member
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Customer, Fact, Order

# Deliveries in these states may belong to nobody's order, so that only their bodies tell whom they are about.
_WITHOUT_FACTS = (DeliveryState.WAITING, DeliveryState.IGNORED, DeliveryState.UNREADABLE, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True)
class Whose:
    """One person's rows by their ids, and all their addresses in lower case.

    An account at a site is one person's: whoever's orders lead to the same member is the same person.
    """

    addresses: frozenset[str]
    customers: frozenset[int]
    members: frozenset[int]
    orders: frozenset[int]
    deliveries: frozenset[int]

    @property
    def nobody(self) -> bool:
        """Nothing is known of such a person."""
        return not (self.customers or self.members or self.deliveries)


def whose(email: str) -> Whose:
    """All that belongs to the person with this address, in upper or lower case."""
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
        addresses |= set(Customer.objects.filter(pk__in=customers).values_list("email_key", flat=True))
        known = Member.objects.filter(pk__in=members).values_list("email_key", "former_email_key")
        addresses |= {address for both in known for address in both}
        addresses.discard("")
        if (len(addresses), len(customers), len(members)) == before:
            break
    orders = set(Order.objects.filter(customer__in=customers).values_list("pk", flat=True))
    told = Fact.objects.filter(Q(customer__in=customers)) | Fact.objects.filter(order__in=orders)
    deliveries = set(told.values_list("delivery_id", flat=True))
    return Whose(
        addresses=frozenset(addresses),
        customers=frozenset(customers),
        members=frozenset(members),
        orders=frozenset(orders),
        deliveries=frozenset(
            {*Delivery.objects.filter(pk__in=deliveries).values_list("pk", flat=True), *_naming(addresses)}
        ),
    )


def _naming(addresses: Collection[str]) -> list[int]:
    """Deliveries that told nothing of any order, and have one of the addresses in their body.

    The body is looked through as it came: in a form an address is encoded, in JSON it is not.
    """
    forms = sorted({form for address in addresses for form in (address, quote(address, safe="").lower())})
    if not forms:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM inbox_delivery
             WHERE state = ANY(%(states)s)
               AND EXISTS (SELECT 1 FROM unnest(%(forms)s::text[]) form
                            WHERE position(form IN lower(encode(body, 'escape'))) > 0
                               OR position(convert_to(form, 'UTF8') IN body) > 0)
            """,
            {"states": [state.value for state in _WITHOUT_FACTS], "forms": forms},
        )
        return [pk for (pk,) in cursor.fetchall()]
