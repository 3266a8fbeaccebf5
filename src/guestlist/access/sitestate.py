"""What the last requests showed of a site as a whole: works, down, or needs its owner."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.access.schedule import next_probe
from guestlist.connections.database import database_stage, release_connection
from guestlist.connections.kick import kick_lane
from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Site, SiteState
from guestlist.domain.help_topics import HelpTopic
from guestlist.journal.models import Event
from guestlist.journal.write import site_line, write
from guestlist.sites.contract import Attempt, Connection, NeedsAttention, Outcome, RetryLater
from guestlist.sites.contract import Site as OpenSite
from guestlist.sites.registry import all_platforms

log = structlog.get_logger(__name__)

# Levels and their terms change seldom; a lane that runs reads them again after this long.
LEVELS_FRESH = timedelta(hours=6)

DOWN_REMEDY = (
    "Nothing has to be done in Guestlist: it goes on asking, and gives the waiting members what they bought as soon as "
    "the site answers. Should it last, ask the site's host."
)


@dataclass
class _OpenSites:
    """Open connections by site, kept between lane jobs so that keep-alive works; replaced when the settings change."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    sites: dict[str, tuple[tuple[object, ...], OpenSite]] = field(default_factory=dict)

    def get(self, site: Site) -> OpenSite:
        wanted = (site.kind, site.url, site.credentials_encrypted, site.allow_private_address)
        with self.lock:
            known = self.sites.get(site.pk)
            if known is not None and known[0] == wanted:
                return known[1]
            connection = Connection(
                url=site.url, credentials=site.credentials, allow_private_address=site.allow_private_address
            )
            site_id = site.pk
            opened = all_platforms()[site.kind].open(connection, record=lambda attempt: _keep(site_id, attempt))
            self.sites[site.pk] = (wanted, opened)
        if known is not None:
            known[1].close()
        return opened

    def close(self) -> None:
        with self.lock:
            for _, opened in self.sites.values():
                opened.close()
            self.sites.clear()


_open = _OpenSites()


def close_sites() -> None:
    """Close all open connections, at the end of a process."""
    _open.close()


def open_site(site: Site) -> OpenSite:
    """The process's open connection to a site."""
    return _open.get(site)


def request_row(site_id: str, member_id: int | None, attempt: Attempt) -> SiteRequest:
    """One request as it is kept. Text from a site may hold anything but the NUL that PostgreSQL refuses."""
    return SiteRequest(
        site_id=site_id,
        member_id=member_id,
        at=attempt.at,
        method=attempt.method,
        path=attempt.path.replace("\0", ""),
        status=attempt.status,
        milliseconds=round(attempt.seconds * 1000),
        excerpt=attempt.excerpt.replace("\0", ""),
        ref=attempt.ref,
    )


def _keep(site_id: str, attempt: Attempt) -> None:
    with database_stage():
        request_row(site_id, None, attempt).save()


def works(site: Site) -> bool:
    """Whether nothing is known to be wrong with the site."""
    return site.state in (SiteState.NEW, SiteState.OK)


def settle_site(site: Site, outcome: Outcome) -> bool:
    """Write down what an outcome says of the whole site. Returns whether the site works."""
    match outcome:
        case RetryLater(site_down=True):
            state, remedy, after, event = SiteState.DOWN, DOWN_REMEDY, outcome.after, Event.SITE_DOWN
        case NeedsAttention(site_wide=True):
            state, remedy, after, event = SiteState.ATTENTION, outcome.remedy, None, Event.SITE_ATTENTION
        case _:
            _works(site)
            return True
    now = timezone.now()
    if site.state != state:
        log.warning("site_" + state.value, site=site.pk, reason=outcome.reason)
        if _still(site).update(state_since=now):
            write([site_line(event, site.pk, outcome.reason)])
    _still(site).update(
        state=state,
        reason=outcome.reason,
        remedy=remedy,
        help=outcome.help or HelpTopic.SITE_UNREACHABLE,
        probes=site.probes + 1,
        probe_at=next_probe(site.probes, now, after),
    )
    site.state, site.probes = state, site.probes + 1
    return False


