"""What Guestlist does by itself at night: compare what each site holds with what it should hold."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from django.utils import timezone

from guestlist.access.reconcile.models import Reconciliation
from guestlist.access.reconcile.run import Busy, reconcile, unfinished
from guestlist.connections.ending import ENDING
from guestlist.connections.models import Site, SiteState

QUIET_HOUR = 3
# A worker that was away at that hour begins a little later; then the night is over.
NIGHT = timedelta(hours=3)
NOT_AGAIN_BEFORE = timedelta(hours=20)


class Ending(Exception):
    """The worker is to end: what is under way stops where it is, and goes on in the next one."""


def quiet_hour() -> int:
    """The hour (UTC) at which the night's work begins.

    Raises:
        ValueError: GUESTLIST_RECONCILE_HOUR is no hour.
    """
    said = os.environ.get("GUESTLIST_RECONCILE_HOUR", "")
    if not said:
        return QUIET_HOUR
    if not said.isdecimal() or int(said) > 23:
        raise ValueError(f'GUESTLIST_RECONCILE_HOUR is "{said}": write an hour of the day in UTC, 0 to 23.')
    return int(said)


def sites_to_reconcile(now: datetime, hour: int) -> list[str]:
    """Sites whose reconciliation was begun and stopped, and at night those that were not reconciled lately.

    Args:
        hour: at which the night begins (UTC).
    """
    begun = unfinished(now)
    if (now - now.replace(hour=hour, minute=0, second=0, microsecond=0)) % timedelta(days=1) >= NIGHT:
        return begun
    lately = Reconciliation.objects.filter(started_at__gt=now - NOT_AGAIN_BEFORE).values("site_id")
    working = Site.objects.filter(
        active=True, paused=False, state__in=(SiteState.NEW, SiteState.OK), levels_read_at__isnull=False
    )
    due = working.exclude(pk__in=lately).order_by("pk").values_list("pk", flat=True)
    return [*begun, *(site for site in due if site not in begun)]


def reconcile_by_itself(site_id: str) -> None:
    """Reconcile a site, or go on with it. Stops when the worker is to end."""

    def go_on(_progress: object) -> None:
        if ENDING.is_set():
            raise Ending

    try:
        reconcile(site_id, progress=go_on)
    except (Busy, Ending, Site.DoesNotExist):
        return


def due_now() -> list[str]:
    """What there is to begin, or to go on with, at this moment."""
    return sites_to_reconcile(timezone.now(), quiet_hour())
