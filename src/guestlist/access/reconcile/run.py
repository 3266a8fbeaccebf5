"""One reconciliation of one site, from its beginning or from where an earlier run of it stopped."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.access.models import Member
from guestlist.access.reconcile.compare import BATCH, Found, compare
from guestlist.access.reconcile.mend import keep, mend
from guestlist.access.reconcile.models import Drift, OwnerHolding, Reconciliation, ReconciliationState
from guestlist.access.reconcile.pulse import TakenOver, beat
from guestlist.access.reconcile.read import Stopped, read
from guestlist.access.sitestate import open_site
from guestlist.connections.models import Site
from guestlist.sites.contract import NeedsAttention, RetryLater
from guestlist.sites.contract import Site as OpenSite

log = structlog.get_logger(__name__)

# Whoever runs one and gives no sign of life for so long is taken for dead.
DEAD_AFTER = timedelta(minutes=3)
# What was read longer ago is not gone on with.
TOO_OLD = timedelta(hours=6)
# A site that was down is asked again after so long.
RESUMES_AFTER = timedelta(minutes=10)
KEPT = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a reconciliation is. `pages` None = the site does not say how many there are."""

    site: str
    pages_read: int
    pages: int | None
    compared: int


class Busy(Exception):
    """Somebody reconciles the site already, or it is disconnected."""


def reconcile(
    site_id: str, *, fix: bool | None = None, progress: Callable[[Progress], None] | None = None
) -> Reconciliation:
    """Compare what a site holds with what it should hold. Not to be called with a transaction open.

    Args:
        fix: mend what differs, too; None = as it was asked for when it was begun, else no.

    Returns:
        The reconciliation: done, failed, or not finished because the site is down (then it has a reason and goes on
        by itself at `resume_at`, or with the next call).

    Raises:
        Busy: somebody reconciles the site already; Site.DoesNotExist.
    """
    run = _claim(begin(site_id, fix=fix))
    told = progress or _silent

    def tell() -> None:
        told(Progress(site=site_id, pages_read=run.pages_read, pages=run.pages, compared=run.compared))

    try:
        _go_on(run, tell)
    except TakenOver:
        log.warning("reconciliation_taken_over", site=site_id)
        raise Busy(f"Somebody else goes on with the reconciliation of the site {site_id}.") from None
    except BaseException:
        # Whoever comes next goes on from here.
        Reconciliation.objects.filter(pk=run.pk, runner=run.runner).update(runner="", beat_at=None)
        raise
    return run


def _go_on(run: Reconciliation, tell: Callable[[], None]) -> None:
    """Do what is left of it.

    Raises:
        TakenOver.
    """
    try:
        opened = open_site(run.site)
        read(run, opened, tell)
        beat(run)
        # Reading takes long; mending may have been asked for meanwhile.
        run.refresh_from_db(fields=["fix"])
        run.drift.all().delete()
        _write_down(run, opened, compare(run, opened, tell))
        _keep_owner_holdings(run)
    except Stopped as error:
        log.warning("reconciliation_stopped", site=run.site_id, reason=error.outcome.reason)
        beat(run)
        _stop(run, error.outcome)
    else:
        beat(run)
        _finish(run, ReconciliationState.DONE)
        log.info("reconciled", site=run.site_id, drift=run.drift.count(), compared=run.compared)


def begin(site_id: str, *, fix: bool | None = None) -> Reconciliation:
    """The site's reconciliation that is not finished, or a new one. Whoever finds it claims and runs it.

    Raises:
        Busy: the site is disconnected; Site.DoesNotExist.
    """
    site = Site.objects.get(pk=site_id)
    if not site.active:
        raise Busy(f"The site {site_id} is disconnected.")
    now = timezone.now()
    Reconciliation.objects.filter(_idle(now), site=site, finished_at=None, started_at__lt=now - TOO_OLD).delete()
    try:
        with transaction.atomic():
            run, made = Reconciliation.objects.get_or_create(
                site=site, finished_at=None, defaults={"started_at": now, "fix": bool(fix)}
            )
    except IntegrityError:
        run, made = Reconciliation.objects.get(site=site, finished_at=None), False
    if not made and fix is not None and fix != run.fix:
        run.fix = fix
        run.save(update_fields=["fix"])
    return run


