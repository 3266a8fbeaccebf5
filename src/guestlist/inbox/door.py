"""The webhook door: the hot path in front of the web application.

A delivery is checked, stored as it came (its secret blanked) in one durable transaction, and answered. Nothing else
happens here: what it means is for `interpret` to find out. Design section 3, "/hooks/<cart id>".
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from guestlist.carts.contract import Peek
from guestlist.inbox.door_carts import CartBook, Fault, KnownCart
from guestlist.inbox.door_checks import AddressChecks
from guestlist.inbox.door_database import Database, DatabaseAway, Unstorable
from guestlist.inbox.door_metrics import DELIVERIES, REFUSALS, STORE_SECONDS
from guestlist.inbox.door_refusals import RefusalCount
from guestlist.inbox.door_store import Incoming, Outcome, Storer
from guestlist.inbox.models import SHARDS

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]

LARGEST_BODY = 256 * 1024
READY_SECONDS = 1.0
RETRY_AFTER_SECONDS = 5
# A cart whose settings change while its delivery is stored is checked anew; nobody changes them so often.
_CHECKS = 3
_ADDRESS = re.compile(r"/hooks/([-\w]{1,64})(?:/([^/]+))?", re.ASCII)
_WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, ready to be sent."""

    start: Message
    body: Message


def _answer(status: int, content: dict[str, object], *headers: tuple[bytes, bytes]) -> Answer:
    body = json.dumps(content).encode()
    described = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    return Answer(
        {"type": "http.response.start", "status": status, "headers": [*described, *headers]},
        {"type": "http.response.body", "body": body},
    )


def _error(status: int, words: str, *headers: tuple[bytes, bytes]) -> Answer:
    return _answer(status, {"error": words}, *headers)


_RETRY_AFTER = (b"retry-after", str(RETRY_AFTER_SECONDS).encode())
OK = _answer(200, {"ok": True})
UNKNOWN_CART = _error(
    404, "No cart is connected at this address. Copy the webhook address from Guestlist once more, to its last letter."
)
WRONG_METHOD = _error(405, "Deliveries are sent here with POST.", (b"allow", b"GET, HEAD, POST"))
WRONG_SECRET = _error(
    403, "The secret word is missing or is not this cart's. Enter the cart's present secret word in Guestlist."
)
WRONG_TOKEN = _error(403, "This address is not valid any more. Connect the cart's event subscriptions once more.")
TOO_LARGE = _error(413, "The body has more than 256 KiB; no delivery of a cart is that large.")
AWAY = _error(503, "Not stored: the database does not answer. Send the same again in a moment.", _RETRY_AFTER)
UNUSABLE = _error(503, "Not stored: this cart's settings cannot be read here. Its owner finds why in Guestlist's log.")
FAILED = _error(500, "Not stored: Guestlist failed. Its log says why.")
_REFUSALS = {
    Fault.WRONG_SECRET: WRONG_SECRET,
    Fault.NO_SECRET: WRONG_SECRET,
    Fault.UNKNOWN_TOKEN: WRONG_TOKEN,
    Fault.TOO_LARGE: TOO_LARGE,
}


