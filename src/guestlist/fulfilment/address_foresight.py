"""What becomes of members' addresses when a customer has another one at the cart: as `access.addresses` does it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guestlist.access.models import Member, MemberState
from guestlist.connections.models import OnEmailChange
from guestlist.orders.models import Customer


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


def foresee_addresses(customers: Iterable[Customer]) -> list[AddressChange]:
    """What becomes of the members of customers who have another address by now; nothing is stored."""
    return [_foresee(member, customer) for customer in customers if customer.pk for member in _members_of(customer)]


def _members_of(customer: Customer) -> list[Member]:
    found = Member.objects.filter(grants__customer=customer.pk).exclude(email_key=customer.email_key)
    return list(found.select_related("site").distinct().order_by("site_id", "pk"))


def _foresee(member: Member, customer: Customer) -> AddressChange:
    changes, words = _outcome(member, customer)
    return AddressChange(member.site_id, member.email, customer.email, changes, words)


def _outcome(member: Member, customer: Customer) -> tuple[bool, str]:
    site, to = member.site_id, customer.email
    stays = f"the member at {site} would stay {member.email}"
    others = Customer.objects.filter(grants__member=member).exclude(pk=customer.pk).exclude(email_key="")
    if others.exclude(email_key=customer.email_key).exists():
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
