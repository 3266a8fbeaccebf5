"""Members as lists show them: found by address, name, site, level and state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import assert_never

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from guestlist.access.denied import changes_of
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.verified import lasting, latest
from guestlist.connections.models import Site, SiteState
from guestlist.connections.queries import level_titles
from guestlist.domain.staff import Act, Change, in_force
from guestlist.orders.models import Customer
from guestlist.orders.search import begins_like

CUSTOMERS_SHOWN = 20
# Where more begin like that, whoever searches types more of the address or name.
CUSTOMERS_LOOKED_AT = 500
# So few who have a level are listed first; where there are more, a walk through the members soon meets some.
FEW = 3000


class MemberStanding(StrEnum):
    """Whether a member is as desired."""

    RIGHT = "right"
    WAITING = "waiting"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersAsked:
    """Which members are looked for; "" or None = any.

    Attributes:
        text: an address or its beginning, or the beginning of a name.
        level: who has it now; of the named site.
    """

    text: str = ""
    site: str = ""
    level: str = ""
    standing: MemberStanding | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelHeld:
    """A level that somebody has or should have.

    Attributes:
        until_on: None = for ever. As the site confirmed it; as wanted where it confirmed nothing.
        wanted_until_on: None = for ever, or the level is being ended.
        confirmed: the site said that they have it.
        ending: they should not have it any more.
    """

    level: str
    title: str
    until_on: date | None
    wanted_until_on: date | None
    confirmed: bool
    ending: bool

    @property
    def changes(self) -> bool:
        """It is to last until another day than the site confirmed."""
        return not self.ending and self.until_on != self.wanted_until_on


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A person at a site, in a list.

    Attributes:
        on_hold: staff hold all levels of the site.
        levels: what they have or should have now.
    """

    id: int
    site: str
    email: str
    name: str
    standing: MemberStanding
    on_hold: bool
    reason: str
    levels: list[LevelHeld]
    created_at: datetime


def find_members(asked: MembersAsked) -> QuerySet[Member]:
    """The members, not sorted. Where a level is asked for, one query is made at once."""
    found = Member.objects.select_related("site")
    if asked.text:
        found = found.filter(begins_like(" ".join(asked.text.lower().split())))
    if asked.site:
        found = found.filter(site=asked.site)
    if asked.level:
        found = found.filter(_has(asked.site, asked.level))
    if asked.standing is not None:
        found = found.filter(_standing(asked.standing))
    return found


def customers_without_access(text: str) -> list[Customer]:
    """Some buyers with such an address or name who are members of no site: nothing that they bought gave access."""
    key = " ".join(text.lower().split())
    columns = ("email_key",) if "@" in key else ("email_key", "name_key", "surname_key")
    begins = [Customer.objects.filter((f"{column}__startswith", key)) for column in columns]
    some = {pk for found in begins for pk in found.values_list("pk", flat=True)[:CUSTOMERS_LOOKED_AT]}
    members = Member.objects.filter(email_key=OuterRef("email_key"))
    grants = Grant.objects.filter(customer=OuterRef("pk"))
    found = Customer.objects.filter(~Exists(members), ~Exists(grants), pk__in=some).exclude(email_key="")
    return list(found.order_by("email_key", "id")[:CUSTOMERS_SHOWN])


def member_rows(members: Sequence[Member]) -> list[MemberRow]:
    """What `find_members` found as it is shown, with two more queries for all of them."""
    titles = {site.pk: level_titles(site.levels) for site in {member.site for member in members}}
    held: defaultdict[int, dict[str, _Held]] = defaultdict(dict)
    today = datetime.now(UTC).date()
    wanted = Q(Q(until_on=None) | Q(until_on__gte=today), live=True) & ~Q(state=GrantState.BLOCKED)
    confirmed = Q(Q(confirmed_until_on=None) | Q(confirmed_until_on__gte=today), confirmed_live=True)
    rows = Grant.objects.filter(wanted | confirmed, member__in=members)
    columns = ("member_id", "level", "live", "until_on", "state", "confirmed_live", "confirmed_until_on")
    for member_id, level, live, until_on, state, *told in rows.values_list(*columns):
        one = held[member_id].setdefault(level, _Held([], []))
        one.wanted.extend(lasting([(live and state != GrantState.BLOCKED, until_on)], today))
        one.confirmed.extend(lasting([(told[0], told[1])], today))
    changes = changes_of([member.pk for member in members])
    return [_row(member, held[member.pk], titles[member.site_id], changes[member.pk]) for member in members]


@dataclass(frozen=True, slots=True)
class _Held:
    """The last days of what gives access to a level today, as wanted and as confirmed."""

    wanted: list[date | None]
    confirmed: list[date | None]

    def as_level(self, level: str, title: str) -> LevelHeld:
        return LevelHeld(
            level=level,
            title=title,
            until_on=latest(self.confirmed or self.wanted),
            wanted_until_on=latest(self.wanted),
            confirmed=bool(self.confirmed),
            ending=not self.wanted,
        )


def _lasting() -> QuerySet[Grant]:
    """Grants that give access today."""
    today = datetime.now(UTC).date()
    return Grant.objects.filter(Q(until_on=None) | Q(until_on__gte=today), live=True)


def _has(site: str, level: str) -> Q:
    having = Grant.objects.filter(live=True, site=site, level=level)
    few: list[int] = []
    # One after the other, because together they would be read from the table instead of the index.
    for ends in (Q(until_on=None), Q(until_on__gte=datetime.now(UTC).date())):
        few.extend(having.filter(ends).values_list("member_id", flat=True)[: FEW + 1])
    if len(few) <= FEW:
        return Q(pk__in=few)
    # EXISTS would be joined with all who have the level; this is looked up for each member that the walk comes to.
    one = Subquery(_lasting().filter(member=OuterRef("pk"), site=site, level=level).values("member_id")[:1])
    return Q(IsNull(one, False))


def _standing(standing: MemberStanding) -> Q:
    troubled = Q(site__state=SiteState.ATTENTION) | Q(site__active=False) | Q(site__paused=True)
    at_work = Q(state__in=(MemberState.DUE, MemberState.WORKING))
    match standing:
        case MemberStanding.RIGHT:
            return Q(state=MemberState.IDLE)
        case MemberStanding.WAITING:
            return at_work & ~troubled
        case MemberStanding.ATTENTION:
            return Q(state=MemberState.ATTENTION) | (at_work & troubled)
        case _:
            assert_never(standing)


def _is_troubled(site: Site) -> bool:
    return site.state == SiteState.ATTENTION or site.paused or not site.active


def _row(member: Member, held: Mapping[str, _Held], titles: Mapping[str, str], changes: Sequence[Change]) -> MemberRow:
    standing = MemberStanding.WAITING
    if member.state == MemberState.IDLE:
        standing = MemberStanding.RIGHT
    elif member.state == MemberState.ATTENTION or _is_troubled(member.site):
        standing = MemberStanding.ATTENTION
    return MemberRow(
        id=member.pk,
        site=member.site_id,
        email=member.email,
        name=f"{member.first_name} {member.last_name}".strip(),
        standing=standing,
        on_hold=any(change.act is Act.HOLD and change.level == "" for change in in_force(changes)),
        reason=member.reason,
        levels=[held[level].as_level(level, titles.get(level, "")) for level in sorted(held)],
        created_at=member.created_at,
    )
