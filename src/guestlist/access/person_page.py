"""All about one person as a page shows it: quick also where somebody bought hundreds of times."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from guestlist.access.at_site import AtSite, as_last_read
from guestlist.access.evidence import RequestView, requests_by_member
from guestlist.access.finding import members_by_address
from guestlist.access.grant_views import (
    GrantRow,
    GrantView,
    StaffChangeView,
    access_by_level,
    grant_rows,
    grant_views,
    staff_change_views,
)
from guestlist.access.models import Grant, Member, StaffChange
from guestlist.access.queries import why_orders_give_nothing
from guestlist.access.verified import LevelStanding, level_standings
from guestlist.connections.queries import level_titles
from guestlist.orders.models import Customer
from guestlist.orders.queries import OrderView, list_orders

ORDERS_SHOWN = 20
GRANTS_SHOWN = 3
REQUESTS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelShown:
    """A level of a person at a site.

    Attributes:
        denied: the hold or revocation in force that names just this level.
        grants: the latest, newest first.
        more: so many older ones.
    """

    standing: LevelStanding
    denied: StaffChangeView | None
    grants: list[GrantView]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteShown:
    """A person at one site; the member's site is loaded.

    Attributes:
        denied: the hold or revocation in force that is of all levels.
        at_site: what the site's owner made there by hand, as last read; None = nothing, or never read.
        requests: the latest that were made for them, newest first.
    """

    member: Member
    levels: list[LevelShown]
    denied: StaffChangeView | None
    staff_changes: list[StaffChangeView]
    at_site: AtSite | None
    requests: list[RequestView]


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPage:
    """What is known of an e-mail address.

    Attributes:
        name: as a site or cart knows it; "" = no name.
        notes: why some of the orders give nothing, in words.
        orders: the latest, newest first.
        more_orders: there are older ones.
    """

    email: str
    name: str
    notes: list[str]
    sites: list[SiteShown]
    orders: list[OrderView]
    more_orders: bool


def person_page(email: str, today: date) -> PersonPage | None:
    """All about an e-mail address, in upper or lower case; None = never heard of."""
    key = email.strip().lower()
    members = list(members_by_address(key).select_related("site").order_by("site_id", "id"))
    orders = list_orders(email=key, limit=ORDERS_SHOWN)
    if not members and not orders.orders and not Customer.objects.filter(email_key=key).exists():
        return None
    names = [(member.first_name, member.last_name) for member in members]
    names += [(order.first_name, order.last_name) for order in orders.orders]
    return PersonPage(
        email=key,
        name=next(filter(None, (" ".join(name).strip() for name in names)), ""),
        notes=why_orders_give_nothing(orders.orders),
        sites=_sites(members, today),
        orders=orders.orders,
        more_orders=orders.next_before is not None,
    )


def _sites(members: Sequence[Member], today: date) -> list[SiteShown]:
    found = [member.pk for member in members]
    rows = grant_rows(found)
    latest = _latest(members)
    changes: defaultdict[int, list[StaffChange]] = defaultdict(list)
    for change in StaffChange.objects.filter(member__in=found).order_by("id"):
        changes[change.member_id].append(change)
    requests = requests_by_member(found, REQUESTS_SHOWN)
    at_site = as_last_read(found, {member.pk: level_titles(member.site.levels) for member in members})
    sites = []
    for member in members:
        titles = level_titles(member.site.levels)
        staff = staff_change_views(changes[member.pk], titles)
        access = access_by_level(rows[member.pk], staff, titles, today)
        standings = level_standings(access, rows[member.pk], today)
        sites.append(
            SiteShown(
                member=member,
                levels=[_level(one, rows[member.pk], latest[member.pk, one.access.level], staff) for one in standings],
                denied=_in_force(staff, ""),
                staff_changes=staff,
                at_site=at_site.get(member.pk),
                requests=requests[member.pk],
            )
        )
    return sites


def _level(
    standing: LevelStanding, rows: Iterable[GrantRow], latest: list[GrantView], staff: Sequence[StaffChangeView]
) -> LevelShown:
    level = standing.access.level
    return LevelShown(
        standing=standing,
        denied=_in_force(staff, level),
        grants=latest,
        more=sum(row.level == level for row in rows) - len(latest),
    )


def _latest(members: Collection[Member]) -> defaultdict[tuple[int, str], list[GrantView]]:
    """The latest grants of each level, newest first, by member and level."""
    place = Window(RowNumber(), partition_by=("member", "level"), order_by=(F("charged_at").desc(), F("id").desc()))
    found = Grant.objects.filter(member__in=members).annotate(place=place).filter(place__lte=GRANTS_SHOWN)
    grants = list(found.prefetch_related("order", "staff_change").order_by("-charged_at", "-id"))
    by_id = {member.pk: member for member in members}
    for grant in grants:
        grant.member = by_id[grant.member_id]
    latest: defaultdict[tuple[int, str], list[GrantView]] = defaultdict(list)
    for grant, view in zip(grants, grant_views(grants, with_evidence=False), strict=True):
        latest[grant.member_id, grant.level].append(view)
    return latest


def _in_force(staff: Sequence[StaffChangeView], level: str) -> StaffChangeView | None:
    return next((change for change in reversed(staff) if change.in_force and change.level == level), None)
