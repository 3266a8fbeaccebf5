"""Noting that a cart asked whether its webhook address answers, for the owner who waits for it."""

from __future__ import annotations

import asyncio

import structlog

from guestlist.inbox.door_database import Database, DatabaseAway

log = structlog.get_logger(__name__)

# Anybody may ask an address; more often than this it is written down by nobody.
PAUSE_SECONDS = 60.0
WRITE_SECONDS = 1.0

_NOTE = """
UPDATE connections_cart SET checked_at = now()
WHERE id = %s AND (checked_at IS NULL OR checked_at < now() - make_interval(secs => %s))
RETURNING id
"""


class AddressChecks:
    """When each cart's address was last asked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted_at: dict[str, float] = {}

    async def note(self, cart_id: str) -> None:
        """Write down that it was asked now. What cannot be written is not worth a refusal."""
        now = asyncio.get_running_loop().time()
        if now - self._noted_at.get(cart_id, float("-inf")) < PAUSE_SECONDS:
            return
        self._noted_at[cart_id] = now
        try:
            await self._database.fetch(_NOTE, (cart_id, PAUSE_SECONDS), WRITE_SECONDS)
        except DatabaseAway as error:
            del self._noted_at[cart_id]
            log.warning("address_check_not_noted", cart=cart_id, reason=str(error))
