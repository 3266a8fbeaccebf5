"""Writing down what should be true at the sites for an order. Runs in the caller's transaction, the order locked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Least, Now
from django.utils import timezone

from guestlist.access.denied import changes_of, stand
from guestlist.access.happened import stuck_line
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.schedule import STILL_AT_WORK
from guestlist.connections.kick import kick_lane
from guestlist.connections.models import Site
from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.plan import PlannedGrant, reference
from guestlist.domain.rules import Target, WelcomeEmail
from guestlist.journal.write import write
from guestlist.orders.models import Order

NOT_PLANNED = "no longer part of what was bought"


@dataclass(frozen=True, slots=True)
class GrantKey:
    """Names a grant within its order."""

    item: str
    charge_key: str
    site: str
    level: str


def desire(order: Order, planned: Sequence[PlannedGrant], missing: Collection[Target] = ()) -> None:
    """Make the order's grants say what is planned, unless staff denied it; whoever's grants changed becomes due.

    A grant that is no longer planned ends; rows are never deleted, because they hold what the site has confirmed.

    Args:
        missing: levels that their sites do not have, so that it will never be known how long they last.
    """
    members = _members(order, planned)
    # Members before grants, as the lanes lock them; from here on no lane confirms anything of theirs.
    locked = lock_members({*members.values(), *Member.objects.filter(grants__order=order)})
    staff_changes = changes_of(locked)
    existing = {key_of(grant): grant for grant in order.grants.select_related("member")}
    _follow_customer(order, existing.values())
    welcomes = _welcomes_asked(existing.values())
    changed: list[Grant] = []
    for wanted in planned:
        grant = existing.pop(planned_key(wanted), None) or _new_grant(order, members[wanted.target.site], wanted)
        before = _said(grant)
        grant.order = order
        _take_over(grant, wanted)
        _take_welcome(grant, wanted, welcomes)
        stand(grant, staff_changes[grant.member_id])
        if grant.live and wanted.target in missing:
            _miss_level(grant, wanted.target)
        if grant.pk is None or _said(grant) != before:
            changed.append(grant)
    for grant in existing.values():
        if grant.planned_live:
            grant.order = order
            grant.planned_live, grant.planned_reason = False, NOT_PLANNED
            stand(grant, staff_changes[grant.member_id])
            changed.append(grant)
    for grant in changed:
        grant.save()
    wake({grant.member for grant in changed if grant.state == GrantState.DUE})
    for grant in changed:
        if grant.state == GrantState.ATTENTION:
            _stop_idle_member(grant)


def _stop_idle_member(grant: Grant) -> None:
    """Nothing else is to be done for the member: the grant's trouble is theirs."""
    stopped = Member.objects.filter(pk=grant.member_id, state=MemberState.IDLE).update(
        state=MemberState.ATTENTION, reason=grant.problem, remedy=grant.remedy, help=HelpTopic.LEVEL_MISSING
    )
    if stopped:
        write([stuck_line(grant.member, grant)])


def key_of(grant: Grant) -> GrantKey:
    """The key of a stored grant; its member must be loaded."""
    return GrantKey(grant.item, grant.charge_key, grant.member.site_id, grant.level)


def planned_key(wanted: PlannedGrant) -> GrantKey:
    """The key of a planned grant."""
    return GrantKey(str(wanted.item), wanted.charge_key, wanted.target.site, wanted.target.level)


def try_again(order: Order) -> None:
    """Make the order's stuck members due: somebody asks for another try."""
    stuck = set(Member.objects.filter(grants__order=order, state=MemberState.ATTENTION))
    read_levels_again(stuck)
    wake(stuck)


def read_levels_again(members: Collection[Member]) -> None:
    """Have the levels of these members' sites read anew where a level was missing: the owner may have made it.

    To be called before the members are locked, because a lane locks its site before its members.
    """
    missing = Grant.objects.filter(member__in=members, state=GrantState.ATTENTION, blocked=True)
    sites = sorted(set(missing.values_list("member__site_id", flat=True)))
    for site_id in sites:
        Site.objects.filter(pk=site_id).update(levels_read_at=None)


def wake(members: set[Member]) -> None:
    """Make members due now and kick their lanes. One that is being worked on becomes due when that is over.

    One whose last attempt was unclear waits a little for what the site may still be at work on.
    """
    ids = lock_members(members)
    # Whatever was stuck is worth another try now; where a level was missing, once the levels were read again.
    stuck = Grant.objects.filter(member__in=ids, state=GrantState.ATTENTION)
    blocked = When(blocked=True, live=True, then=Value(GrantState.BLOCKED.value))
    stuck.update(state=Case(blocked, default=Value(GrantState.DUE.value)))
    at_work = When(state=MemberState.WORKING, then=Value(MemberState.WORKING.value))
    unclear = Q(look_first=True) | Exists(
        Grant.objects.filter(member=OuterRef("pk"), state=GrantState.DUE, look_first=True)
    )
    soon = When(unclear, state=MemberState.DUE, then=Least("due_at", Value(timezone.now() + STILL_AT_WORK)))
    Member.objects.filter(pk__in=ids).update(
        version=F("version") + 1,
        state=Case(at_work, default=Value(MemberState.DUE.value)),
        due_at=Case(soon, default=Now()),
        # A new reason to try begins a new series of tries.
        attempts=0,
        first_attempt_at=None,
    )
    for site_id in sorted({member.site_id for member in members}):
        kick_lane(site_id)


