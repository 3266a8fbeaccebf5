"""Members found by an address that somebody names."""

from __future__ import annotations

from django.db.models import QuerySet

from guestlist.access.models import Grant, Member
from guestlist.connections.models import Site


def members_by_address(email: str) -> QuerySet[Member]:
    """Members who have this address, had it before, or have it at a cart; upper and lower case are the same.

    Who changed their address at the cart may keep the old one at the sites, so members are found by the customer, too.
    """
    key = email.strip().lower()
    if not key:
        return Member.objects.none()
    # Three looks, each by its index; one with OR would read all members.
    found = {
        *Member.objects.filter(email_key=key).values_list("pk", flat=True),
        *Member.objects.filter(former_email_key=key).values_list("pk", flat=True),
        *Grant.objects.filter(customer__email_key=key).values_list("member_id", flat=True),
    }
    return Member.objects.filter(pk__in=found)


def member_at(site: Site, email: str) -> Member | None:
    """The one who is meant by an address at a site: who has it, else who has it at a cart, else who had it before."""
    key = email.strip().lower()
    found = list(members_by_address(key).filter(site=site).order_by("-pk"))
    # As planning does: history follows the customer, so a customer is the member of their newest grant.
    newest = Grant.objects.filter(customer__email_key=key, member__site=site).order_by("-pk").values_list("member_id")
    bought = next((pk for (pk,) in newest[:1]), None)
    return min(found, key=lambda member: (member.email_key != key, member.pk != bought), default=None)
