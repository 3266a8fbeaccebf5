"""What a site's owner made there by hand for a person: shown beside Guestlist's grants, and never touched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from guestlist.access.reconcile.models import OwnerHolding
from guestlist.access.sitestate import open_site
from guestlist.connections.database import release_connection
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.sites.contract import Holding, HoldingsPage

# More than anybody has; a site whose pages never end must not keep a person waiting.
PAGES_READ = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingView:
    """Something that gives, or gave, a person a level, and is not Guestlist's.

    Attributes:
        ref: its reference as the site shows it.
        live: it gives access, unless `until_on` has passed; `status` is the site's own word for that.
        until_on: None = for ever.
    """

    remote_id: str
    ref: str
    level: str
    level_title: str
    live: bool
    status: str
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtSite:
    """What a site showed of a member when it was asked, or last reconciled.

    Attributes:
        problem: why it could not be read; "" = it was.
    """

    asked_at: datetime
    holdings: list[HoldingView]
    problem: str


def as_last_read(members: Collection[int], titles: Mapping[int, Mapping[str, str]]) -> dict[int, AtSite]:
    """What the latest reconciliations saw, by member; a member with nothing of the owner's is missing.

    Args:
        titles: title by level id, for each member.
    """
    found: defaultdict[int, list[OwnerHolding]] = defaultdict(list)
    for row in OwnerHolding.objects.filter(member__in=members).order_by("pk"):
        found[row.member_id].append(row)
    return {
        member: AtSite(
            asked_at=max(row.read_at for row in rows),
            holdings=[_owner_holding_view(row, titles[member]) for row in rows],
            problem="",
        )
        for member, rows in found.items()
    }


def ask_site(site_id: str, remote_id: str) -> AtSite:
    """Ask a site now what its owner made for a member. Not to be called with a transaction open."""
    site = Site.objects.get(pk=site_id)
    asked_at = timezone.now()
    if not site.active:
        return AtSite(asked_at=asked_at, holdings=[], problem="The site is disconnected.")
    opened = open_site(site)
    release_connection()
    found: dict[str, Holding] = {}
    cursor: str | None = None
    for _ in range(PAGES_READ):
        page = opened.holdings(cursor, member=remote_id)
        if not isinstance(page, HoldingsPage):
            return AtSite(asked_at=asked_at, holdings=[], problem=page.reason)
        # A row may come twice while somebody makes others.
        found |= {row.remote_id: row for row in page.rows if not row.ours}
        cursor = page.next
        if cursor is None:
            break
    titles = level_titles(site.levels)
    return AtSite(asked_at=asked_at, holdings=[holding_view(row, titles) for row in found.values()], problem="")


def holding_view(row: Holding, titles: Mapping[str, str]) -> HoldingView:
    """A holding as it is shown."""
    return HoldingView(
        remote_id=row.remote_id,
        ref=row.ref,
        level=row.level,
        level_title=titles.get(row.level, ""),
        live=row.live,
        status=row.status,
        until_on=row.until_on,
    )


def _owner_holding_view(row: OwnerHolding, titles: Mapping[str, str]) -> HoldingView:
    return HoldingView(
        remote_id=row.remote_id,
        ref=row.ref,
        level=row.level,
        level_title=titles.get(row.level, ""),
        live=True,
        status=row.status,
        until_on=row.until_on,
    )
