"""The web role: the webhook door in front of the pages and the API, in one process."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Any

import structlog
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from guestlist.engine.lifeline import watch_parent
from guestlist.engine.supervisor import own_address, say, usable_port

log = structlog.get_logger(__name__)

# Far above any delivery, form or header that is meant well; an unbounded one would fill memory or disk.
LARGEST_HEAD = 64 * 1024
LARGEST_REQUEST = 16 * 1024 * 1024
# So long may a request take to come in.
REQUEST_SECONDS = 30
# Longer than the 60 s for which proxies commonly keep a connection: the one that closes it first should be the proxy.
IDLE_SECONDS = 65
CONNECTIONS = 1000
SHUTDOWN_SECONDS = 6
_BACKLOG = 2048
# A page being made in a thread gives way to the door after this time instead of Python's 5 ms.
_THREAD_SECONDS = 0.001


def run_web(host: str, port: int) -> None:
    """Answer webhooks, pages and the API until SIGTERM or SIGINT; requests under way are finished first.

    Args:
        port: 0 = any free one; the log's `web_ready` tells which.

    Raises:
        StartError: the address cannot be listened on, or what `boot` finds missing.
    """
    from guestlist.engine.boot import boot

    usable_port(host, port)
    boot()
    from guestlist.engine.asgi import application
    from guestlist.inbox.door import Door

    watch_parent()
    # From here on nobody is refused: who connects before the server is ready waits.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    sys.setswitchinterval(_THREAD_SECONDS)
    log.info("web_ready", host=host, port=listener.getsockname()[1])
    _tell_first_owner(own_address(host, listener.getsockname()[1]))
    serve_application(Door(application), [listener])


def _tell_first_owner(address: str) -> None:
    from guestlist.accounts.invitations import first_link

    link = first_link(address)
    if link is not None:
        say(f"There is no owner yet. This link makes one; it works once, within 24 hours:\n  {link}")


def serve_application(app: Any, listeners: Sequence[socket.socket]) -> None:
    """Run an ASGI application with Guestlist's server settings until SIGTERM or SIGINT.

    Args:
        listeners: bound sockets.
    """
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        # psycopg's asynchronous connections need a selector loop, which is not the default one on Windows.
        loop="uvloop" if sys.platform != "win32" else "asyncio:SelectorEventLoop",
        lifespan="on",
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    server = uvicorn.Server(config)
    # uvicorn raises the signal once more when it has stopped; without a handler that would end the process before
    # it has put away what it holds, the embedded PostgreSQL among it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    server.run(sockets=list(listeners))


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with bounds on a request's size and on the time it takes to come in."""

    _incoming = False
    _in_head = False
    _size = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection on which nothing is ever sent keeps its place no longer than a slow request."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, transport.close)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a request that began earlier."""
        if self._incoming:
            self._size += len(data)
            if self._size > (LARGEST_HEAD if self._in_head else LARGEST_REQUEST):
                self.transport.close()
                return
        super().data_received(data)
        if self._incoming and self._deadline is None:
            self._deadline = self.loop.call_later(REQUEST_SECONDS, self.transport.close)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._incoming = self._in_head = True
        self._size = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head is there."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._incoming = False
        self._forget_deadline()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more will come."""
        self._forget_deadline()
        super().connection_lost(exc)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
