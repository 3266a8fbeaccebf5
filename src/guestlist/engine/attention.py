"""Everything that needs a person, in one look: how much, and what, each with what is to be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery, Sum

from guestlist.access.models import Member, MemberState
from guestlist.access.reconcile.models import Drift, Reconciliation, ReconciliationState
from guestlist.access.stuck import StuckGroup, members_with_alerts, stuck_groups, stuck_members
from guestlist.connections.models import Cart, Site, SiteState
from guestlist.connections.queries import asked_again_at
from guestlist.domain.help_topics import HelpTopic
from guestlist.fulfilment.unmapped import UnmappedSale, unmapped_sales
from guestlist.inbox.models import Delivery, DeliveryState, Refusal

# Nobody reads a larger number: counting stops there.
COUNTED_TO = 1000
# Orders with something unmapped that are looked at for the count; the list looks at all.
ORDERS_LOOKED_AT = 500
REFUSALS_MATTER_DAYS = 7
GROUPS_SHOWN = 50
STUCK = (DeliveryState.UNREADABLE, DeliveryState.FAILED)
# A request that is too large, or that guesses a token, says nothing about the cart's secret.
SECRET_REFUSALS = ("wrong-secret", "no-secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTrouble:
    """A site that does not work. `waiting`: members whose access waits for it."""

    site: str
    state: SiteState
    since: datetime | None
    reason: str
    remedy: str
    help: str
    asked_again_at: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedSite:
    """A site that somebody paused. `waiting`: members whose access waits until it goes on."""

    site: str
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretTrouble:
    """Requests turned away at a cart's address since its latest delivery, within a week."""

    cart: str
    count: int
    last_at: datetime
    last_delivery_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckDeliveries:
    """Deliveries of a cart that stopped at the same. `latest`: id of the newest one."""

    cart: str
    state: DeliveryState
    summary: str
    remedy: str
    count: int
    latest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTrouble:
    """What a site's latest comparison left: differences not mended, or why it could not be made."""

    site: str
    at: datetime
    differences: int
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """All that needs a person.

    Attributes:
        alerts: members of whom the owner should know something; counting stops at 1,000.
        busy: access is being given or ended at this moment.
    """

    sites: Sequence[SiteTrouble]
    paused: Sequence[PausedSite]
    secrets: Sequence[SecretTrouble]
    members: Sequence[StuckGroup]
    deliveries: Sequence[StuckDeliveries]
    unmapped: Sequence[UnmappedSale]
    checks: Sequence[CheckTrouble]
    alerts: int
    busy: bool

    @property
    def nothing(self) -> bool:
        """Whether nobody needs to do anything."""
        lists = (self.sites, self.paused, self.secrets, self.members, self.deliveries, self.unmapped, self.checks)
        return not (self.alerts or any(lists))


def attention() -> Attention:
    """All that needs a person now."""
    connected = set(Cart.objects.filter(active=True).values_list("pk", flat=True))
    return Attention(
        sites=_sites(),
        paused=_paused(),
        secrets=_secrets(),
        members=stuck_groups(),
        deliveries=_deliveries(),
        unmapped=[sale for sale in unmapped_sales() if sale.cart in connected],
        checks=_checks(),
        alerts=members_with_alerts()[:COUNTED_TO].count(),
        busy=Member.objects.filter(state__in=(MemberState.DUE, MemberState.WORKING)).exists(),
    )


def attention_count() -> int:
    """How many things need a person, as the menu shows it; more than a thousand members or deliveries count as such.

    A few short queries on indexes that hold nothing else, so it may stand on every page.
    """
    stuck = Delivery.objects.filter(state__in=STUCK, cart__active=True)
    return sum(
        (
            _troubled_sites().count(),
            _paused_sites().count(),
            len(_secrets()),
            stuck_members()[:COUNTED_TO].count(),
            stuck[:COUNTED_TO].count(),
            _unmapped_count(),
            len(_checks()),
            members_with_alerts()[:COUNTED_TO].count(),
        )
    )


def _troubled_sites() -> QuerySet[Site]:
    return Site.objects.filter(active=True, paused=False, state__in=(SiteState.DOWN, SiteState.ATTENTION))


