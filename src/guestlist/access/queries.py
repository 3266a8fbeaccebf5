"""Members and grants as they are shown: counts per site, what an order gave, and all about one person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

from django.db.models import Case, Count, F, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber

from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.connections.models import Site, SiteState
from guestlist.connections.queries import level_titles
from guestlist.orders.models import Customer
from guestlist.orders.queries import FactView, OrderView, facts_of_order, list_orders, orders_by_id

REQUESTS_SHOWN = 20
ORDERS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCounts:
    """Members of a site (or of all sites) who are not as desired.

    Attributes:
        waiting: due, not tried yet.
        retrying: due again after an attempt that did not settle it.
        working: being worked on now.
        attention: only a person can help; those due at a site that needs attention, or is disconnected, are among them.
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
class GrantView:
    """One charge's access to one level: what is desired and why, and what the site last confirmed.

    `until_on` None = for ever. Money in minor units of `currency`, on the charge's first level only. `order` None = given
    by hand.
    """

    id: int
    site: str
    level: str
    level_title: str
    email: str
    order: int | None
    order_number: str
    cart: str
    item: str
    charge: str
    amount_minor: int
    total_minor: int
    currency: str
    charged_at: datetime
    live: bool
    until_on: date | None
    reason: str
    state: GrantState
    problem: str
    remedy: str
    ref: str
    remote_id: str
    confirmed_at: datetime | None
    confirmed_live: bool | None
    confirmed_until_on: date | None


class AccessState(StrEnum):
    """What a person has of a level, all grants together."""

    FOREVER = "forever"
    UNTIL = "until"  # a last day in the future, or today
    OVER = "over"  # the last day has passed
    ENDED = "ended"  # taken away
    UNKNOWN = "unknown"  # how long cannot be said yet: the site's levels were never read


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAccess:
    """What a person should have of one level; `confirmed`: the site said that it is so."""

    level: str
    title: str
    state: AccessState
    until_on: date | None
    confirmed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestView:
    """A request to a site; secrets are redacted. `status` None = no answer."""

    at: datetime
    method: str
    path: str
    status: int | None
    milliseconds: int
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberView:
    """A person at one site, with the latest requests made for them, newest first."""

    site: str
    email: str
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
    site_state: SiteState
    site_reason: str
    site_remedy: str
    access: list[LevelAccess]
    grants: list[GrantView]
    requests: list[RequestView]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonView:
    """All about one e-mail address: what they have at each site and why, and their latest orders."""

    email: str
    members: list[MemberView]
    orders: list[OrderView]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDetail:
    """An order with what happened to it, in time order, and what it gives."""

    order: OrderView
    facts: list[FactView]
    grants: list[GrantView]


