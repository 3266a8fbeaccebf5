"""An order's story, from the deliveries that told of it to what the sites confirmed, in the order in which it happened.

Gathered from what each step stored: nothing is kept for the story alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import Min, Q

from guestlist.access.grant_views import staff_change_views
from guestlist.access.models import Grant, SiteRequest, StaffChange
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.domain.staff import Act
from guestlist.fulfilment.models import Decision
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.models import Event, Line
from guestlist.orders.codec import fact_from_json
from guestlist.orders.models import Fact, Order
from guestlist.orders.words import in_words

# The latest ones, of an order that has so many.
REQUESTS_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelNamed:
    """A level and where it is; `title` "" = its name is not known (any more)."""

    site: str
    level: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A delivery came."""

    delivery: int
    event: str
    state: DeliveryState
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a delivery told. `happened_at`: when it happened at the cart; `delivery` may be deleted by now."""

    words: str
    happened_at: datetime
    delivery: int
    delivery_stored: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A charge was decided by a rule; `gives` is empty where the rule gives nothing."""

    item: str
    charge: str
    option: str | None
    gives: list[LevelNamed]
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A grant was written down; `reason` as it is by now."""

    level: LevelNamed
    reason: str
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A site was asked for something; secrets are redacted. `status` None = no answer."""

    site: str
    method: str
    path: str
    status: int | None
    milliseconds: int
    excerpt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What a site confirmed, or that only a person can help. `until_on` None = for ever, or does not apply."""

    event: Event
    level: LevelNamed
    until_on: date | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """What somebody of the staff did for the member. An empty level = every level of the site."""

    act: Act
    level: LevelNamed
    until_on: date | None
    who: str
    why: str


Step = Delivered | Understood | Decided | Planned | Asked | Confirmed | ByHand


@dataclass(frozen=True, slots=True)
class Told:
    """A step and when it was. `after`: seconds since the delivery before it; None = there was none."""

    at: datetime
    step: Step
    after: float | None = None

    @property
    def kind(self) -> str:
        """The step's kind, as templates ask for it."""
        return type(self.step).__name__.lower()


@dataclass(frozen=True, slots=True)
class Story:
    """All steps, oldest first. `access_after`: seconds from the first delivery to the first confirmed access."""

    steps: list[Told]
    access_after: float | None


def story(order: Order) -> Story:
    """What happened, from delivery to access."""
    grants = list(Grant.objects.filter(order=order).select_related("member"))
    sites = Site.objects.only("levels").in_bulk([grant.member.site_id for grant in grants])
    titles = {site.pk: level_titles(site.levels) for site in sites.values()}
    told = [
        *_deliveries_and_facts(order),
        *_decisions(order, titles),
        *_planned(grants, titles),
        *_requests(grants),
        *_confirmed(order, grants, titles),
        *_by_hand(grants, titles),
    ]
    steps = _timed(sorted(told, key=lambda each: each.at))
    given = [each for each in steps if isinstance(each.step, Confirmed) and each.step.event == Event.GIVEN]
    arrived = [each.at for each in steps if isinstance(each.step, Delivered)]
    waited = (given[0].at - arrived[0]).total_seconds() if given and arrived else None
    return Story(steps, waited if waited is None or waited >= 0 else None)


def _timed(told: Sequence[Told]) -> list[Told]:
    arrived: datetime | None = None
    steps = []
    for each in told:
        if isinstance(each.step, Delivered):
            arrived = each.at
            steps.append(each)
        else:
            after = (each.at - arrived).total_seconds() if arrived else None
            # What came days later was not done because of that delivery.
            steps.append(
                replace(each, after=after if after is not None and after < timedelta(days=1).total_seconds() else None)
            )
    return steps


def _deliveries_and_facts(order: Order) -> Iterator[Told]:
    facts = list(Fact.objects.filter(order=order).order_by("id"))
    deliveries = Delivery.objects.filter(pk__in={fact.delivery_id for fact in facts}).defer("body")
    stored = {row.pk: row for row in deliveries}
    for row in stored.values():
        state = DeliveryState(row.state)
        yield Told(row.received_at, Delivered(delivery=row.pk, event=row.event, state=state, summary=row.summary))
    for fact in facts:
        words = in_words(fact_from_json(fact.data))
        known = fact.delivery_id in stored
        step = Understood(words=words, happened_at=fact.at, delivery=fact.delivery_id, delivery_stored=known)
        yield Told(fact.created_at, step)


def _decisions(order: Order, titles: dict[str, dict[str, str]]) -> Iterator[Told]:
    for row in Decision.objects.filter(order=order).order_by("id"):
        gives = [_named(titles, grant["site"], grant["level"]) for grant in row.rule["grants"]]
        step = Decided(
            item=row.item, charge=row.charge_key, option=row.option, gives=gives, access=row.rule.get("access", "")
        )
        yield Told(row.created_at, step)


def _planned(grants: Collection[Grant], titles: dict[str, dict[str, str]]) -> Iterator[Told]:
    for grant in grants:
        level = _named(titles, grant.member.site_id, grant.level)
        yield Told(grant.created_at, Planned(level=level, reason=grant.reason, live=grant.live))


def _requests(grants: Collection[Grant]) -> Iterator[Told]:
    """Those for the order's grants, and those for its members as a whole while it was being fulfilled."""
    if not grants:
        return
    members = {grant.member_id for grant in grants}
    begun = min(grant.created_at for grant in grants)
    settled = Line.objects.filter(member__in=members, grant__in=[grant.pk for grant in grants], event=Event.GIVEN)
    until = settled.aggregate(at=Min("at"))["at"]
    as_a_whole = Q(ref="", at__gte=begun) & (Q(at__lte=until) if until else Q())
    of_order = Q(ref__in=[grant.ref for grant in grants]) | as_a_whole
    rows = SiteRequest.objects.filter(of_order, member__in=members).order_by("-id")[:REQUESTS_SHOWN]
    for row in rows:
        step = Asked(
            site=row.site_id,
            method=row.method,
            path=row.path,
            status=row.status,
            milliseconds=row.milliseconds,
            excerpt=row.excerpt,
        )
        yield Told(row.at, step)


def _confirmed(order: Order, grants: Collection[Grant], titles: dict[str, dict[str, str]]) -> Iterator[Told]:
    members = {grant.member_id for grant in grants}
    for line in Line.objects.filter(member__in=members, order=order.pk).order_by("id"):
        level = _named(titles, line.site, line.level)
        step = Confirmed(event=Event(line.event), level=level, until_on=line.until_on, words=line.words)
        yield Told(line.at, step)


def _by_hand(grants: Collection[Grant], titles: dict[str, dict[str, str]]) -> Iterator[Told]:
    """What concerns the order's levels, since its first grant was written down."""
    begun = {
        grant.member_id: grant.created_at for grant in sorted(grants, key=lambda grant: grant.created_at, reverse=True)
    }
    levels = {(grant.member_id, grant.level) for grant in grants}
    rows = StaffChange.objects.filter(member__in=begun).select_related("member").order_by("id")
    for row in rows:
        if row.at < begun[row.member_id] or (row.level and (row.member_id, row.level) not in levels):
            continue
        (view,) = staff_change_views([row], titles.get(row.member.site_id, {}))
        level = LevelNamed(site=row.member.site_id, level=row.level, title=view.level_title)
        step = ByHand(act=view.act, level=level, until_on=row.until_on, who=row.who, why=row.why)
        yield Told(row.at, step)


def _named(titles: dict[str, dict[str, str]], site: str, level: str) -> LevelNamed:
    return LevelNamed(site=site, level=level, title=titles.get(site, {}).get(level, ""))
