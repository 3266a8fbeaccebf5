"""A site's lane: its due members worked off, one member at a time by one worker, a few at once.

The lane's job holds the site's lock in the queue. Should a worker be taken for dead and yet live, the epoch fences it
off: each lane job takes the next number, a claim and an outcome are written only under the number they belong to, and
before each write to the site a claim that has grown old is proved again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.access.outcome import Claim, release, write_outcome
from guestlist.access.sitestate import forget_probes, open_site, probe
from guestlist.connections.database import database_stage
from guestlist.connections.ending import ENDING
from guestlist.connections.kick import kick_lane
from guestlist.connections.models import Site
from guestlist.sites.contract import Attempt, ClaimLost, Person, Wanted, WantedGrant
from guestlist.sites.contract import Site as OpenSite

log = structlog.get_logger(__name__)

# A lane gives its slot back after this long, so that many busy sites share the slots.
SLICE_SECONDS = 20.0
# A claim older than this is proved again before a write. Far below the 10 s after which a worker counts as dead.
CLAIM_PROOF_SECONDS = 4.0
# An idle thread of a lane that is at work looks for new members so often, should a kick have been lost.
IDLE_SECONDS = 0.25
# A request that a dead worker sent may still be at work at the site; whoever looks too early finds nothing and does it
# again. A worker counts as dead after 10 s, so this is only the rest for a site that answers in good time.
STILL_ON_ITS_WAY = timedelta(seconds=3)
WRITES_LOOKED_AT = 100


@dataclass
class Lane:
    """One run of a lane."""

    site: Site
    open_site: OpenSite
    epoch: int
    ends_at: float
    stop: threading.Event = field(default_factory=threading.Event)
    state_lock: threading.Lock = field(default_factory=threading.Lock)
    changed: threading.Condition = field(default_factory=threading.Condition)
    claiming: int = 0
    settling: int = 0

    def count(self, *, claiming: int = 0, settling: int = 0) -> None:
        """Note what a thread begins (1) or ends (-1), and let idle ones look again."""
        with self.changed:
            self.claiming += claiming
            self.settling += settling
            self.changed.notify_all()

    def wait_for_more(self) -> bool:
        """After finding nothing due: whether to look again, because others are still at work and more may come."""
        with self.changed:
            while self.claiming and not self.settling:
                self.changed.wait(IDLE_SECONDS)
            if not self.settling:
                return False
            self.changed.wait(IDLE_SECONDS)
            return True


# The lanes that run in this process, by site.
_running: dict[str, Lane] = {}


def nudge(site_id: str) -> None:
    """Members of this site came due: if its lane runs in this process, its idle threads look at once."""
    lane = _running.get(site_id)
    if lane is not None:
        lane.count()


def run_lane(site_id: str) -> None:
    """Work off a site's due members until nothing is due, the site stops working, or the time slice is over."""
    with database_stage():
        lane = _take_over(site_id)
        if lane is None or not probe(lane.site):
            return
    helpers = [
        threading.Thread(target=_work, args=(lane,), name=f"lane-{site_id}-{n}", daemon=True)
        for n in range(1, lane.site.concurrency)
    ]
    _running[site_id] = lane
    try:
        for thread in helpers:
            thread.start()
        _work(lane)
        for thread in helpers:
            thread.join()
    finally:
        _running.pop(site_id, None)
    if lane.stop.is_set():
        return
    with database_stage():
        forget_probes(lane.site)
        if time.monotonic() >= lane.ends_at:
            kick_lane(site_id)


def _take_over(site_id: str) -> Lane | None:
    """Take the lane's next number. What an earlier number still holds may have reached the site."""
    with transaction.atomic():
        site = Site.objects.select_for_update(no_key=True).filter(pk=site_id, active=True, paused=False).first()
        if site is None:
            return None
        site.epoch += 1
        site.save(update_fields=["epoch"])
        left = list(
            Member.objects.select_for_update(no_key=True)
            .filter(site=site, state=MemberState.WORKING, epoch__lt=site.epoch)
            .order_by("id")
            .values_list("id", flat=True)
        )
        if left:
            log.warning("lane_taken_over", site=site_id, members=len(left))
            # Only what the site may have made. A transaction that is known is looked at in any case, and if it shows
            # an end that nobody here wanted (see `stand`), its owner ended it.
            Grant.objects.filter(member__in=left, state=GrantState.DUE, remote_id="").update(look_first=True)
            Member.objects.filter(pk__in=left, remote_id="").update(look_first=True)
            due_at = timezone.now() + max(STILL_ON_ITS_WAY, 2 * _slowest_write(site))
            Member.objects.filter(pk__in=left).update(state=MemberState.DUE, due_at=due_at, version=F("version") + 1)
    return Lane(site, open_site(site), site.epoch, time.monotonic() + SLICE_SECONDS)


def _slowest_write(site: Site) -> timedelta:
    """The longest that one of the site's latest writes took."""
    latest = SiteRequest.objects.filter(site=site).exclude(method="GET").order_by("-id")[:WRITES_LOOKED_AT]
    return timedelta(milliseconds=max(latest.values_list("milliseconds", flat=True), default=0))


