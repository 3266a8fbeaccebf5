"""Members and grants as they are shown: counts per site, what an order gave, and all about one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.db.models import Case, Count, Q, QuerySet, Value, When

from guestlist.access.at_site import AtSite, as_last_read, ask_site
from guestlist.access.evidence import RequestView, requests_by_member
from guestlist.access.finding import members_by_address
from guestlist.access.grant_views import (
    GrantView,
    LevelAccess,
    StaffChangeView,
    access_by_level,
    grant_views,
    staff_change_views,
)
from guestlist.access.models import Grant, GrantState, Member, MemberState, StaffChange
from guestlist.connections.models import Cart, SiteState
from guestlist.connections.modes import is_fulfilled, why_held
from guestlist.connections.queries import level_titles
from guestlist.orders.models import Customer, Order
from guestlist.orders.queries import FactView, OrderView, facts_of_order, list_orders, orders_by_id

ORDERS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCounts:
    """Members of a site (or of all sites) who are not as desired.

    Attributes:
        waiting: due, not tried yet.
        retrying: due again after an attempt that did not settle it.
        working: being worked on now.
        attention: only a person can help; among them those due at a site that needs attention, is paused or
            disconnected.
    """

    waiting: int = 0
    retrying: int = 0
    working: int = 0
    attention: int = 0

    @property
    def open(self) -> int:
        """Those that settle by themselves."""
        return self.waiting + self.retrying + self.working

    def __add__(self, other: MemberCounts) -> MemberCounts:
        return MemberCounts(
            waiting=self.waiting + other.waiting,
            retrying=self.retrying + other.retrying,
            working=self.working + other.working,
            attention=self.attention + other.attention,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A person at one site.

    Attributes:
        former_email: the address before `email`, lower case; "" = none.
        due_at: when they are worked on next; while the site does not work, not before `site_asked_again_at`.
        at_site: what the site's owner made there by hand, as last read; None = nothing, or never read.
        requests: the latest that were made for them, newest first.
    """

    site: str
    email: str
    former_email: str
    first_name: str
    last_name: str
    remote_id: str
    made_by_us: bool
    state: MemberState
    due_at: datetime | None
    attempts: int
    reason: str
    remedy: str
    alert: str
    site_active: bool
    site_paused: bool
    site_state: SiteState
    site_reason: str
    site_remedy: str
    site_asked_again_at: datetime | None
    access: list[LevelAccess]
    grants: list[GrantView]
    staff_changes: list[StaffChangeView]
    at_site: AtSite | None
    requests: list[RequestView]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """All about one e-mail address: what they have at each site and why, and their latest orders.

    Attributes:
        notes: why some of the orders give nothing, in words.
    """

    email: str
    notes: list[str]
    members: list[MemberView]
    orders: list[OrderView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetail:
    """An order with what happened to it, in time order, and what it gives."""

    order: OrderView
    facts: list[FactView]
    grants: list[GrantView]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneByHand:
    """What staff did, and the person as it leaves them."""

    change: StaffChangeView
    person: PersonView


def member_counts() -> dict[str, MemberCounts]:
    """Members not as desired, by site."""
    stuck = Q(state=MemberState.ATTENTION) | (
        Q(state=MemberState.DUE) & (Q(site__state=SiteState.ATTENTION) | Q(site__active=False) | Q(site__paused=True))
    )
    standing = Case(
        When(stuck, then=Value("attention")),
        When(state=MemberState.WORKING, then=Value("working")),
        When(attempts__gt=0, then=Value("retrying")),
        default=Value("waiting"),
    )
    rows = (
        Member.objects.exclude(state=MemberState.IDLE)
        .annotate(standing=standing)
        .values_list("site_id", "standing")
        .annotate(Count("id"))
    )
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for site_id, name, count in rows:
        counts[site_id][name] = count
    return {site_id: MemberCounts(**named) for site_id, named in counts.items()}


def blocked_grants() -> dict[str, int]:
    """Grants that wait for their site's levels to be read, by site; none where only a person can get them read."""
    rows = (
        Grant.objects.filter(state=GrantState.BLOCKED, member__site__active=True, member__site__paused=False)
        .exclude(member__site__state=SiteState.ATTENTION)
        .values_list("member__site_id")
        .annotate(Count("id"))
    )
    return dict(rows)


def order_detail(order_id: int) -> OrderDetail | None:
    """An order with its facts and grants."""
    found = orders_by_id([order_id])
    if not found:
        return None
    grants = grant_views(_loaded(Grant.objects.filter(order_id=order_id)))
    return OrderDetail(order=found[0], facts=facts_of_order(order_id), grants=grants)


def person(email: str) -> PersonView | None:
    """All about an e-mail address, in upper or lower case; None = never heard of."""
    key = email.strip().lower()
    members = list(members_by_address(key).select_related("site").order_by("site_id", "id"))
    orders = list_orders(email=key, limit=ORDERS_SHOWN).orders
    if not members and not orders and not Customer.objects.filter(email_key=key).exists():
        return None
    found = [member.pk for member in members]
    grants: defaultdict[int, list[GrantView]] = defaultdict(list)
    rows = _loaded(Grant.objects.filter(member__in=found))
    for row, view in zip(rows, grant_views(rows), strict=True):
        grants[row.member_id].append(view)
    changes: defaultdict[int, list[StaffChange]] = defaultdict(list)
    for change in StaffChange.objects.filter(member__in=found).order_by("id"):
        changes[change.member_id].append(change)
    requests = requests_by_member(found)
    at_site = as_last_read(found, {member.pk: level_titles(member.site.levels) for member in members})
    return PersonView(
        email=key,
        notes=why_orders_give_nothing(orders),
        members=[
            _member_view(member, grants[member.pk], changes[member.pk], requests[member.pk], at_site.get(member.pk))
            for member in members
        ],
        orders=orders,
    )


def done_by_hand(row: StaffChange) -> DoneByHand:
    """A staff change that was just made, with the person as it leaves them."""
    found = person(row.member.email)
    if found is None:
        raise RuntimeError(f"the member of staff change {row.pk} vanished")
    (change,) = (change for member in found.members for change in member.staff_changes if change.id == row.pk)
    return DoneByHand(change=change, person=found)


def ask_sites(shown: PersonView) -> PersonView:
    """The person with what each site, asked now, shows of them that is not Guestlist's.

    Not to be called with a transaction open.
    """
    members = [
        replace(member, at_site=ask_site(member.site, member.remote_id)) if member.remote_id else member
        for member in shown.members
    ]
    return replace(shown, members=members)


def why_orders_give_nothing(orders: Sequence[OrderView]) -> list[str]:
    """A sentence for each of them that does."""
    modes = dict(Cart.objects.values_list("pk", "mode"))
    shown = Order.objects.filter(pk__in=[order.id for order in orders])
    unmapped: dict[int, list[dict[str, str]]] = {}
    undecided: set[int] = set()
    for pk, entries, decided in shown.annotate(Count("decisions")).values_list("pk", "unmapped", "decisions__count"):
        unmapped[pk] = entries
        if not entries and not decided:
            undecided.add(pk)
    notes = []
    for order in orders:
        named = f"Order {order.number} of {order.cart}"
        if not is_fulfilled(order.mode, modes[order.cart]):
            notes.append(f"{named} gives nothing: {why_held(order.mode, modes[order.cart])}.")
            continue
        if order.id in undecided and order.items:
            notes.append(
                f"{named} gives nothing yet: it came while the cart did not fulfil {order.mode} orders. Replay its "
                f"deliveries; `guestlist orders show id:{order.id}` names them."
            )
        names = {entry["item"]: entry["name"] for entry in unmapped[order.id]}
        notes += [f"{named}: {name} ({item}) gives nothing, because no rule names it." for item, name in names.items()]
    return notes


def _loaded(grants: QuerySet[Grant]) -> list[Grant]:
    return list(grants.select_related("member", "order", "staff_change").order_by("charged_at", "id"))


def _member_view(
    member: Member,
    grants: list[GrantView],
    changes: Sequence[StaffChange],
    requests: list[RequestView],
    at_site: AtSite | None,
) -> MemberView:
    titles = level_titles(member.site.levels)
    staff = staff_change_views(changes, titles)
    return MemberView(
        site=member.site_id,
        email=member.email,
        former_email=member.former_email_key,
        first_name=member.first_name,
        last_name=member.last_name,
        remote_id=member.remote_id,
        made_by_us=member.made_by_us,
        state=MemberState(member.state),
        due_at=member.due_at,
        attempts=member.attempts,
        reason=member.reason,
        remedy=member.remedy,
        alert=member.alert,
        site_active=member.site.active,
        site_paused=member.site.paused,
        site_state=SiteState(member.site.state),
        site_reason=member.site.reason,
        site_remedy=member.site.remedy,
        site_asked_again_at=member.site.probe_at,
        access=access_by_level(grants, staff, titles, datetime.now(UTC).date()),
        grants=grants,
        staff_changes=staff,
        at_site=at_site,
        requests=requests,
    )
