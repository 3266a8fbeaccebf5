"""Erasing one person's data (docs/explanation/adr/0011): what was sold stays counted, to whom is forgotten.

Guestlist then answers for nothing of theirs any more. What they have at a site stays there as it is at that moment,
unless it is ended first (`ask_to_end`); then they are erased once the sites have confirmed it (`requests`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.access.denied import changes_of
from guestlist.access.desire import lock_members
from guestlist.access.models import (
    ErasedHolding,
    Grant,
    GrantState,
    Member,
    MemberState,
    SiteRequest,
    StaffChange,
)
from guestlist.access.reconcile.models import Drift, SeenHolding
from guestlist.access.staff import change
from guestlist.access.staff_refusals import NotKnown
from guestlist.connections.models import SiteState
from guestlist.domain.staff import Act, in_force
from guestlist.fulfilment.models import Decision
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.write import forget_members
from guestlist.orders.models import Customer, Fact, Order
from guestlist.people.mentions import forget_mentions
from guestlist.people.whose import Whose, only_naming, whose

log = structlog.get_logger(__name__)

# While the rows are being locked, more may come in; then it is looked again.
LOOKS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """How much was erased. `left_at_sites`: grants that still give access at their sites; Guestlist forgot them."""

    customers: int
    orders: int
    members: int
    deliveries: int
    left_at_sites: int
    addresses: frozenset[str]


def ask_to_end(email: str, who: str, why: str) -> int:
    """Revoke all that the person's members have, everywhere, so that the sites end it. Returns at how many sites.

    Raises:
        StaffRefused: a site is disconnected, so that nothing can be ended there.
    """
    ended = 0
    with transaction.atomic():
        members = _members_with_access(whose(email))
        lock_members(set(members))
        for member in members:
            change(member.site_id, member.email, Act.REVOKE, level="", until_on=None, who=who, why=why)
            ended += 1
    return ended


class NotYet(Exception):
    """Something is under way for the person. `waits_for`: what, in words, with what to do."""

    def __init__(self, waits_for: Sequence[str]) -> None:
        super().__init__("\n".join(waits_for))
        self.waits_for = waits_for


def erase(email: str, *, end_access: bool = False) -> Erased:
    """Erase all that tells who somebody is, in one transaction.

    Args:
        end_access: only once the sites have confirmed all that was wanted of them; else what they have stays there.

    Raises:
        NotKnown: nothing is known of such a person.
        NotYet: something is under way for them.
    """
    with transaction.atomic():
        found = whose(email)
        # Whatever takes long is done before the rows are locked.
        naming = frozenset() if under_way(found, end_access=end_access) else only_naming(found)
        found = _locked(email, naming)
        if waits_for := under_way(found, end_access=end_access):
            raise NotYet(waits_for)
        left = _leave_at_sites(found)
        forget_mentions(found)
        _erase_access(found)
        _erase_orders(found)
        deliveries = found.deliveries | naming
        Delivery.objects.filter(pk__in=deliveries).delete()
    log.info("person_erased", orders=len(found.orders), members=len(found.members), left_at_sites=left)
    return Erased(
        customers=len(found.customers),
        orders=len(found.orders),
        members=len(found.members),
        deliveries=len(deliveries),
        left_at_sites=left,
        addresses=found.addresses,
    )


def under_way(found: Whose, *, end_access: bool) -> list[str]:
    """What keeps a person from being erased at this moment, in words, with what to do; nothing = they can be."""
    members = Member.objects.filter(pk__in=found.members).select_related("site").order_by("site_id", "pk")
    waits = []
    for member in members:
        if member.state == MemberState.WORKING or (end_access and _is_owed(member)):
            waits.append(_waits_for(member))
    coming = Delivery.objects.filter(pk__in=found.deliveries, state=DeliveryState.WAITING).exists()
    if not waits and (coming or only_naming(found, [DeliveryState.WAITING])):
        waits.append("A delivery about this person has come and is not read yet; the worker reads it.")
    return waits


def _is_owed(member: Member) -> bool:
    """Whether the site has to confirm anything: the end of what it may have, or what was bought meanwhile."""
    may_be_there = ~Q(remote_id="") | Q(look_first=True)
    lasts = Q(until_on=None) | Q(until_on__gte=datetime.now(UTC).date())
    unsettled = member.grants.exclude(state=GrantState.RIGHT)
    return unsettled.filter(may_be_there | (lasts & Q(live=True))).exists() or (
        member.look_first and unsettled.exists()
    )


def _waits_for(member: Member) -> str:
    site = member.site
    if not site.active:
        return f"{site.pk} is disconnected and cannot confirm anything. Connect it again, or leave the access there."
    if site.paused:
        return f"{site.pk} is paused. Resume it, or leave the access there."
    if site.state in (SiteState.DOWN, SiteState.ATTENTION):
        return f"{site.pk} has not confirmed the end of the access: {site.reason} {site.remedy}".rstrip()
    if member.state == MemberState.ATTENTION:
        return f"{site.pk} has not ended the access: {member.reason} {member.remedy}".rstrip()
    return f"{site.pk} has not confirmed everything yet; Guestlist is at it."


def _locked(email: str, naming: Collection[int]) -> Whose:
    """The person's rows, locked in the order in which everybody locks: deliveries, orders, customers, members."""
    found = whose(email)
    for _ in range(LOOKS):
        if found.nobody and not naming:
            raise NotKnown("email", "Nobody with this address is known.", "Look for a slip of the keys.")
        for rows in (
            Delivery.objects.filter(pk__in=found.deliveries | set(naming)).only("pk"),
            Order.objects.filter(pk__in=found.orders),
            Customer.objects.filter(pk__in=found.customers),
            Member.objects.filter(pk__in=found.members),
        ):
            list(rows.order_by("pk").select_for_update().values_list("pk"))
        again = whose(email)
        if again == found:
            return found
        found = again
    raise NotYet(["This person's orders are just coming in."])


