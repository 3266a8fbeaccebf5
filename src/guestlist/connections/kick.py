"""Kicks: a word to the workers that there is work. They may be lost or doubled; the tables are the truth.

Sent with NOTIFY, so a kick inside a transaction goes out with its commit and never for work that was rolled back.
"""

from __future__ import annotations

from django.db import connection

CHANNEL = "guestlist_kick"


def kick_lane(site_id: str) -> None:
    """Members of this site are due."""
    _notify(f"lane:{site_id}")


def kick_inbox(shard: int) -> None:
    """Deliveries of this shard wait to be interpreted."""
    _notify(f"inbox:{shard}")


def kick_reconciliation(site_id: str) -> None:
    """The site's reconciliation was begun and waits to be run."""
    _notify(f"reconcile:{site_id}")


def kick_alignment(run_id: int) -> None:
    """Past sales were asked to be aligned."""
    _notify(f"align:{run_id}")


def _notify(payload: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, payload])
