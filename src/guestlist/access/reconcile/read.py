"""Reading all that a site holds: page by page, gently, and so that it can go on after a stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from django.db import transaction

from guestlist.access.models import Member
from guestlist.access.reconcile.models import Reconciliation, ReconciliationState, SeenHolding
from guestlist.access.reconcile.pulse import beat
from guestlist.connections.database import release_connection
from guestlist.sites.contract import Holding, HoldingsPage, NeedsAttention, RetryLater, Site

# Between two pages, so that a small host has time for its visitors.
PAUSE_SECONDS = 0.2
# A page that fails is asked for again after so many seconds; then the reconciliation stops, and can go on later.
TRIES_AFTER = (2.0, 10.0, 30.0)
LONGEST_WAIT = 60.0

# Else a site that overlooks the page's number would be read without an end.
SAME_AGAIN = NeedsAttention(
    "The site shows the same page of its transactions again and again.",
    "A plugin there breaks the lists of the MemberPress REST API: switch plugins off one by one to find it.",
)


class Stopped(Exception):
    """The site did not let the reconciliation go on; `outcome` says why."""

    def __init__(self, outcome: RetryLater | NeedsAttention) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


def read(run: Reconciliation, site: Site, told: Callable[[], None]) -> None:
    """Read the pages that are left. `told` is called after each page.

    Raises:
        Stopped: the site did not answer, after some tries. TakenOver.
    """
    before: HoldingsPage | None = None
    while run.state == ReconciliationState.READING:
        page = _page(run, site)
        if before is not None and page.rows and page.rows == before.rows:
            raise Stopped(SAME_AGAIN)
        before = page
        with transaction.atomic():
            beat(run)
            SeenHolding.objects.bulk_create(_kept(run, page.rows), ignore_conflicts=True)
            run.cursor = page.next
            run.pages_read += 1
            run.pages = page.pages
            if page.next is None:
                run.state = ReconciliationState.COMPARING
            run.save(update_fields=["cursor", "pages_read", "pages", "state"])
        told()
        if page.next is not None:
            time.sleep(PAUSE_SECONDS)


def _page(run: Reconciliation, site: Site) -> HoldingsPage:
    answer = _asked(run, site)
    for planned in TRIES_AFTER:
        if not isinstance(answer, RetryLater):
            break
        time.sleep(min(answer.after if answer.after is not None else planned, LONGEST_WAIT))
        answer = _asked(run, site)
    if isinstance(answer, HoldingsPage):
        return answer
    raise Stopped(answer)


def _asked(run: Reconciliation, site: Site) -> HoldingsPage | RetryLater | NeedsAttention:
    beat(run)
    release_connection()
    return site.holdings(run.cursor)


def _kept(run: Reconciliation, rows: Iterable[Holding]) -> list[SeenHolding]:
    """What is compared: our holdings, and live ones that the owner made for members whom Guestlist knows."""
    rows = list(rows)
    theirs = {row.member for row in rows if row.live and not row.ours}
    known = set(Member.objects.filter(site_id=run.site_id, remote_id__in=theirs).values_list("remote_id", flat=True))
    return [
        SeenHolding(
            reconciliation=run,
            remote_id=row.remote_id,
            ref=row.ref[:300],
            ours=row.ours,
            member=row.member,
            email=row.email,
            level=row.level,
            live=row.live,
            status=row.status[:40],
            until_on=row.until_on,
        )
        for row in rows
        if row.ours or (row.live and row.member in known)
    ]