class Door:
    """An ASGI application that answers `/hooks/...`, `/healthz` and `/readyz` itself and hands on all the rest.

    The database is the one in DATABASE_URL when the server starts (ASGI lifespan, which the door answers, too).
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._database: Database
        self._carts: CartBook
        self._storer: Storer
        self._refusals: RefusalCount
        self._checks: AddressChecks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith("/hooks/"):
            answer = await self._at_hook(path, scope, receive)
        elif path == "/healthz":
            answer = OK
        elif path == "/readyz":
            answer = await self._readiness()
        else:
            await self._app(scope, receive, send)
            return
        if answer is not None:
            await send(answer.start)
            await send(answer.body)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._database = Database(os.environ["DATABASE_URL"])
        self._carts = CartBook(self._database)
        self._storer = Storer(self._database)
        self._refusals = RefusalCount(self._database)
        self._checks = AddressChecks(self._database)
        await self._database.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._refusals.close()
        await self._database.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _readiness(self) -> Answer:
        try:
            await self._database.fetch("SELECT 1", (), READY_SECONDS)
        except DatabaseAway as error:
            return _error(503, f"The database does not answer: {error}", _RETRY_AFTER)
        return OK

    async def _at_hook(self, path: str, scope: Scope, receive: Receive) -> Answer | None:
        try:
            return await self._answer(path, scope, receive)
        except DatabaseAway:
            return AWAY

    async def _answer(self, path: str, scope: Scope, receive: Receive) -> Answer | None:
        """The answer; None = the sender went away in the middle."""
        address = _ADDRESS.fullmatch(path)
        if address is None:
            return _unknown()
        cart_id, token = address.groups()
        cart = self._carts.remembered(cart_id) or await self._carts.fresh(cart_id)
        if cart is None:
            return _unknown()
        match scope["method"]:
            case "POST":
                return await self._deliver(cart, token, scope, receive)
            case "GET" | "HEAD":
                return await self._check_address(cart_id)
            case _:
                return WRONG_METHOD

    async def _check_address(self, cart_id: str) -> Answer:
        if await self._carts.fresh(cart_id) is None:
            return _unknown()
        await self._checks.note(cart_id)
        return OK

    async def _deliver(self, cart: KnownCart, token: str | None, scope: Scope, receive: Receive) -> Answer | None:
        headers = dict(scope["headers"])
        if int(headers.get(b"content-length", 0)) > LARGEST_BODY:
            return self._refuse(cart.id, Fault.TOO_LARGE)
        body = await _read(receive)
        if body is None:
            return None
        if len(body) > LARGEST_BODY:
            return self._refuse(cart.id, Fault.TOO_LARGE)
        if not body.strip(_WHITE):
            return await self._check_address(cart.id)
        content_type = headers.get(b"content-type", b"").decode("latin-1").replace("\0", "")[:200]
        try:
            return await self._take(cart, token, body, content_type)
        except DatabaseAway:
            DELIVERIES.labels(cart.id, "unavailable").inc()
            return AWAY
        except Unstorable:
            DELIVERIES.labels(cart.id, "failed").inc()
            return FAILED

    async def _take(self, cart: KnownCart, token: str | None, body: bytes, content_type: str) -> Answer:
        arrived_at = asyncio.get_running_loop().time()
        token_digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest() if token else ""
        known: KnownCart | None = cart
        for _ in range(_CHECKS):
            if known is None:
                return _unknown()
            peek = known.peek(body)
            fault = known.fault(token_digest, peek)
            if fault is not None:
                # The owner may just have changed what is checked against.
                known = await self._carts.fresh(cart.id)
                if known is None:
                    return _unknown()
                peek = known.peek(body)
                fault = known.fault(token_digest, peek)
                if fault is not None:
                    return self._refuse(cart.id, fault)
            incoming = _incoming(known, token_digest, peek, body, content_type, arrived_at)
            outcome = await self._storer.store(incoming)
            if outcome is not Outcome.OUTDATED:
                DELIVERIES.labels(cart.id, outcome.value).inc()
                STORE_SECONDS.observe(asyncio.get_running_loop().time() - arrived_at)
                return OK
            known = await self._carts.fresh(cart.id)
        raise DatabaseAway("the cart's settings change all the time")

    def _refuse(self, cart_id: str, fault: Fault) -> Answer:
        if fault is Fault.UNUSABLE:
            DELIVERIES.labels(cart_id, "unavailable").inc()
            return UNUSABLE
        REFUSALS.labels(fault.value).inc()
        self._refusals.add(cart_id, fault.value)
        return _REFUSALS[fault]


def _unknown() -> Answer:
    REFUSALS.labels("unknown-cart").inc()
    return UNKNOWN_CART


def _incoming(
    cart: KnownCart, token_digest: str, peek: Peek, body: bytes, content_type: str, arrived_at: float
) -> Incoming:
    blanked = cart.blank(body)
    # Stable over processes and restarts, so that all deliveries of one customer are interpreted in one place.
    customer = f"{cart.id}\n{peek.customer}".encode("utf-8", "surrogatepass")
    return Incoming(
        cart_id=cart.id,
        version=cart.version,
        token_digest=token_digest,
        digest=hashlib.sha256(blanked).digest(),
        body=blanked,
        content_type=content_type,
        shard=zlib.crc32(customer) % SHARDS,
        arrived_at=arrived_at,
    )


async def _read(receive: Receive) -> bytes | None:
    """The body, or as much of it as shows that it is too large; None = the sender went away in the middle."""
    parts: list[bytes] = []
    size = 0
    while size <= LARGEST_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False):
            break
    return parts[0] if len(parts) == 1 else b"".join(parts)