def _works(site: Site) -> None:
    if site.state == SiteState.OK:
        return
    working = {"state": SiteState.OK, "reason": "", "remedy": "", "help": "", "probe_at": None}
    if _still(site).update(**working, state_since=timezone.now()):
        write([site_line(Event.SITE_WORKS, site.pk)])
    site.state = SiteState.OK
    log.info("site_works", site=site.pk)


def forget_probes(site: Site) -> None:
    """The lane did its work: the next trouble is a new one.

    Not before. A site that answers the probe and fails at the work would be asked as often as one that just failed.
    """
    if site.probes:
        _still(site).update(probes=0)
        site.probes = 0


def _still(site: Site) -> QuerySet[Site]:
    """The site's row, unless the lane was taken over or the site is reached in another way by now."""
    return Site.objects.filter(pk=site.pk, epoch=site.epoch)


def may_be_asked(site: Site) -> bool:
    """Whether the site works, or it is time to look again."""
    return works(site) or site.probe_at is None or site.probe_at <= timezone.now()


def probe(site: Site) -> bool:
    """Whether the site works, asked with one request if the last ones said that it does not."""
    if works(site):
        return True
    if not may_be_asked(site):
        return False
    opened = open_site(site)
    release_connection()
    return settle_site(site, opened.check())


def ask_again_now(site_ids: Collection[str]) -> int:
    """Have sites that do not work asked at once, whenever the next look was planned. Returns how many there are."""
    troubled = Site.objects.filter(
        pk__in=site_ids, active=True, paused=False, state__in=(SiteState.DOWN, SiteState.ATTENTION)
    )
    found = list(troubled.order_by("pk").values_list("pk", flat=True))
    Site.objects.filter(pk__in=found).update(probe_at=timezone.now())
    for site_id in found:
        kick_lane(site_id)
    return len(found)


def needs_levels(site: Site) -> bool:
    """Whether the levels were never read, or long ago."""
    return site.levels_read_at is None or timezone.now() - site.levels_read_at > LEVELS_FRESH


def read_levels(site: Site) -> bool:
    """Read the site's levels and keep them. Returns whether they are kept; without them the lane waits."""
    opened = open_site(site)
    release_connection()
    read = opened.levels()
    match read:
        case NeedsAttention():
            settle_site(site, replace(read, site_wide=True))
            return False
        case RetryLater():
            settle_site(site, replace(read, site_down=True))
            return False
    site.levels, site.levels_read_at = levels_to_json(read.levels), timezone.now()
    # Whichever lane is at work by now, unless it is another site, or reached in another way.
    same = Site.objects.filter(pk=site.pk, url=site.url, credentials_encrypted=site.credentials_encrypted)
    if not same.update(levels=site.levels, levels_read_at=site.levels_read_at):
        return False
    _works(site)
    return True


def sites_with_work() -> list[str]:
    """Sites whose lane has something to do now.

    That is: due members, claims left behind, grants that wait for levels, levels that were never read, or a look at a
    site that did not work. A claim that is being worked on counts too: its lane holds the lock, and a kick too many
    costs nothing.
    """
    now = timezone.now()
    reachable = Q(state__in=(SiteState.NEW, SiteState.OK)) | Q(probe_at=None) | Q(probe_at__lte=now)
    due = Member.objects.filter(site=OuterRef("pk"), state=MemberState.DUE, due_at__lte=now)
    others = {*Member.objects.filter(state=MemberState.WORKING).values_list("site_id", flat=True).distinct()}
    others |= {*Grant.objects.filter(state=GrantState.BLOCKED).values_list("member__site_id", flat=True).distinct()}
    troubled = Q(state__in=(SiteState.DOWN, SiteState.ATTENTION))
    work = troubled | Q(levels_read_at=None) | Q(pk__in=others) | Exists(due)
    return list(
        Site.objects.filter(reachable, work, active=True, paused=False).order_by("id").values_list("id", flat=True)
    )
