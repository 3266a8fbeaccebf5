"""Comparing what was read with what should be. Nothing is called drift before a direct look has confirmed it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import Exists, OuterRef, QuerySet

from guestlist.access.models import ErasedHolding, Grant, GrantState, MemberState
from guestlist.access.reconcile.drift import Difference, Expected, difference, double, unknown
from guestlist.access.reconcile.models import Reconciliation, SeenHolding
from guestlist.access.reconcile.pulse import beat
from guestlist.access.reconcile.read import Stopped
from guestlist.connections.database import release_connection
from guestlist.connections.queries import level_titles
from guestlist.sites.contract import Holding, NeedsAttention, RetryLater, Site

BATCH = 500
# Members in these states are as Guestlist left them, so what differs was done by somebody else.
AT_REST = (MemberState.IDLE, MemberState.ATTENTION)


@dataclass(frozen=True, slots=True)
class Found:
    """One confirmed difference. `grant` None = no grant explains it; `holding` None = the site shows nothing."""

    difference: Difference
    grant: Grant | None
    holding: Holding | None


def compare(run: Reconciliation, site: Site, told: Callable[[], None]) -> Iterator[Found]:
    """All differences. `told` is called after each batch, with the counts in `run`.

    Raises:
        Stopped: the site did not answer when it was asked about one of them.
    """
    titles = level_titles(run.site.levels)
    run.compared = run.in_work = 0
    last = 0
    while grants := list(_settled_grants(run).filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = grants[-1].pk
        seen = _seen(run, [grant.remote_id for grant in grants])
        for grant in grants:
            shown = seen.get(grant.remote_id)
            if difference(_expected(grant, titles), shown, _today()) is not None:
                beat(run)
                yield from _confirmed(site, grant, titles)
        run.compared += len(grants)
        beat(run)
        told()
    yield from _unexplained(run, site, titles)
    run.in_work = (
        Grant.objects.filter(member__site_id=run.site_id).exclude(member__state__in=AT_REST).values("member").distinct()
    ).count()


def _settled_grants(run: Reconciliation) -> QuerySet[Grant]:
    """Grants that the site has confirmed once and that nobody is working on."""
    settled = Grant.objects.filter(
        member__site_id=run.site_id,
        member__state__in=AT_REST,
        confirmed_at__isnull=False,
        state__in=(GrantState.RIGHT, GrantState.ATTENTION),
    )
    return _with_all(settled)


def _seen(run: Reconciliation, remote_ids: Sequence[str]) -> dict[str, Holding]:
    return {row.remote_id: _holding(row) for row in run.seen.filter(remote_id__in=remote_ids)}


def _confirmed(site: Site, grant: Grant, titles: Mapping[str, str]) -> Iterator[Found]:
    """The difference, if the site still shows it when asked for this one alone and nobody works on the member."""
    release_connection()
    shown = _ask(site, grant.remote_id, grant.ref, grant.member.remote_id)
    now = _with_all(Grant.objects.filter(pk=grant.pk)).first()
    if now is None or now.member.state not in AT_REST or now.member.version != grant.member.version:
        return
    found = difference(_expected(now, titles), shown, _today())
    if found is not None:
        yield Found(found, now, shown)


def _unexplained(run: Reconciliation, site: Site, titles: Mapping[str, str]) -> Iterator[Found]:
    """Live holdings with Guestlist's mark that are no grant's, nor of anybody whose data was erased."""
    explained = Grant.objects.filter(member__site_id=run.site_id, remote_id=OuterRef("remote_id"))
    erased = ErasedHolding.objects.filter(site=run.site_id, remote_id=OuterRef("remote_id"))
    left = run.seen.filter(~Exists(explained), ~Exists(erased), ours=True, live=True).order_by("pk")
    last = 0
    while rows := list(left.filter(pk__gt=last)[:BATCH]):
        last = rows[-1].pk
        for row in rows:
            beat(run)
            yield from _unexplained_one(site, row, titles)


def _unexplained_one(site: Site, row: SeenHolding, titles: Mapping[str, str]) -> Iterator[Found]:
    grant = _with_all(Grant.objects.filter(ref=row.ref)).first()
    release_connection()
    shown = _ask(site, row.remote_id, row.ref, row.member)
    if shown is None or not shown.live or shown.remote_id != row.remote_id:
        return
    if grant is None:
        yield Found(unknown(shown), None, shown)
    elif grant.member.state in AT_REST and not grant.remote_id and grant.state == GrantState.RIGHT:
        # It ended before anybody knew that the site has it: a request that was taken for lost came through after all.
        found = difference(_expected(grant, titles), shown, _today())
        if found is not None:
            yield Found(found, grant, shown)
    elif grant.member.state in AT_REST and grant.remote_id:
        own = _ask(site, grant.remote_id, grant.ref, grant.member.remote_id)
        # Where its own is gone, this one takes its place: whoever works on the grant next finds it.
        if own is not None and own.remote_id != row.remote_id:
            yield Found(double(_expected(grant, titles), shown), grant, shown)


def _with_all(grants: QuerySet[Grant]) -> QuerySet[Grant]:
    return grants.select_related("member", "order", "staff_change")


def _ask(site: Site, remote_id: str, ref: str, member: str) -> Holding | None:
    shown = site.holding(remote_id, ref, member)
    if isinstance(shown, RetryLater | NeedsAttention):
        raise Stopped(shown)
    return shown


def _expected(grant: Grant, titles: Mapping[str, str]) -> Expected:
    if grant.order is not None:
        what = f"order {grant.order.external_id}, {grant.item}"
    else:
        what = f"given by {grant.staff_change.who}" if grant.staff_change else "given by hand"
    return Expected(
        ref=grant.ref,
        remote_id=grant.remote_id,
        member=grant.member.remote_id,
        email=grant.member.email,
        level=grant.level,
        title=titles.get(grant.level, ""),
        live=grant.live,
        until_on=grant.until_on,
        what=what,
    )


def _holding(row: SeenHolding) -> Holding:
    return Holding(
        remote_id=row.remote_id,
        ref=row.ref,
        ours=row.ours,
        member=row.member,
        email=row.email,
        level=row.level,
        live=row.live,
        status=row.status,
        until_on=row.until_on,
    )


def _today() -> date:
    return datetime.now(UTC).date()
