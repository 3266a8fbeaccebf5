"""A queue worker that leaves no job waiting for the next poll.

Procrastinate's own worker looks for jobs when it is notified of one, and at its polling interval. Two jobs slip through
to the interval: one that is inserted while the worker is looking, and one whose lock is freed when another job ends.
Both are everyday cases here (a kick while its lane is just finishing), and waiting seconds for either would show.
"""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import JobContext
from procrastinate.worker import Worker


class PromptWorker(Worker):
    """Looks again after anything that happened while it looked, and after each job's end."""

    _wakes = 0

    async def _handle_notification(self, *, channel: str, notification: Any) -> None:
        self._wakes += 1
        await super()._handle_notification(channel=channel, notification=notification)

    async def _process_job(self, context: JobContext) -> None:
        try:
            await super()._process_job(context)
        finally:
            self._wakes += 1
            self._new_job_event.set()

    async def _fetch_and_process_jobs(self) -> None:
        seen = None
        while seen != self._wakes:
            seen = self._wakes
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]
