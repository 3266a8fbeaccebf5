"""The door's own way to the database: asynchronous, with a bound on every wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg
import structlog
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

log = structlog.get_logger(__name__)

# Two groups of deliveries, the carts, the refusals, and one for /readyz.
CONNECTIONS = 5
# How long a connection that does not obey a cancellation may keep its place.
_OBEY_SECONDS = 0.5
_RETRY_SECONDS = 0.05
# A lost server is looked for anew by each request; a long pause between attempts would outlast the outage.
_RECONNECT_SECONDS = 2
_CONNECT_SECONDS = 2
# Where network cables end, a dead server is one whose packets nobody confirms.
_UNCONFIRMED_MILLISECONDS = 5000
_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

Row = tuple[Any, ...]
_Result = TypeVar("_Result")


class DatabaseAway(Exception):
    """The database did not do it in time; whether it still does is unknown. The text says why, in words."""


class Unstorable(Exception):
    """The database refuses these values; asking again does not help."""


class Database:
    """A pool of connections, each statement a transaction of its own."""

    def __init__(self, conninfo: str) -> None:
        self._pool = AsyncConnectionPool(
            conninfo,
            kwargs={
                "autocommit": True,
                "application_name": "guestlist door",
                "connect_timeout": _CONNECT_SECONDS,
                "tcp_user_timeout": _UNCONFIRMED_MILLISECONDS,
            },
            configure=_make_durable,
            min_size=2,
            max_size=CONNECTIONS,
            reconnect_timeout=_RECONNECT_SECONDS,
            open=False,
            name="door",
        )

    async def open(self) -> None:
        """Begin to connect; does not wait for it, so that the process starts while the database is away."""
        await self._pool.open()

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.close(timeout=_OBEY_SECONDS)

    async def fetch(self, statement: str, values: Mapping[str, object] | Sequence[object], within: float) -> list[Row]:
        """Run one statement and return its rows once it is committed.

        A statement whose connection was lost is run again, so it must be one that may run twice.

        Args:
            within: seconds after which it is given up.

        Raises:
            DatabaseAway: no answer within that time.
            Unstorable: the values are refused.
        """
        deadline = asyncio.get_running_loop().time() + within
        return await bounded(self._fetch(statement, values, deadline), within)

    async def _fetch(
        self, statement: str, values: Mapping[str, object] | Sequence[object], deadline: float
    ) -> list[Row]:
        loop = asyncio.get_running_loop()
        while True:
            try:
                async with self._pool.connection(timeout=max(deadline - loop.time(), 0.01)) as connection:
                    cursor = await connection.execute(statement, values, prepare=True)
                    return await cursor.fetchall()
            except (PoolTimeout, PoolClosed) as error:
                raise DatabaseAway("no connection to the database") from error
            except (psycopg.DataError, psycopg.IntegrityError) as error:
                raise Unstorable(str(error)) from error
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                if loop.time() + _RETRY_SECONDS > deadline:
                    raise DatabaseAway(_first_line(error)) from error
                await asyncio.sleep(_RETRY_SECONDS)
            except psycopg.Error as error:
                raise DatabaseAway(_first_line(error)) from error


async def bounded(work: Awaitable[_Result], seconds: float) -> _Result:
    """The result of `work`, waited for no longer than so many seconds.

    What is late is cancelled and left to end by itself: psycopg's own cancellation asks the server, and one that hangs
    takes seconds to answer. Cancelled a second time, it closes the connection.

    Raises:
        DatabaseAway: it takes longer.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait({task}, timeout=seconds)
    if done:
        return task.result()
    task.cancel()
    task.add_done_callback(_ignore_result)
    asyncio.get_running_loop().call_later(_OBEY_SECONDS, task.cancel)
    raise DatabaseAway(f"no answer from the database within {seconds:g} s")


async def _make_durable(connection: psycopg.AsyncConnection[Row]) -> None:
    """A 200 means that the delivery survives a power cut, also where the server's default is to be quicker."""
    await connection.execute(_DURABLE)


def _ignore_result(task: asyncio.Future[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.debug("late_answer", reason=str(task.exception()))


def _first_line(error: psycopg.Error) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