def lock_members(members: set[Member]) -> list[int]:
    """Lock members, always in one order; their ids."""
    wanted = [member.pk for member in members]
    ids = (
        Member.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    )
    return list(ids)


def _follow_customer(order: Order, grants: Collection[Grant]) -> None:
    """The order may be another customer's by now; its access stays at the member who has it."""
    others = [grant for grant in grants if grant.customer_id != order.customer_id]
    for grant in others:
        grant.customer = order.customer
    if others:
        Grant.objects.filter(pk__in=[grant.pk for grant in others]).update(customer=order.customer)


def _members(order: Order, planned: Sequence[PlannedGrant]) -> dict[str, Member]:
    """The member that the order's customer is at each planned site.

    Where the order, or else the customer, already has grants at a site, it is the member of the newest of them, also if
    the cart knows another e-mail address by now: history follows the customer, not the address.
    """
    customer = order.customer
    sites = sorted({wanted.target.site for wanted in planned})
    grants = Grant.objects.filter(Q(customer=customer) | Q(order=order), member__site__in=sites)
    known = sorted(grants.select_related("member"), key=lambda grant: (grant.order_id == order.pk, grant.pk))
    found = {grant.member.site_id: grant.member for grant in known}
    for site in sites:
        send_password = any(wanted.send_password for wanted in planned if wanted.target.site == site)
        if site not in found:
            found[site], _ = Member.objects.get_or_create(
                site_id=site,
                email_key=customer.email_key,
                defaults={
                    "email": customer.email,
                    "first_name": customer.first_name,
                    "last_name": customer.last_name,
                    "send_password": send_password,
                },
            )
        if send_password and not found[site].send_password:
            # Once the site has the member, this no longer matters.
            Member.objects.filter(pk=found[site].pk).update(send_password=True)
    return found


def _new_grant(order: Order, member: Member, wanted: PlannedGrant) -> Grant:
    return Grant(
        member=member,
        site_id=member.site_id,
        order=order,
        customer=order.customer,
        item=str(wanted.item),
        charge_key=wanted.charge_key,
        level=wanted.target.level,
        ref=reference(order.cart_id, order.mode, order.external_id, wanted.item, wanted.charge_key, wanted.target),
    )


def _said(grant: Grant) -> tuple[object, ...]:
    """What a change of is worth storing."""
    planned = (grant.planned_live, grant.planned_reason, grant.blocked)
    return grant.until_on, grant.live, grant.reason, grant.state, planned


def _take_over(grant: Grant, wanted: PlannedGrant) -> None:
    """Copy what is planned."""
    grant.until_on = wanted.until_on
    grant.planned_live = wanted.live
    grant.planned_reason = wanted.reason
    grant.blocked = bool(wanted.blocked)
    if grant.confirmed_at is None:
        # Once the site has the transaction, its money and date stay as they were made.
        grant.amount_minor = wanted.amount_minor
        grant.total_minor = wanted.total_minor
        grant.currency = wanted.currency
        grant.charged_at = wanted.charged_at


def _welcomes_asked(grants: Collection[Grant]) -> dict[tuple[str, str], Grant]:
    """The grants that the site was, or may have been, asked for a welcome mail with, by item and site."""
    return {
        (grant.item, grant.member.site_id): grant
        for grant in grants
        if grant.welcome != WelcomeEmail.NEVER
        and (grant.remote_id or grant.look_first or grant.member.state == MemberState.WORKING)
    }


def _take_welcome(grant: Grant, wanted: PlannedGrant, asked: dict[tuple[str, str], Grant]) -> None:
    """One purchase of an item is welcomed once at a site, also if its first charge or its rule is known only later."""
    if grant.remote_id:
        return  # made, with a mail or without one
    by = asked.get((grant.item, wanted.target.site))
    if by is None:
        grant.welcome = wanted.welcome.value
    elif by is not grant:
        grant.welcome = WelcomeEmail.NEVER.value


def _miss_level(grant: Grant, target: Target) -> None:
    grant.state = GrantState.ATTENTION
    grant.problem = (
        f"The site {target.site} has no published level {target.level}, or its price and expiry cannot be read."
    )
    grant.remedy = (
        "Publish the level at the site (if it is there, save it there again), or choose another one in the rule; then "
        "replay the delivery."
    )
