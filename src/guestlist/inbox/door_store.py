"""Storing deliveries: all that arrive while a commit is under way share the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import cast

import structlog

from guestlist.connections.kick import CHANNEL
from guestlist.inbox.door_database import Database, DatabaseAway, Unstorable

log = structlog.get_logger(__name__)

GROUP_ROWS = 128
# While one group commits the next is sent, if it is worth its statement: small groups cost more than waiting.
GROUPS_AT_ONCE = 2
SECOND_GROUP_ROWS = 16
GROUP_BYTES = 2 * 1024 * 1024
# More than this in memory means that the database cannot keep up: the cart is asked to come back.
WAITING_BYTES = 64 * 1024 * 1024
STORE_SECONDS = 2.0
# A group whose first delivery arrived so long ago is no longer begun: its cart may have given up waiting.
PATIENCE_SECONDS = 2.5

# A delivery that was checked against an outdated secret, a disconnected cart or a removed token joins nothing and comes
# back. The order by digest keeps two processes with the same bodies from waiting for each other in a circle.
_STORE = """
WITH came AS (
    SELECT * FROM unnest(
        %b::text[], %b::int8[], %b::text[], %b::bytea[], %b::bytea[], %b::text[], %b::int2[]
    ) WITH ORDINALITY AS line (cart_id, version, token, digest, body, content_type, shard, place)
), checked AS (
    SELECT came.* FROM came
    JOIN connections_cart cart ON cart.id = came.cart_id AND cart.version = came.version AND cart.active
    WHERE came.token = '' OR EXISTS (
        SELECT FROM connections_hooktoken token WHERE token.cart_id = came.cart_id AND token.digest = came.token
    )
), stored AS (
    INSERT INTO inbox_delivery (cart_id, digest, body, content_type, shard)
    SELECT cart_id, digest, body, content_type, shard FROM checked ORDER BY digest, cart_id
    ON CONFLICT (cart_id, digest) DO NOTHING
    RETURNING cart_id, digest, shard
), kicked AS (
    SELECT pg_notify(%s, 'inbox:' || shard) FROM (SELECT DISTINCT shard FROM stored) shards
)
SELECT checked.place, stored.shard IS NOT NULL
FROM checked LEFT JOIN stored USING (cart_id, digest), (SELECT count(*) FROM kicked) kicks
"""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A delivery that was found to be its cart's.

    Attributes:
        version: the cart's, when it was checked.
        token_digest: of the token in the address; "" = the secret was in the body.
        body: without the secret.
        arrived_at: loop time when it was there completely.
    """

    cart_id: str
    version: int
    token_digest: str
    digest: bytes
    body: bytes
    content_type: str
    shard: int
    arrived_at: float


class Outcome(Enum):
    """What became of a delivery."""

    STORED = "stored"
    REPEATED = "repeated"  # the same body was there already
    OUTDATED = "outdated"  # not stored: the cart has changed since the delivery was checked


@dataclass(slots=True)
class _Ticket:
    incoming: Incoming
    outcome: asyncio.Future[Outcome]


class Storer:
    """Group commit. Nothing here is needed for correctness across processes: the tables' constraints are."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[_Ticket] = deque()
        self._waiting_bytes = 0
        self._under_way: set[asyncio.Task[None]] = set()

    async def store(self, incoming: Incoming) -> Outcome:
        """Store a delivery, durably, and kick its shard.

        Raises:
            DatabaseAway: it is not known to be stored.
            Unstorable: the database refuses it.
        """
        if self._waiting_bytes > WAITING_BYTES:
            raise DatabaseAway("more deliveries come in than the database can store")
        ticket = _Ticket(incoming, asyncio.get_running_loop().create_future())
        self._waiting.append(ticket)
        self._waiting_bytes += len(incoming.body)
        self._begin_group()
        return await ticket.outcome

    def _begin_group(self) -> None:
        enough = SECOND_GROUP_ROWS if self._under_way else 1
        if len(self._waiting) >= enough and len(self._under_way) < GROUPS_AT_ONCE:
            self._under_way.add(asyncio.create_task(self._work_off()))

    async def _work_off(self) -> None:
        # A task begins in the loop's next turn, so a group has all that came in this one.
        try:
            if group := self._next_group():
                await self._store(group)
        finally:
            self._under_way.remove(cast("asyncio.Task[None]", asyncio.current_task()))
            self._begin_group()

    def _next_group(self) -> list[_Ticket]:
        group: list[_Ticket] = []
        size = 0
        while self._waiting and len(group) < GROUP_ROWS and size < GROUP_BYTES:
            ticket = self._waiting.popleft()
            group.append(ticket)
            size += len(ticket.incoming.body)
        self._waiting_bytes -= size
        return group

    async def _store(self, group: list[_Ticket]) -> None:
        if group[0].incoming.arrived_at < asyncio.get_running_loop().time() - PATIENCE_SECONDS:
            _fail(group, DatabaseAway("the database is too slow"))
            return
        try:
            await self._store_group(group)
        except Unstorable as error:
            if len(group) == 1:
                log.exception("delivery_unstorable", cart=group[0].incoming.cart_id)
                _fail(group, error)
            else:
                # One of them is at fault: alone, each of the others is stored.
                for ticket in group:
                    await self._store([ticket])
        except DatabaseAway as error:
            log.warning("door_database_away", reason=str(error), deliveries=len(group) + len(self._waiting))
            # The others have waited, too; sent again, they find the database back or hear the same.
            _fail([*group, *self._waiting], error)
            self._waiting.clear()
            self._waiting_bytes = 0
        except Exception as error:
            log.exception("door_failed")
            _fail(group, error)

    async def _store_group(self, group: list[_Ticket]) -> None:
        rows = await self._database.fetch(_STORE, _columns([ticket.incoming for ticket in group]), STORE_SECONDS)
        new_at: dict[int, bool] = dict(rows)
        seen: set[tuple[str, bytes]] = set()
        for place, ticket in enumerate(group, 1):
            key = (ticket.incoming.cart_id, ticket.incoming.digest)
            outcome = Outcome.OUTDATED
            if place in new_at:
                outcome = Outcome.STORED if new_at[place] and key not in seen else Outcome.REPEATED
                seen.add(key)
            if not ticket.outcome.done():
                ticket.outcome.set_result(outcome)


def _columns(group: Sequence[Incoming]) -> list[object]:
    return [
        [row.cart_id for row in group],
        [row.version for row in group],
        [row.token_digest for row in group],
        [row.digest for row in group],
        [row.body for row in group],
        [row.content_type for row in group],
        [row.shard for row in group],
        CHANNEL,
    ]


def _fail(group: Sequence[_Ticket], error: Exception) -> None:
    for ticket in group:
        if not ticket.outcome.done():
            # One of its own for each: an exception that is raised in many places gathers all their tracebacks.
            ticket.outcome.set_exception(type(error)(*error.args))
