"""Whether a worker is there to do what is to be done."""

from __future__ import annotations

from django.db import connection

# Workers give a sign of life every two seconds.
SILENT_SECONDS = 15


def worker_lives() -> bool:
    """Whether one gave a sign of life lately."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM procrastinate_workers"
            " WHERE last_heartbeat > now() - make_interval(secs => %s))",
            [SILENT_SECONDS],
        )
        (lives,) = cursor.fetchone()
    return bool(lives)
