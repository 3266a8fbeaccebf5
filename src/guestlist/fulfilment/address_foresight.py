"""What becomes of members' addresses when a customer has another one at the cart: as `access.addresses` does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from guestlist.access.models import Grant, Member, MemberState
from guestlist.connections.models import OnEmailChange
from guestlist.orders.models import Customer, Order


@dataclass(frozen=True, slots=True)
class AddressChange:
    """What becomes of one member's address.

    Attributes:
        to: the address that the customer would have.
        changes: the member would get it.
        words: what would happen, and why.
    """

    site: str
    email: str
    to: str
    changes: bool
    words: str

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"site": self.site, "email": self.email, "to": self.to, "changes": self.changes, "words": self.words}


def foresee_addresses(customers: Iterable[Customer], orders: Iterable[Order]) -> list[AddressChange]:
    """What becomes of the members of customers who have another address, or another's order, by now; nothing is stored.

    Args:
        orders: as they would become. What they give goes over to their customers.
    """
    holders = _Holders(orders)
    return [_foresee(member, customer, holders) for customer in customers for member in holders.members_of(customer)]


class _Holders:
    """Whose the grants would be."""

    def __init__(self, orders: Iterable[Order]) -> None:
        self._by_order = {order.pk: order.customer for order in orders if order.pk}

    def members_of(self, customer: Customer) -> list[Member]:
        """The customer's members with another address."""
        gained = [pk for pk, holder in self._by_order.items() if holder == customer]
        kept = Q(customer=customer.pk) & ~Q(order__in=self._by_order) if customer.pk else Q(pk__in=())
        grants = Grant.objects.filter(kept | Q(order__in=gained))
        found = Member.objects.filter(pk__in=grants.values("member")).exclude(email_key=customer.email_key)
        return list(found.select_related("site").order_by("site_id", "pk"))

    def others_at(self, member: Member, customer: Customer) -> set[str]:
        """The addresses, as keys, of the other customers who share the member."""
        shared = Grant.objects.filter(member=member, customer__isnull=False)
        kept = shared.exclude(order__in=self._by_order).exclude(customer=customer.pk)
        orders = shared.filter(order__in=self._by_order).values_list("order", flat=True)
        holders = [self._by_order[order] for order in orders if order]
        rehearsed = {holder.email_key for holder in holders if holder != customer}
        return {*kept.values_list("customer__email_key", flat=True), *rehearsed} - {""}


def _foresee(member: Member, customer: Customer, holders: _Holders) -> AddressChange:
    changes, words = _outcome(member, customer, holders)
    return AddressChange(member.site_id, member.email, customer.email, changes, words)


def _outcome(member: Member, customer: Customer, holders: _Holders) -> tuple[bool, str]:
    site, to = member.site_id, customer.email
    stays = f"the member at {site} would stay {member.email}"
    if holders.others_at(member, customer) - {customer.email_key}:
        return False, f"{stays}: several customers share it, and they have different addresses"
    taken = Member.objects.filter(site=site, email_key=customer.email_key).exclude(pk=member.pk).exists()
    if not member.remote_id:
        if member.state == MemberState.WORKING or member.look_first:
            return False, f"{stays} until it is known whether {site} has it; then it is seen to"
        if taken:
            return True, f"the access of {member.email}, who was never made at {site}, would go to {to} there"
        return True, f"{member.email}, who was never made at {site}, would be made there as {to}"
    if member.site.on_email_change == OnEmailChange.LEAVE:
        return False, f'{stays}: the site\'s on_email_change is "leave"'
    if not member.made_by_us:
        return False, f"{stays}: Guestlist did not make this member"
    if taken:
        return False, f"{stays}: {site} has another member with the address {to}"
    return (
        True,
        f'the member at {site} would be {to} instead of {member.email}: the site\'s on_email_change is "follow"',
    )
