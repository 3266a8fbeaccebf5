"""The queue's tasks. Jobs are kicks: they carry a name, the tables say what there is to do.

No retries and no future-dated jobs: under a queueing lock either would block its lane (docs/explanation/adr/0002).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from procrastinate.contrib.django import app

from guestlist.access.lane import run_lane
from guestlist.access.sitestate import may_be_asked, needs_levels, read_levels
from guestlist.connections.database import database_stage
from guestlist.connections.models import Site
from guestlist.engine.nightly import reconcile_by_itself
from guestlist.fulfilment.align_runs import run_alignment
from guestlist.fulfilment.planning import replan_blocked
from guestlist.inbox.interpret import interpret_shard

INBOX = "inbox"
LANES = "lanes"


# What this process is working on; a job's thread may outlive the queue's patience with it.
RUNNING: set[str] = set()


@contextmanager
def running(name: str) -> Iterator[None]:
    """Count a job among the running ones."""
    RUNNING.add(name)
    try:
        yield
    finally:
        RUNNING.discard(name)


@app.task(queue=INBOX, name="interpret")
def interpret(shard: int) -> None:
    """Work off a shard of the inbox."""
    with running(f"inbox:{shard}"), database_stage():
        interpret_shard(shard)


@app.task(queue=LANES, name="lane")
def lane(site: str) -> None:
    """Work off a site's due members."""
    with running(f"lane:{site}"):
        _lane(site)


def _lane(site: str) -> None:
    with database_stage():
        row = Site.objects.filter(pk=site, active=True, paused=False).first()
        if row is not None and needs_levels(row) and may_be_asked(row):
            # This is the probe as well: a site that shows its levels works.
            read_levels(row)
        # Not only after reading: an order that was planned meanwhile, or a worker that died here, left some behind.
        replan_blocked([site])
    run_lane(site)


@app.task(queue=LANES, name="align")
def align(run: int) -> None:
    """Bring past sales in line."""
    with running(f"align:{run}"), database_stage():
        run_alignment(run)


@app.task(queue=LANES, name="reconcile")
def reconcile(site: str) -> None:
    """Compare what a site holds with what it should hold."""
    with running(f"reconcile:{site}"), database_stage():
        reconcile_by_itself(site)
