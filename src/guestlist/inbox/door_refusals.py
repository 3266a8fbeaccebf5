"""Counting what is turned away, for the owner to see; the bodies are not kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import structlog

from guestlist.inbox.door_database import Database, DatabaseAway, Unstorable

log = structlog.get_logger(__name__)

# A burst of refusals is one statement in this time.
PAUSE_SECONDS = 0.2
RETRY_SECONDS = 2.0
WRITE_SECONDS = 2.0

# A cart that is gone meanwhile needs no count. The order keeps two processes from waiting for each other in a circle.
_COUNT = """
INSERT INTO inbox_refusal AS known (cart_id, "on", reason, count, last_at)
SELECT came.cart_id, came.day, came.reason, came.count, came.last_at
FROM unnest(%s::text[], %s::date[], %s::text[], %s::int4[], %s::timestamptz[])
     AS came (cart_id, day, reason, count, last_at)
JOIN connections_cart cart ON cart.id = came.cart_id
ORDER BY came.cart_id, came.day, came.reason
ON CONFLICT (cart_id, "on", reason) DO UPDATE
    SET count = known.count + excluded.count, last_at = greatest(known.last_at, excluded.last_at)
RETURNING id
"""

_Key = tuple[str, date, str]


class RefusalCount:
    """Counts in memory and writes at once, in batches; while the database is away the counts wait."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: dict[_Key, tuple[int, datetime]] = {}
        self._writing: asyncio.Task[None] | None = None

    def add(self, cart_id: str, reason: str) -> None:
        """Count one request."""
        now = datetime.now(UTC)
        self._merge((cart_id, now.date(), reason), 1, now)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def close(self) -> None:
        """Write what is still in memory, if the database is there."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.wait({self._writing})
        if self._counts:
            try:
                await self._write()
            except DatabaseAway as error:
                log.warning("refusals_lost", requests=sum(count for count, _ in self._counts.values()), why=str(error))

    async def _write_all(self) -> None:
        try:
            while self._counts:
                try:
                    await self._write()
                    await asyncio.sleep(PAUSE_SECONDS)
                except DatabaseAway:
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._writing = None

    async def _write(self) -> None:
        counts, self._counts = self._counts, {}
        keys = list(counts)
        columns = [list(column) for column in zip(*keys, strict=True)]
        values = [*columns, [counts[key][0] for key in keys], [counts[key][1] for key in keys]]
        try:
            await self._database.fetch(_COUNT, values, WRITE_SECONDS)
        except Unstorable:
            log.exception("refusals_unstorable")
        except (DatabaseAway, asyncio.CancelledError):
            for key, (count, last_at) in counts.items():
                self._merge(key, count, last_at)
            raise

    def _merge(self, key: _Key, count: int, last_at: datetime) -> None:
        before, before_at = self._counts.get(key, (0, last_at))
        self._counts[key] = (before + count, max(before_at, last_at))