def _members_with_access(found: Whose) -> list[Member]:
    """Those of the person's members whom a revocation would take something from."""
    members = Member.objects.filter(pk__in=found.members).order_by("site_id", "pk")
    changes = changes_of(found.members)
    return [
        member
        for member in members
        if member.grants.filter(live=True).exists()
        and not any(done.act is Act.REVOKE and not done.level for done in in_force(changes[member.pk]))
    ]


def _leave_at_sites(found: Whose) -> int:
    """Keep the numbers of what still gives access, so that no comparison ends it. Returns how many."""
    lasting = Q(confirmed_until_on=None) | Q(confirmed_until_on__gte=datetime.now(UTC).date())
    live = Grant.objects.filter(lasting, member__in=found.members, confirmed_live=True).exclude(remote_id="")
    kept = list(live.values_list("member__site", "remote_id"))
    rows = [ErasedHolding(site_id=site, remote_id=number) for site, number in kept]
    ErasedHolding.objects.bulk_create(rows, ignore_conflicts=True)
    return len(kept)


def _erase_access(found: Whose) -> None:
    members = found.members
    forget_members(members)
    SiteRequest.objects.filter(member__in=members).delete()
    Grant.objects.filter(member__in=members).delete()
    Grant.objects.filter(order__in=found.orders).delete()
    StaffChange.objects.filter(member__in=members).delete()
    _forget_differences(members, found.addresses)
    Member.objects.filter(pk__in=members).delete()


def _forget_differences(members: Collection[int], addresses: Collection[str]) -> None:
    nobody = {"email": "", "member_id": None, "grant_id": None, "words": "It was about somebody whose data was erased."}
    Drift.objects.filter(member_id__in=members).update(**nobody)
    for address in addresses:
        Drift.objects.filter(email__iexact=address).update(**nobody)
        SeenHolding.objects.filter(email__iexact=address).delete()


def _erase_orders(found: Whose) -> None:
    """Orders stay as what was sold when and for how much; their numbers at the cart go, too.

    So whatever the cart tells of them later is news of an order that is not known.
    """
    Decision.objects.filter(order__in=found.orders).delete()
    Fact.objects.filter(order__in=found.orders).delete()
    Fact.objects.filter(customer__in=found.customers).delete()
    for order in Order.objects.filter(pk__in=found.orders):
        order.external_id, order.invoice_id = f"erased-{order.pk}", ""
        order.unmapped, order.held, order.failing, order.paused = [], False, False, False
        order.save()
    now = timezone.now()
    for customer in Customer.objects.filter(pk__in=found.customers):
        customer.external_id, customer.erased_at = f"erased-{customer.pk}", now
        customer.email = customer.email_key = customer.first_name = customer.last_name = ""
        customer.save()