def unfinished(now: datetime) -> list[str]:
    """Sites whose reconciliation was begun, that nobody runs now, and that may go on."""
    may = Q(resume_at=None) | Q(resume_at__lte=now)
    left = Reconciliation.objects.filter(_idle(now), may, finished_at=None, site__active=True)
    return list(left.order_by("site_id").values_list("site_id", flat=True))


def _idle(now: datetime) -> Q:
    return Q(beat_at=None) | Q(beat_at__lt=now - DEAD_AFTER)


def _claim(run: Reconciliation) -> Reconciliation:
    now, runner = timezone.now(), uuid.uuid4().hex
    mine = Reconciliation.objects.filter(_idle(now), pk=run.pk, finished_at=None).update(runner=runner, beat_at=now)
    if not mine:
        raise Busy(f"The site {run.site_id} is being reconciled already; `guestlist status` shows when that is done.")
    run = Reconciliation.objects.select_related("site").get(pk=run.pk)
    run.reason = run.remedy = ""
    return run


def _write_down(run: Reconciliation, opened: OpenSite, differences: Iterator[Found]) -> None:
    """Keep each difference, and mend them member by member if that is asked for."""
    by_member: dict[object, list[tuple[Found, Drift]]] = {}
    for found in differences:
        drift = keep(run, found)
        if run.fix:
            by_member.setdefault(found.grant.member_id if found.grant else ("none", drift.pk), []).append(
                (found, drift)
            )
    for together in by_member.values():
        beat(run)
        mend(opened, together)


def _keep_owner_holdings(run: Reconciliation) -> None:
    """Replace what is known of the owner's own holdings by what was read."""
    now = timezone.now()
    with transaction.atomic():
        beat(run)
        OwnerHolding.objects.filter(site_id=run.site_id).delete()
        last = 0
        while rows := list(run.seen.filter(ours=False, pk__gt=last).order_by("pk")[:BATCH]):
            last = rows[-1].pk
            members = dict(
                Member.objects.filter(site_id=run.site_id, remote_id__in={row.member for row in rows}).values_list(
                    "remote_id", "pk"
                )
            )
            OwnerHolding.objects.bulk_create(
                OwnerHolding(
                    site_id=run.site_id,
                    member_id=members[row.member],
                    remote_id=row.remote_id,
                    ref=row.ref,
                    level=row.level,
                    status=row.status,
                    until_on=row.until_on,
                    read_at=now,
                )
                for row in rows
                if row.member in members
            )


def _stop(run: Reconciliation, outcome: RetryLater | NeedsAttention) -> None:
    if isinstance(outcome, NeedsAttention):
        _finish(run, ReconciliationState.FAILED, outcome.reason, outcome.remedy)
        return
    run.reason = outcome.reason
    run.remedy = "It goes on from here by itself as soon as the site works, or with `guestlist reconcile`."
    run.resume_at, run.runner, run.beat_at = timezone.now() + RESUMES_AFTER, "", None
    run.save()


def _finish(run: Reconciliation, state: ReconciliationState, reason: str = "", remedy: str = "") -> None:
    run.state, run.reason, run.remedy = state, reason, remedy
    run.finished_at, run.resume_at, run.runner, run.beat_at = timezone.now(), None, "", None
    run.save()
    run.seen.all().delete()
    old = Reconciliation.objects.filter(site_id=run.site_id).order_by("-id").values_list("pk", flat=True)[KEPT:]
    Reconciliation.objects.filter(pk__in=list(old)).delete()


def _silent(_progress: Progress) -> None:
    """Tell nobody."""
