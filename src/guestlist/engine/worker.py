"""The worker role: runs jobs, hears kicks, and ticks.

A kick is a NOTIFY; hearing one defers a job under a queueing lock, so any number of kicks is one waiting job. The tick
looks at the tables every few seconds, because kicks may be lost, and clears the jobs of workers that died.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import procrastinate
import psycopg
import structlog
from django.db import InterfaceError, OperationalError
from procrastinate import exceptions
from procrastinate.contrib.django import app as django_app
from procrastinate.jobs import Status

from guestlist.access.lane import nudge
from guestlist.access.sitestate import close_sites, sites_with_work
from guestlist.connections.database import database_stage
from guestlist.connections.ending import ENDING
from guestlist.connections.kick import CHANNEL
from guestlist.engine.nightly import due_now, quiet_hour
from guestlist.engine.prompt import PromptWorker
from guestlist.engine.pulse import count_up
from guestlist.engine.tasks import INBOX, LANES, RUNNING, align, interpret, lane, reconcile, running
from guestlist.fulfilment.align_runs import runs_to_do
from guestlist.inbox.interpret import shards_waiting
from guestlist.people.requests import finish_requests

log = structlog.get_logger(__name__)

# Sites worked on at once by one worker process. A lane mostly waits, so this is far above the number of cores.
LANE_SLOTS = 64
INBOX_SLOTS = 4
TICK_SECONDS = 2.0
HEARTBEAT_SECONDS = 2.0
DEAD_AFTER_SECONDS = 10
# Below the 10 s after which the supervisor, or systemd, loses patience, and after which the lanes are taken over.
GRACE_SECONDS = 7


def run_worker() -> None:
    """Run until SIGTERM or SIGINT; jobs under way are finished first (for at most 7 s).

    Raises:
        ValueError: a setting from the environment cannot be read.
    """
    quiet_hour()
    try:
        asyncio.run(_main())
    finally:
        close_sites()


async def _main() -> None:
    loop = asyncio.get_running_loop()
    # The default executor of a small machine has six threads; each lane needs one of its own.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=LANE_SLOTS + INBOX_SLOTS + 4, thread_name_prefix="job"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, stop.set)
    connector = procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=2, max_size=8)
    app = django_app.with_connector(connector)
    async with app.open_async():
        roles = [
            asyncio.create_task(_run_queue(app, INBOX, INBOX_SLOTS)),
            asyncio.create_task(_run_queue(app, LANES, LANE_SLOTS)),
            asyncio.create_task(_hear_kicks(app)),
            asyncio.create_task(_tick(app)),
            asyncio.create_task(_erase_people()),
        ]
        log.info("worker_ready")
        stopped = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([stopped, *roles], return_when=asyncio.FIRST_COMPLETED)
        ENDING.set()
        for role in roles:
            role.cancel()
        await asyncio.wait(roles, timeout=GRACE_SECONDS + 1)
        if RUNNING:
            # Their threads cannot be ended, and must not work on while another worker takes their lanes over. What they
            # are at is looked up there first, as after any death.
            log.warning("worker_ends_in_mid_work", jobs=sorted(RUNNING))
            os._exit(0)
        for task in done - {stopped}:
            task.result()  # a role that ended by itself ended with an error: let the supervisor see it


async def _run_queue(app: procrastinate.App, queue: str, slots: int) -> None:
    worker = PromptWorker(
        app,
        queues=[queue],
        name=queue,
        concurrency=slots,
        delete_jobs="always",
        fetch_job_polling_interval=TICK_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        shutdown_graceful_timeout=GRACE_SECONDS,
        install_signal_handlers=False,
    )
    await worker.run()  # type: ignore[no-untyped-call]


async def _hear_kicks(app: procrastinate.App) -> None:
    """Turn kicks into jobs; a lost connection is made anew (the tick covers the time between)."""
    while True:
        try:
            async for kind, name in _kicks():
                await _defer(app, kind, name)
        except psycopg.OperationalError as error:
            log.warning("kicks_interrupted", reason=str(error).splitlines()[0])
            await asyncio.sleep(1)


async def _kicks() -> AsyncIterator[tuple[str, str]]:
    async with await psycopg.AsyncConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        async for notice in connection.notifies():
            kind, _, name = notice.payload.partition(":")
            yield kind, name


async def _defer(app: procrastinate.App, kind: str, name: str) -> None:
    key = f"{kind}:{name}"
    with contextlib.suppress(exceptions.AlreadyEnqueued):
        match kind:
            case "inbox":
                await app.tasks[interpret.name].configure(lock=key, queueing_lock=key).defer_async(shard=int(name))
            case "lane":
                nudge(name)
                await app.tasks[lane.name].configure(lock=key, queueing_lock=key).defer_async(site=name)
            case "reconcile":
                await app.tasks[reconcile.name].configure(lock=key, queueing_lock=key).defer_async(site=name)
            case "align":
                # One at a time: each of them is many orders.
                await app.tasks[align.name].configure(lock="align", queueing_lock=key).defer_async(run=int(name))
            case _:
                log.warning("unknown_kick", payload=key)


async def _tick(app: procrastinate.App) -> None:
    while True:
        try:
            await _clear_dead_workers(app)
            for kind, name in await asyncio.to_thread(_work_to_do):
                await _defer(app, kind, name)
            await asyncio.to_thread(_count_up)
        except (psycopg.OperationalError, exceptions.ConnectorException) as error:
            log.warning("tick_failed", reason=str(error).splitlines()[0])
        except Exception:
            log.exception("tick_failed")
        await asyncio.sleep(TICK_SECONDS)


def _work_to_do() -> list[tuple[str, str]]:
    with database_stage():
        inbox = [("inbox", str(shard)) for shard in shards_waiting()]
        lanes = [("lane", site) for site in sites_with_work()]
        checks = [("reconcile", site) for site in due_now()]
        return inbox + lanes + checks + [("align", str(run)) for run in runs_to_do()]


def _count_up() -> None:
    with database_stage():
        count_up()


async def _erase_people() -> None:
    """Beside the tick, because looking through very many deliveries takes longer than that may wait."""
    while True:
        try:
            await asyncio.to_thread(_erase)
        except (OperationalError, InterfaceError) as error:
            log.warning("erasing_failed", reason=str(error).splitlines()[0])
        except Exception:
            log.exception("erasing_failed")
        await asyncio.sleep(TICK_SECONDS)


def _erase() -> None:
    with running("erase"), database_stage():
        finish_requests()


async def _clear_dead_workers(app: procrastinate.App) -> None:
    """Delete the jobs of workers whose heartbeat stopped, so that their locks are free."""
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_AFTER_SECONDS):
        log.warning("job_of_dead_worker", job=job.id, lock=job.lock)
        # Another worker may have been quicker.
        with contextlib.suppress(exceptions.ConnectorException):
            await app.job_manager.finish_job(job, status=Status.FAILED, delete_job=True)
    await app.job_manager.prune_stalled_workers(seconds_since_heartbeat=DEAD_AFTER_SECONDS * 6)


def work_lanes_off(site_ids: Sequence[str]) -> bool:
    """Without a worker that lives, work these sites' due members off in this process, under the queue's own locks.

    Returns:
        Whether there was no worker.
    """
    return asyncio.run(_work_lanes_off(site_ids))


async def _work_lanes_off(site_ids: Sequence[str]) -> bool:
    connector = procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], min_size=1, max_size=4)
    app = django_app.with_connector(connector)
    async with app.open_async():
        alive = (
            "SELECT 1 AS alive FROM procrastinate_workers WHERE last_heartbeat > now() - make_interval(secs => %(s)s)"
        )
        if await connector.execute_query_all_async(alive, s=DEAD_AFTER_SECONDS):
            return False
        await _clear_dead_workers(app)
        for site in site_ids:
            await _defer(app, "lane", site)
        await app.run_worker_async(
            queues=[LANES], wait=False, concurrency=INBOX_SLOTS, delete_jobs="always", install_signal_handlers=False
        )
    return True
