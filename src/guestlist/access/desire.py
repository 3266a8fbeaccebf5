"""Writing down what should be true at the sites for an order. Runs in the caller's transaction, the order locked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.connections.kick import kick_lane
from guestlist.domain.plan import PlannedGrant, reference
from guestlist.domain.rules import Target
from guestlist.orders.models import Customer, Order

NOT_PLANNED = "no longer part of what was bought"


@dataclass(frozen=True, slots=True)
class GrantKey:
    """Names a grant within its order."""

    item: str
    charge_key: str
    site: str
    level: str


def desire(order: Order, planned: Sequence[PlannedGrant], missing: Collection[Target] = ()) -> None:
    """Make the order's grants say what is planned; whoever's grants changed becomes due.

    A grant that is no longer planned ends; rows are never deleted, because they hold what the site has confirmed.

    Args:
        missing: levels that their sites do not have, so that it will never be known how long they last.
    """
    members = _members(order.customer, planned)
    # Members before grants, as the lanes lock them; from here on no lane confirms anything of theirs.
    _lock({*members.values(), *Member.objects.filter(grants__order=order)})
    existing = {key_of(grant): grant for grant in order.grants.select_related("member")}
    changed: list[Grant] = []
    for wanted in planned:
        key = planned_key(wanted)
        grant = existing.pop(key, None)
        if grant is None:
            changed.append(_new_grant(order, members[wanted.target.site], wanted, missing))
        elif _bring_up_to_date(grant, wanted, missing):
            changed.append(grant)
    for grant in existing.values():
        if grant.live:
            grant.live, grant.reason = False, NOT_PLANNED
            _settle(grant)
            changed.append(grant)
    for grant in changed:
        grant.save()
    wake({grant.member for grant in changed if grant.state == GrantState.DUE})
    for grant in changed:
        if grant.state == GrantState.ATTENTION:
            Member.objects.filter(pk=grant.member_id, state=MemberState.IDLE).update(
                state=MemberState.ATTENTION, reason=grant.problem, remedy=grant.remedy
            )


def key_of(grant: Grant) -> GrantKey:
    """The key of a stored grant; its member must be loaded."""
    return GrantKey(grant.item, grant.charge_key, grant.member.site_id, grant.level)


def planned_key(wanted: PlannedGrant) -> GrantKey:
    """The key of a planned grant."""
    return GrantKey(str(wanted.item), wanted.charge_key, wanted.target.site, wanted.target.level)


def try_again(order: Order) -> None:
    """Make the order's stuck members due: somebody asks for another try."""
    wake(set(Member.objects.filter(grants__order=order, state=MemberState.ATTENTION)))


def wake(members: set[Member]) -> None:
    """Make members due now and kick their lanes. One that is being worked on becomes due when that is over."""
    ids = _lock(members)
    # Whatever was stuck is worth another try now.
    Grant.objects.filter(member__in=ids, state=GrantState.ATTENTION).update(state=GrantState.DUE)
    at_work = When(state=MemberState.WORKING, then=Value(MemberState.WORKING.value))
    Member.objects.filter(pk__in=ids).update(
        version=F("version") + 1,
        state=Case(at_work, default=Value(MemberState.DUE.value)),
        due_at=Now(),
        # A new reason to try begins a new series of tries.
        attempts=0,
        first_attempt_at=None,
    )
    for site_id in sorted({member.site_id for member in members}):
        kick_lane(site_id)


def _lock(members: set[Member]) -> list[int]:
    wanted = [member.pk for member in members]
    ids = (
        Member.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True)
    )
    return list(ids)


def _members(customer: Customer, planned: Sequence[PlannedGrant]) -> dict[str, Member]:
    """The member that a customer is at each planned site.

    Where the customer already has grants at a site, it is the member of the newest of them, also if the cart knows
    another e-mail address by now: history follows the customer, not the address.
    """
    sites = sorted({wanted.target.site for wanted in planned})
    found = {
        grant.member.site_id: grant.member
        for grant in Grant.objects.filter(customer=customer, member__site__in=sites)
        .select_related("member")
        .order_by("id")
    }
    send_password = all(wanted.send_password for wanted in planned)
    for site in sites:
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
    return found


def _new_grant(order: Order, member: Member, wanted: PlannedGrant, missing: Collection[Target]) -> Grant:
    grant = Grant(
        member=member,
        order=order,
        customer=order.customer,
        item=str(wanted.item),
        charge_key=wanted.charge_key,
        level=wanted.target.level,
        ref=reference(order.cart_id, order.mode, order.external_id, wanted.item, wanted.charge_key, wanted.target),
    )
    _bring_up_to_date(grant, wanted, missing)
    return grant


def _bring_up_to_date(grant: Grant, wanted: PlannedGrant, missing: Collection[Target]) -> bool:
    """Copy what is planned; tells whether the grant changed."""
    before = (grant.until_on, grant.live, grant.state, grant.reason)
    grant.until_on = wanted.until_on
    grant.live = wanted.live
    grant.reason = wanted.reason
    if grant.confirmed_at is None:
        # Once the site has the transaction, its money and date stay as they were made.
        grant.amount_minor = wanted.amount_minor
        grant.total_minor = wanted.total_minor
        grant.currency = wanted.currency
        grant.charged_at = wanted.charged_at
        grant.welcome = wanted.welcome.value
    if wanted.target in missing:
        grant.state = GrantState.ATTENTION
        grant.problem = f"The site {wanted.target.site} has no level {wanted.target.level}."
        grant.remedy = "Choose another level in the rule, or make the level at the site; then replay the delivery."
    else:
        _settle(grant, blocked=bool(wanted.blocked))
    return grant.pk is None or before != (grant.until_on, grant.live, grant.state, grant.reason)


def _settle(grant: Grant, *, blocked: bool = False) -> None:
    """Set the state that follows from desired and confirmed."""
    if blocked:
        grant.state = GrantState.BLOCKED
    elif grant.live:
        right = grant.confirmed_live is True and grant.confirmed_until_on == grant.until_on
        grant.state = GrantState.RIGHT if right else GrantState.DUE
    else:
        grant.state = GrantState.RIGHT if grant.confirmed_live is False else GrantState.DUE
