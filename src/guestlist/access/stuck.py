"""Members whom only a person can help: found, put together by what is wrong, and tried again, one or all."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Min, QuerySet, TextField, Value
from django.db.models.functions import MD5, Concat

from guestlist.access.desire import read_levels_again, wake
from guestlist.access.models import Member, MemberState

# Members made due in one transaction, so that a lane never waits long for one of them.
AT_ONCE = 200
GROUPS_SHOWN = 50
_KEY = MD5(Concat("help", Value(" "), "remedy", output_field=TextField()))


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckGroup:
    """Members of a site for whom the same is to be done.

    Attributes:
        key: names the group within its site, for `stuck_members`.
        reason: of one of them; the others' may name other addresses.
        help: name of the page of help.
    """

    site: str
    key: str
    count: int
    reason: str
    remedy: str
    help: str


def stuck_members(site: str = "", group: str = "") -> QuerySet[Member]:
    """Members of connected sites who need attention; only those of a site, and of a group (`StuckGroup.key`)."""
    found = Member.objects.filter(state=MemberState.ATTENTION, site__active=True)
    if site:
        found = found.filter(site=site)
    return found.alias(key=_KEY).filter(key=group) if group else found


def stuck_groups() -> list[StuckGroup]:
    """Stuck members by what is to be done, most first; the small groups are left out where there are very many."""
    groups = stuck_members().values("site_id", "remedy", "help")
    rows = groups.annotate(count=Count("id"), reason=Min("reason"), key=_KEY)
    return [
        StuckGroup(
            site=row["site_id"],
            key=row["key"],
            count=row["count"],
            reason=row["reason"],
            remedy=row["remedy"],
            help=row["help"],
        )
        for row in rows.order_by("-count", "site_id", "remedy")[:GROUPS_SHOWN]
    ]


def members_with_alerts() -> QuerySet[Member]:
    """Members of connected sites of whom the owner should know something, although nothing is stuck."""
    return Member.objects.filter(site__active=True).exclude(alert="")


def dismiss_alerts(member_ids: Collection[int]) -> int:
    """The owner knows. Returns how many alerts there were."""
    return Member.objects.filter(pk__in=member_ids).exclude(alert="").update(alert="")


def try_again(members: QuerySet[Member], *, at_most: int | None = None) -> int:
    """Make members due now, some at a time, each time in a transaction of its own. Returns how many."""
    found = list(members.order_by("pk")[:at_most])
    for start in range(0, len(found), AT_ONCE):
        with transaction.atomic():
            some = set(found[start : start + AT_ONCE])
            read_levels_again(some)
            wake(some)
    return len(found)
