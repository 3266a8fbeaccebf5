"""Having a site's lane rest, and go on: while the site is rebuilt, moved, or must not be touched."""

from __future__ import annotations

import structlog
from django.db import transaction

from guestlist.connections.kick import kick_lane
from guestlist.connections.models import Site

log = structlog.get_logger(__name__)


def pause_site(site_id: str) -> None:
    """Change nothing more at a site until it is resumed; what is under way is finished, its members wait untouched."""
    _set(site_id, paused=True)


def resume_site(site_id: str) -> None:
    """Go on with a site that was paused."""
    _set(site_id, paused=False)


def _set(site_id: str, *, paused: bool) -> None:
    with transaction.atomic():
        site = Site.objects.select_for_update(no_key=True).get(pk=site_id)
        if site.paused == paused:
            return
        site.paused = paused
        site.save(update_fields=["paused"])
        if not paused:
            kick_lane(site_id)
    log.info("site_paused" if paused else "site_resumed", site=site_id)