def member_counts() -> dict[str, MemberCounts]:
    """Members not as desired, by site."""
    stuck = Q(state=MemberState.ATTENTION) | (
        Q(state=MemberState.DUE) & (Q(site__state=SiteState.ATTENTION) | Q(site__active=False))
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
        Grant.objects.filter(state=GrantState.BLOCKED, member__site__active=True)
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
    grants = _grant_views(_with_order(Grant.objects.filter(order_id=order_id)))
    return OrderDetail(order=found[0], facts=facts_of_order(order_id), grants=grants)


def person(email: str) -> PersonView | None:
    """All about an e-mail address, in upper or lower case; None = never heard of.

    Who changed their address at the cart keeps the old one at the sites, so members are found by the customer, too.
    """
    key = email.strip().lower()
    found = set(Member.objects.filter(email_key=key).values_list("pk", flat=True))
    found |= set(Grant.objects.filter(customer__email_key=key).values_list("member_id", flat=True))
    orders = list_orders(email=key, limit=ORDERS_SHOWN).orders
    if not found and not orders and not Customer.objects.filter(email_key=key).exists():
        return None
    members = list(Member.objects.filter(pk__in=found).select_related("site").order_by("site_id", "id"))
    grants: defaultdict[int, list[GrantView]] = defaultdict(list)
    rows = _with_order(Grant.objects.filter(member__in=found))
    for row, view in zip(rows, _grant_views(rows), strict=True):
        grants[row.member_id].append(view)
    requests = _latest_requests(found)
    return PersonView(
        email=key,
        members=[_member_view(member, grants[member.pk], requests[member.pk]) for member in members],
        orders=orders,
    )


def access_by_level(grants: Iterable[GrantView], today: date) -> list[LevelAccess]:
    """What the grants at one site give together, level by level."""
    by_level: dict[str, list[GrantView]] = {}
    for grant in grants:
        by_level.setdefault(grant.level, []).append(grant)
    return [_level_access(together, today) for together in by_level.values()]


def _level_access(grants: Sequence[GrantView], today: date) -> LevelAccess:
    """Access lasts while any of the live grants does."""
    live = [grant for grant in grants if grant.live]
    known = [grant for grant in live if grant.state is not GrantState.BLOCKED]
    dates = [grant.until_on for grant in known if grant.until_on is not None]
    state, until_on = AccessState.ENDED, None
    if len(dates) < len(known):
        state = AccessState.FOREVER
    elif dates:
        until_on = max(dates)
        state = AccessState.UNTIL if until_on >= today else AccessState.OVER
    elif live:
        state = AccessState.UNKNOWN
    return LevelAccess(
        level=grants[0].level,
        title=grants[0].level_title,
        state=state,
        until_on=until_on,
        confirmed=all(grant.state is GrantState.RIGHT for grant in grants),
    )


def _with_order(grants: QuerySet[Grant]) -> list[Grant]:
    return list(grants.select_related("member", "order").order_by("charged_at", "id"))


def _grant_views(grants: Sequence[Grant]) -> list[GrantView]:
    sites = Site.objects.filter(pk__in={grant.member.site_id for grant in grants}).only("levels")
    titles = {site.pk: level_titles(site.levels) for site in sites}
    return [_grant_view(grant, titles[grant.member.site_id]) for grant in grants]


def _grant_view(grant: Grant, titles: dict[str, str]) -> GrantView:
    return GrantView(
        id=grant.pk,
        site=grant.member.site_id,
        level=grant.level,
        level_title=titles.get(grant.level, ""),
        email=grant.member.email,
        order=grant.order_id,
        order_number=grant.order.external_id if grant.order else "",
        cart=grant.order.cart_id if grant.order else "",
        item=grant.item,
        charge=grant.charge_key,
        amount_minor=grant.amount_minor,
        total_minor=grant.total_minor,
        currency=grant.currency,
        charged_at=grant.charged_at,
        live=grant.live,
        until_on=grant.until_on,
        reason=grant.reason,
        state=GrantState(grant.state),
        problem=grant.problem,
        remedy=grant.remedy,
        ref=grant.ref,
        remote_id=grant.remote_id,
        confirmed_at=grant.confirmed_at,
        confirmed_live=grant.confirmed_live,
        confirmed_until_on=grant.confirmed_until_on,
    )


def _member_view(member: Member, grants: list[GrantView], requests: list[RequestView]) -> MemberView:
    return MemberView(
        site=member.site_id,
        email=member.email,
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
        site_state=SiteState(member.site.state),
        site_reason=member.site.reason,
        site_remedy=member.site.remedy,
        access=access_by_level(grants, datetime.now(UTC).date()),
        grants=grants,
        requests=requests,
    )


def _latest_requests(members: Collection[int]) -> defaultdict[int | None, list[RequestView]]:
    position = Window(RowNumber(), partition_by=F("member_id"), order_by=F("id").desc())
    rows = (
        SiteRequest.objects.filter(member__in=members)
        .annotate(position=position)
        .filter(position__lte=REQUESTS_SHOWN)
        .order_by("-id")
    )
    latest: defaultdict[int | None, list[RequestView]] = defaultdict(list)
    for row in rows:
        latest[row.member_id].append(
            RequestView(
                at=row.at,
                method=row.method,
                path=row.path,
                status=row.status,
                milliseconds=row.milliseconds,
                excerpt=row.excerpt,
            )
        )
    return latest
