"""Reconciliations as they are shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from guestlist.access.models import Member, MemberState
from guestlist.access.reconcile.models import Drift, OwnerHolding, Reconciliation, ReconciliationState

DRIFT_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftView:
    """One difference. `mended`: it was handed to the site's lane, or ended at the site; `problem`: why it was not."""

    kind: str
    email: str
    level: str
    words: str
    remedy: str
    mended: bool
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationView:
    """One look at a site.

    Attributes:
        pages: None = the site does not say how many there are.
        compared: grants; `in_work`: members left out because they are being worked on.
        found: how many differences; `drift` lists the first of them.
        reason, remedy: why it stopped or failed, and what to do.
    """

    id: int
    site: str
    state: ReconciliationState
    fix: bool
    started_at: datetime
    finished_at: datetime | None
    pages_read: int
    pages: int | None
    compared: int
    in_work: int
    found: int
    reason: str
    remedy: str
    drift: list[DriftView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A site's latest reconciliation in short. `found`: how many differences, mended ones included."""

    state: ReconciliationState
    started_at: datetime
    finished_at: datetime | None
    found: int
    reason: str


def reconciliation(run: Reconciliation) -> ReconciliationView:
    """One of them, with what it found."""
    return ReconciliationView(
        id=run.pk,
        site=run.site_id,
        state=ReconciliationState(run.state),
        fix=run.fix,
        started_at=run.started_at,
        finished_at=run.finished_at,
        pages_read=run.pages_read,
        pages=run.pages,
        compared=run.compared,
        in_work=run.in_work,
        found=run.drift.count(),
        reason=run.reason,
        remedy=run.remedy,
        drift=[_drift(row) for row in run.drift.order_by("pk")[:DRIFT_SHOWN]],
    )


def latest() -> list[ReconciliationView]:
    """Each site's latest reconciliation; one under way, if there is one."""
    rows = Reconciliation.objects.filter(site__active=True).order_by("site_id", "-pk").distinct("site_id")
    return [reconciliation(run) for run in rows]


def latest_checks() -> dict[str, Check]:
    """Each site's latest reconciliation in short, by site."""
    counted = Drift.objects.filter(reconciliation=OuterRef("pk")).values("reconciliation").annotate(count=Count("pk"))
    rows = Reconciliation.objects.annotate(found=Coalesce(Subquery(counted.values("count")), 0))
    return {
        run.site_id: Check(
            state=ReconciliationState(run.state),
            started_at=run.started_at,
            finished_at=run.finished_at,
            found=run.found,
            reason=run.reason,
        )
        for run in rows.order_by("site_id", "-pk").distinct("site_id")
    }


def still_mending(run: Reconciliation) -> int:
    """Members whose drift was handed to the lane and whom it has not done with yet."""
    members = run.drift.exclude(mended_at=None).exclude(member_id=None).values("member_id")
    return Member.objects.filter(pk__in=members, state__in=(MemberState.DUE, MemberState.WORKING)).count()


def owner_holdings(members: Collection[int]) -> dict[int, list[OwnerHolding]]:
    """What the sites' owners made by hand for these members, as last read."""
    found: defaultdict[int, list[OwnerHolding]] = defaultdict(list)
    for row in OwnerHolding.objects.filter(member__in=members).order_by("pk"):
        found[row.member_id].append(row)
    return found


def _drift(row: Drift) -> DriftView:
    return DriftView(
        kind=row.kind,
        email=row.email,
        level=row.level,
        words=row.words,
        remedy=row.remedy,
        mended=row.mended_at is not None,
        problem=row.problem,
    )
