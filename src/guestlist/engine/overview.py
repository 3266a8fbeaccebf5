"""How everything stands: the inbox, the members, each cart and each site; and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from guestlist.access.queries import MemberCounts, blocked_grants, member_counts
from guestlist.access.reconcile.queries import Check, latest_checks
from guestlist.connections.models import Cart, CartMode, Site, SiteState
from guestlist.connections.queries import asked_again_at, webhook_address
from guestlist.fulfilment.planning import unmapped_items
from guestlist.inbox.queries import (
    InboxCounts,
    RefusalView,
    inbox_counts,
    last_delivery_at,
    refusals_since,
    waiting_deliveries,
)

NO_MEMBERS = MemberCounts()
REFUSALS_SHOWN_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class CartStatus:
    """A cart and what came from it.

    Attributes:
        checked_at: when the cart last asked whether its address answers.
        refused: what was turned away today (UTC) and on the six days before.
    """

    id: str
    kind: str
    mode: CartMode
    active: bool
    webhook: str
    checked_at: datetime | None
    last_delivery_at: datetime | None
    refused: list[RefusalView]
    refused_today: list[RefusalView]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """A site and what is left to do there.

    Attributes:
        paused: its lane rests until somebody resumes it.
        help: the page of help about the reason (`domain.help_topics`); "" = none.
        asked_again_at: when the next request shows whether the site works by then; None = it works as far as is known.
        levels: how many are known; `blocked_grants` wait for them to be read.
        check: the latest comparison of what the site holds with what it should hold; None = there was none yet.
    """

    id: str
    kind: str
    url: str
    active: bool
    paused: bool
    state: SiteState
    state_since: datetime | None
    reason: str
    remedy: str
    help: str
    asked_again_at: datetime | None
    levels: int
    levels_read_at: datetime | None
    members: MemberCounts
    blocked_grants: int
    check: Check | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedItem:
    """Something sold that no rule names, and in how many orders."""

    cart: str
    item: str
    option: str | None
    name: str
    orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """How everything stands."""

    deliveries: InboxCounts
    members: MemberCounts
    unmapped: list[UnmappedItem]
    carts: list[CartStatus]
    sites: list[SiteStatus]


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """What has still to happen before all access is as desired, or known to need attention."""

    deliveries: int
    members: Mapping[str, MemberCounts]
    blocked_grants: Mapping[str, int]

    @property
    def nothing(self) -> bool:
        """Whether everything has settled."""
        return not (self.deliveries or self.members or self.blocked_grants)

    def in_words(self) -> str:
        """The list for people, in one line."""
        parts = [f"{_count(self.deliveries, 'delivery', 'deliveries')} not interpreted"] if self.deliveries else []
        for site, counts in self.members.items():
            found = {"waiting": counts.waiting, "waiting for another try": counts.retrying, "in work": counts.working}
            standing = ", ".join(f"{count} {words}" for words, count in found.items() if count)
            parts.append(f"{_count(counts.open, 'member', 'members')} at site {site} ({standing})")
        for site, count in self.blocked_grants.items():
            parts.append(f"{_count(count, 'grant', 'grants')} until the levels of site {site} are read")
        return "; ".join(parts)


def still_open() -> StillOpen:
    """What is open now.

    Work moves from deliveries to blocked grants to members, each time in one transaction. Looking in that order never
    overlooks work that moves on between two looks.
    """
    deliveries = waiting_deliveries()
    blocked = blocked_grants()
    members = {site: counts for site, counts in sorted(member_counts().items()) if counts.open}
    return StillOpen(deliveries=deliveries, members=members, blocked_grants=blocked)


def overview() -> Overview:
    """How everything stands, in a number of queries that does not grow."""
    members = member_counts()
    return Overview(
        deliveries=inbox_counts(),
        members=sum(members.values(), NO_MEMBERS),
        unmapped=[UnmappedItem(**item) for item in unmapped_items()],
        carts=cart_statuses(),
        sites=_site_statuses(members),
    )


def cart_statuses() -> list[CartStatus]:
    """How each cart stands, the disconnected ones last."""
    latest = last_delivery_at()
    today = datetime.now(UTC).date()
    refused = refusals_since(today - timedelta(days=REFUSALS_SHOWN_DAYS - 1))
    return [
        CartStatus(
            id=cart.pk,
            kind=cart.kind,
            mode=CartMode(cart.mode),
            active=cart.active,
            webhook=webhook_address(cart.pk),
            checked_at=cart.checked_at,
            last_delivery_at=latest[cart.pk],
            refused=refused.get(cart.pk, []),
            refused_today=[refusal for refusal in refused.get(cart.pk, []) if refusal.on == today],
        )
        for cart in Cart.objects.order_by("-active", "id")
    ]


def site_statuses() -> list[SiteStatus]:
    """How each site stands, the disconnected ones last."""
    return _site_statuses(member_counts())


def _site_statuses(members: Mapping[str, MemberCounts]) -> list[SiteStatus]:
    blocked = blocked_grants()
    checks = latest_checks()
    return [
        SiteStatus(
            id=site.pk,
            kind=site.kind,
            url=site.url,
            active=site.active,
            paused=site.paused,
            state=SiteState(site.state),
            state_since=site.state_since,
            reason=site.reason,
            remedy=site.remedy,
            help=site.help,
            asked_again_at=asked_again_at(site),
            levels=len(site.levels),
            levels_read_at=site.levels_read_at,
            members=members.get(site.pk, NO_MEMBERS),
            blocked_grants=blocked.get(site.pk, 0),
            check=checks.get(site.pk),
        )
        for site in Site.objects.order_by("-active", "id")
    ]


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