def _work(lane: Lane) -> None:
    while not (lane.stop.is_set() or ENDING.is_set()) and time.monotonic() < lane.ends_at:
        try:
            claim = _counted_claim(lane)
            if claim is not None:
                try:
                    _settle(lane, claim)
                finally:
                    lane.count(settling=-1)
            elif not lane.wait_for_more():
                return
        except Exception:
            # Nothing is lost: the member stays claimed under this epoch until the tick's kick takes the lane over.
            log.exception("lane_stopped", site=lane.site.pk)
            lane.stop.set()


def _counted_claim(lane: Lane) -> Claim | None:
    claim = None
    lane.count(claiming=1)
    try:
        with database_stage():
            claim = _claim(lane)
    finally:
        # In one step, so that nobody sees a lane at rest between the claim and the work on it.
        lane.count(claiming=-1, settling=int(claim is not None))
    return claim


def _settle(lane: Lane, claim: Claim) -> None:
    attempts: list[Attempt] = []
    proved_at = time.monotonic()

    def before_write() -> None:
        nonlocal proved_at
        if time.monotonic() - proved_at < CLAIM_PROOF_SECONDS:
            return
        with database_stage():
            if not Member.objects.filter(pk=claim.member_id, epoch=lane.epoch, state=MemberState.WORKING).exists():
                raise ClaimLost
        proved_at = time.monotonic()

    try:
        ensured = lane.open_site.ensure(claim.wanted, record=attempts.append, before_write=before_write)
    except ClaimLost:
        log.warning("claim_lost", site=lane.site.pk, member=claim.member_id)
        lane.stop.set()
        return
    except Exception:
        log.exception("site_adapter_failed", site=lane.site.pk, member=claim.member_id)
        with database_stage():
            release(claim, attempts)
        return
    with database_stage():
        works = write_outcome(claim, ensured, attempts, lane.site, lane.state_lock)
    if not works:
        lane.stop.set()


# One statement, so that a claim is made only while the lane is still this job's.
_CLAIM = """
    UPDATE access_member m SET state = 'working', epoch = %(epoch)s
     WHERE m.id = (SELECT due.id FROM access_member due
                    WHERE due.site_id = %(site)s AND due.state = 'due' AND due.due_at <= now()
                      -- Somebody has this address at the site until theirs has changed: they would be taken for this
                      -- member, or be in its way. (Two who exchange theirs do not wait for each other.)
                      AND NOT ((due.remote_id = '' OR due.email_due) AND EXISTS (
                          SELECT 1 FROM access_member other
                           WHERE other.former_email_key = due.email_key AND other.former_email_key <> ''
                             AND other.site_id = %(site)s AND other.email_due AND other.state IN ('due', 'working')
                             AND other.id <> due.id AND other.email_key <> due.former_email_key))
                    ORDER BY due.due_at, due.id LIMIT 1 FOR UPDATE SKIP LOCKED)
       AND EXISTS (SELECT 1 FROM connections_site s
                   WHERE s.id = %(site)s AND s.epoch = %(epoch)s AND s.active AND NOT s.paused)
    RETURNING m.id, m.version, m.email, m.first_name, m.last_name, m.remote_id, m.send_password, m.made_by_us,
              m.welcomed, m.look_first, m.attempts, m.first_attempt_at, m.email_due
"""

# What is due, and what the site has confirmed and still gives access. After the id and whether it is due, the fields of
# `WantedGrant` in any order.
_GRANTS = """
    SELECT id, state = 'due', ref, level, until_on, live, amount_minor, total_minor, currency, charged_at,
           CASE WHEN confirmed_at IS NULL THEN welcome ELSE 'never' END AS welcome,
           NULLIF(remote_id, '') AS remote_id, look_first, confirmed_live
      FROM access_grant
     WHERE member_id = %s
       AND (state = 'due' OR (state = 'right' AND live AND remote_id <> ''
                              AND (until_on IS NULL OR until_on >= (now() AT TIME ZONE 'UTC')::date)))
     ORDER BY charged_at, id
"""


def _claim(lane: Lane) -> Claim | None:
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"epoch": lane.epoch, "site": lane.site.pk})
        row = cursor.fetchone()
        if row is None:
            return None
        (
            member_id,
            version,
            email,
            first_name,
            last_name,
            remote_id,
            send_password,
            made,
            welcomed,
            look,
            tries,
            since,
            email_due,
        ) = row
        cursor.execute(_GRANTS, [member_id])
        rows = cursor.fetchall()
        fields = [column.name for column in cursor.description[2:]]
    found = [(row[1], WantedGrant(**dict(zip(fields, row[2:], strict=True)))) for row in rows]
    due = tuple(grant for is_due, grant in found if is_due)
    wanted = Wanted(
        person=Person(email, first_name, last_name, remote_id or None),
        grants=due,
        kept=tuple(grant for is_due, grant in found if not is_due and not _is_covered(grant, due)),
        send_password=send_password,
        made_by_us=made and not welcomed,
        look_first=look,
        change_email=email_due and made and bool(remote_id),
    )
    ids = {grant.ref: row[0] for row, (_, grant) in zip(rows, found, strict=True)}
    return Claim(lane.site.pk, lane.epoch, member_id, version, tries, since, wanted, ids)


def _is_covered(grant: WantedGrant, due: Collection[WantedGrant]) -> bool:
    """Whether one that is due gives the same level as long, as the next charge does: then it is not missed."""
    return any(
        other.live
        and other.level == grant.level
        and (other.until_on is None or (grant.until_on is not None and other.until_on >= grant.until_on))
        for other in due
    )
