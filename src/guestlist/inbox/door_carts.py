"""The connected carts as the door remembers them."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import structlog

from guestlist.carts.contract import Cart, Peek
from guestlist.carts.registry import all_carts
from guestlist.connections.secrets import SecretUnreadable, decrypt
from guestlist.inbox.door_database import Database, Row, bounded

log = structlog.get_logger(__name__)

# Whoever sends wrong secrets or made-up addresses causes one reading in this time, however many requests they make.
PAUSE_SECONDS = 0.2
READ_SECONDS = 1.5

_READ = """
SELECT cart.id, cart.kind, cart.version, cart.secret_encrypted,
       cart.previous_secret_encrypted, cart.previous_secret_until,
       ARRAY(SELECT token.digest FROM connections_hooktoken token WHERE token.cart_id = cart.id)
FROM connections_cart cart WHERE cart.active
"""


class Fault(StrEnum):
    """Why a delivery is not taken, as it is counted."""

    WRONG_SECRET = "wrong-secret"  # noqa: S105 - a reason
    NO_SECRET = "no-secret"  # noqa: S105
    UNKNOWN_TOKEN = "unknown-token"  # noqa: S105
    TOO_LARGE = "too-large"
    UNUSABLE = "unusable"  # no fault of the sender: the cart's settings cannot be used here


@dataclass(frozen=True, slots=True)
class Previous:
    """A cart's secret before the present one, and until when it counts."""

    secret: str
    until: datetime


@dataclass(frozen=True, slots=True)
class KnownCart:
    """A connected cart.

    Attributes:
        row: as read from the database.
        adapter: None = of a kind unknown here, or its secret is stored with another key: nothing can be taken for it.
        previous: the secret before, which may still count.
        tokens: digests of the tokens in its addresses.
    """

    row: Row
    id: str
    version: int
    adapter: Cart | None
    secret: str
    previous: Previous | None
    tokens: frozenset[str]

    def peek(self, body: bytes) -> Peek:
        """What the cart's adapter sees at a glance."""
        return self.adapter.peek(body) if self.adapter else Peek(secret=None, customer="")

    def blank(self, body: bytes) -> bytes:
        """The body as it may be kept."""
        return self.adapter.blank(body, self._secrets) if self.adapter else b""

    def fault(self, token_digest: str, peek: Peek) -> Fault | None:
        """Why a delivery is not taken; None = it is the cart's.

        Args:
            token_digest: of the token in the address; "" = none, then the secret decides.
        """
        if self.adapter is None:
            return Fault.UNUSABLE
        if token_digest:
            return None if token_digest in self.tokens else Fault.UNKNOWN_TOKEN
        if not peek.secret:
            return Fault.NO_SECRET
        # A cart without a secret of its own takes nothing, whatever a body carries.
        right = self.secret and _same(peek.secret, self.secret)
        return None if right or self._was_right(peek.secret) else Fault.WRONG_SECRET

    @property
    def _secrets(self) -> list[str]:
        """All that must not be kept: a former secret, too, once it counts no longer."""
        return [secret for secret in (self.secret, self.previous.secret if self.previous else "") if secret]

    def _was_right(self, said: str) -> bool:
        previous = self.previous
        return previous is not None and datetime.now(UTC) < previous.until and _same(said, previous.secret)


class CartBook:
    """All connected carts, in memory.

    An entry may be outdated. So nothing is refused before it was read anew, and nothing is stored unless the cart is
    still as it was when the delivery was checked (`Storer`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._carts: dict[str, KnownCart] = {}
        self._next: asyncio.Task[None] | None = None
        self._last: asyncio.Task[None] | None = None
        self._last_began_at = float("-inf")

    def remembered(self, cart_id: str) -> KnownCart | None:
        """The cart as last read."""
        return self._carts.get(cart_id)

    async def fresh(self, cart_id: str) -> KnownCart | None:
        """The cart as a reading tells that begins after this call; all who wait share one reading.

        Raises:
            DatabaseAway: it cannot be read now.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._read())
        # Shielded: one that waits no longer does not end the reading for the others.
        await bounded(asyncio.shield(self._next), READ_SECONDS)
        return self._carts.get(cart_id)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        if self._last is not None:
            await asyncio.wait({self._last})
        await asyncio.sleep(self._last_began_at + PAUSE_SECONDS - loop.time())
        self._last, self._next = self._next, None
        self._last_began_at = loop.time()
        rows = await self._database.fetch(_READ, (), READ_SECONDS)
        self._carts = {row[0]: self._known(row) for row in rows}

    def _known(self, row: Row) -> KnownCart:
        before = self._carts.get(row[0])
        return before if before is not None and before.row == row else _understood(row)


def _understood(row: Row) -> KnownCart:
    cart_id, kind, version, encrypted, former, former_until, tokens = row
    adapter = all_carts().get(kind)
    secret, previous = "", None
    if adapter is None:
        log.error("cart_kind_unknown", cart=cart_id, kind=kind)
    try:
        secret = decrypt(encrypted)
        previous = Previous(decrypt(former), former_until) if former and former_until else None
    except SecretUnreadable as error:
        adapter = None
        log.error("cart_unusable", cart=cart_id, reason=str(error))  # noqa: TRY400 - a traceback would add nothing
    return KnownCart(row, cart_id, version, adapter, secret, previous, frozenset(tokens))


def _same(said: str, secret: str) -> bool:
    return hmac.compare_digest(said.encode("utf-8", "surrogatepass"), secret.encode("utf-8", "surrogatepass"))
