"""The connection to one client: answering as told, and all the ways of not answering."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guestlist.sandbox.site.http import Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HUGE_BYTES = 64 * 1024 * 1024
_CHUNK = b" " * 65536
_DRIP_SECONDS = 0.1
_LARGEST_BODY = 4 * 1024 * 1024


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's own, but the application can reach the connection: ASGI knows no way to drop it without an answer."""

    def on_message_begin(self) -> None:
        """Put the transport where the application finds it."""
        super().on_message_begin()
        cast("Scope", self.scope)["transport"] = self.transport


class Wire:
    """One request's connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send

    async def request(self, path: str, base: str) -> Request:
        """Read the whole request.

        Args:
            path: within the site.
            base: the site's own address.
        """
        body = b""
        while True:
            message = await self._receive()
            body += message.get("body", b"")
            if not message.get("more_body") or len(body) > _LARGEST_BODY:
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._scope["headers"]}
        query = self._scope["query_string"].decode("latin-1")
        return Request(self._scope["method"], path, query, headers, body, base)

    async def answer(self, response: Response) -> None:
        """Answer in full."""
        await self._start(response, len(response.body))
        body = b"" if self._scope["method"] == "HEAD" else response.body
        await self._send({"type": "http.response.body", "body": body})

    async def answer_half(self, response: Response) -> None:
        """Answer with the first half of the body as if it were all."""
        await self.answer(replace(response, body=response.body[: len(response.body) // 2]))

    async def answer_hugely(self, response: Response) -> None:
        """Answer with the body and then blanks without end (nearly)."""
        await self._start(response, len(response.body) + HUGE_BYTES)
        await self._send({"type": "http.response.body", "body": response.body, "more_body": True})
        for _ in range(HUGE_BYTES // len(_CHUNK) - 1):
            await self._send({"type": "http.response.body", "body": _CHUNK, "more_body": True})
        await self._send({"type": "http.response.body", "body": _CHUNK})

    async def answer_slowly(self, response: Response) -> None:
        """Answer at once, but the body comes byte by byte."""
        await self._start(response, len(response.body))
        for position in range(len(response.body)):
            last = position == len(response.body) - 1
            await self._send(
                {"type": "http.response.body", "body": response.body[position : position + 1], "more_body": not last}
            )
            await asyncio.sleep(_DRIP_SECONDS)

    async def close(self) -> None:
        """Close the connection without an answer."""
        self._scope["transport"].close()
        await self.hang()

    async def hang(self) -> None:
        """Never answer: wait until the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _start(self, response: Response, length: int) -> None:
        headers = [(b"content-type", response.content_type.encode()), (b"content-length", str(length).encode())]
        headers += [(name.lower().encode(), value.encode("latin-1")) for name, value in response.headers]
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