def _paused_sites() -> QuerySet[Site]:
    """Those that somebody waits for."""
    due = Member.objects.filter(site=OuterRef("pk"), state=MemberState.DUE)
    return Site.objects.filter(Exists(due), active=True, paused=True)


def _paused() -> list[PausedSite]:
    paused = list(_paused_sites().order_by("pk"))
    waiting = _waiting(paused)
    return [PausedSite(site=site.pk, waiting=waiting.get(site.pk, 0)) for site in paused]


def _waiting(sites: Sequence[Site]) -> dict[str, int]:
    """Members by site."""
    found = Member.objects.filter(site__in=sites, state__in=(MemberState.DUE, MemberState.WORKING))
    return dict(found.values_list("site_id").annotate(Count("id")))


def _sites() -> list[SiteTrouble]:
    troubled = list(_troubled_sites().order_by("state", "pk"))
    waiting = _waiting(troubled)
    return [
        SiteTrouble(
            site=site.pk,
            state=SiteState(site.state),
            since=site.state_since,
            reason=site.reason,
            remedy=site.remedy,
            help=site.help or HelpTopic.SITE_UNREACHABLE,
            asked_again_at=asked_again_at(site),
            waiting=waiting.get(site.pk, 0),
        )
        for site in troubled
    ]


def _secrets() -> list[SecretTrouble]:
    """Carts of which nothing was accepted since something was turned away: a stranger's tries among good ones pass."""
    first = datetime.now(UTC).date() - timedelta(days=REFUSALS_MATTER_DAYS - 1)
    latest = Delivery.objects.filter(cart=OuterRef("cart")).order_by("-id").values("received_at")[:1]
    refused = Refusal.objects.filter(on__gte=first, reason__in=SECRET_REFUSALS, cart__active=True)
    rows = refused.values("cart_id").annotate(turned_away=Sum("count"), last=Max("last_at"), accepted=Subquery(latest))
    return [
        SecretTrouble(
            cart=row["cart_id"], count=row["turned_away"], last_at=row["last"], last_delivery_at=row["accepted"]
        )
        for row in rows.order_by("cart_id")
        if row["accepted"] is None or row["accepted"] < row["last"]
    ]


def _deliveries() -> list[StuckDeliveries]:
    stuck = Delivery.objects.filter(state__in=STUCK, cart__active=True)
    rows = stuck.values("cart_id", "state", "summary", "remedy").annotate(number=Count("id"), latest=Max("id"))
    return [
        StuckDeliveries(
            cart=row["cart_id"],
            state=DeliveryState(row["state"]),
            summary=row["summary"],
            remedy=row["remedy"],
            count=row["number"],
            latest=row["latest"],
        )
        for row in rows.order_by("-number", "-latest")[:GROUPS_SHOWN]
    ]


def _checks() -> list[CheckTrouble]:
    """Of each connected site, its latest comparison that came to an end."""
    ended = Reconciliation.objects.filter(site__active=True, finished_at__isnull=False)
    latest = ended.order_by("site_id", "-pk").distinct("site_id")
    left = Drift.objects.filter(reconciliation__in=[run.pk for run in latest], mended_at=None)
    differences = dict(left.values_list("reconciliation_id").annotate(Count("pk")))
    return [
        CheckTrouble(
            site=run.site_id,
            at=run.finished_at or run.started_at,
            differences=differences.get(run.pk, 0),
            reason=run.reason,
            remedy=run.remedy,
        )
        for run in latest
        if run.state == ReconciliationState.FAILED or run.pk in differences
    ]


def _unmapped_count() -> int:
    """How many items the latest orders sold that no rule names."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM (
                SELECT DISTINCT sold.cart_id, entry ->> 'item', entry ->> 'option'
                  FROM (SELECT o.cart_id, o.unmapped
                          FROM orders_order o JOIN connections_cart c ON c.id = o.cart_id AND c.active
                         WHERE o.unmapped <> '[]'::jsonb ORDER BY o.id DESC LIMIT %s) sold,
                       jsonb_array_elements(sold.unmapped) entry
            ) items
            """,
            [ORDERS_LOOKED_AT],
        )
        (count,) = cursor.fetchone()
    return int(count)
