"""The sandbox site's server: one process, any number of sites (`/s/<name>/`, made on first use)."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import typer
import uvicorn

from guestlist.sandbox.site import control, faults, forms, front, page, php
from guestlist.sandbox.site.http import Request, Response, forbidden
from guestlist.sandbox.site.store import Store
from guestlist.sandbox.site.wire import Receive, SandboxProtocol, Scope, Send, Wire
from guestlist.sandbox.site.wordpress import DEFAULT_KEY, Options, WordPress

Result = TypeVar("Result")

_NAMED = re.compile(r"(/s/([A-Za-z0-9_-]{1,64}))(/.*)?")
_KEEP_ALIVE_SECONDS = 75


class SandboxApp:
    """The ASGI application."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sites: dict[str, WordPress] = {}

    def site(self, name: str = "") -> WordPress:
        """The site of that name, made on first use; "" = the one at the root."""
        if name not in self._sites:
            self._sites[name] = WordPress(name, self._options)
        return self._sites[name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        wire = Wire(scope, receive, send)
        name, prefix, path = _place(scope["path"])
        site = self.site(name)
        request = await wire.request(path, f"{scope['scheme']}://{_host(scope)}{prefix}")
        if path.startswith("/sandbox/"):
            await wire.answer(_control(site, request, scope))
        elif path == "/" and request.rest_path is None and request.method in ("GET", "HEAD") and _is_local(scope):
            await wire.answer(_own_page(site, request))
        else:
            await faults.serve(site, request, wire)


def create_app(options: Options | None = None) -> SandboxApp:
    """The ASGI application, for a server of your own (under which faults that drop the connection do not work)."""
    return SandboxApp(options or Options())


def run(
    host: str = "127.0.0.1",
    port: int = 8100,
    key: str = DEFAULT_KEY,
    *,
    latency_ms: float = 0,
    race_window_ms: float = 5,
) -> None:
    """Serve until interrupted, and print where and with which credentials.

    Args:
        port: 0 = one that is free.
        key: the API key that the site accepts.
        latency_ms: time that each request takes.
        race_window_ms: see `Switches`.
    """
    options = Options(key=key, latency_ms=latency_ms, race_window_ms=race_window_ms)
    app = create_app(options)
    listening = _listen(host, port)
    address = _address(listening)
    typer.echo(f"Sandbox membership site (no real WordPress) on {address}")
    typer.echo(f"  api_key              {options.key}")
    typer.echo(f"  username             {options.username}")
    typer.echo(f"  application_password {options.application_password}")
    for membership in app.site().store.memberships.values():
        typer.echo(f"  level {membership.id:<3} {membership.title}")
    typer.echo(f"  more sites           {address}/s/NAME, each made on first use")
    _server(app).run(sockets=[listening])


class SandboxSite:
    """A running sandbox site in a thread of its own. Use as a context manager.

    Args:
        port: 0 = one that is free.
        options: fields of `Options`.
    """

    def __init__(self, *, port: int = 0, **options: Any) -> None:
        self.options = Options(**options)
        self.app = create_app(self.options)
        self._server = _server(self.app)
        self._socket = _listen("127.0.0.1", port)
        self._thread = threading.Thread(target=self._serve, name="sandbox-site", daemon=True)
        self._running = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.url = _address(self._socket)
        self.key = self.options.key
        self.username = self.options.username
        self.application_password = self.options.application_password

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_loop(self._drop_connections)
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def url_of(self, name: str) -> str:
        """The address of a named site in the same process."""
        return f"{self.url}/s/{name}"

    @property
    def store(self) -> Store:
        """The root site's state itself; its server may be at work on it."""
        return self.app.site().store

    def state(self, name: str = "") -> dict[str, Any]:
        """What `GET /sandbox/state` gives."""
        return dict(self.act("GET", "state", name=name))

    def requests(self, name: str = "") -> list[dict[str, Any]]:
        """Every request so far, oldest first: number, at, method, path, query, body."""
        return list(self.act("GET", "requests", name=name))

    def switch(self, *, name: str = "", **switches: Any) -> None:
        """Set switches (see `Switches.update`)."""
        self._in_loop(lambda: self.app.site(name).switches.update(switches))

    def reset(self, name: str = "") -> None:
        """Make the site new again."""
        self._in_loop(lambda: self.app.site(name).reset())

    def act(self, method: str, path: str, sent: dict[str, Any] | None = None, *, name: str = "") -> Any:
        """A control route, called without HTTP: `act("POST", "members", {"email": ...})`."""
        return self._in_loop(lambda: control.act(self.app.site(name), method, path.split("/"), sent or {}))

    def _in_loop(self, action: Callable[[], Result]) -> Result:
        """Do it in the server's own thread, between two requests."""

        async def act() -> Result:
            return action()

        if self._loop is None:
            raise RuntimeError("the sandbox site is not running")
        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def _serve(self) -> None:
        async def serve() -> None:
            self._loop = asyncio.get_running_loop()
            self._loop.call_soon(self._running.set)
            await self._server.serve(sockets=[self._socket])

        with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
            runner.run(serve())

    def _drop_connections(self) -> None:
        for connection in list(self._server.server_state.connections):
            if connection.transport is not None:
                connection.transport.close()


def _control(site: WordPress, request: Request, scope: Scope) -> Response:
    """The control routes, for this machine only: they show and change everything."""
    origin = request.headers.get("origin")
    foreign = origin is not None and origin != request.base.removesuffix(f"/s/{site.name}")
    if foreign or not _is_local(scope):
        return forbidden(403).response()
    if request.path == "/sandbox/form" and request.method == "POST":
        return forms.answer(site, request)
    return control.answer(site, request)


def _is_local(scope: Scope) -> bool:
    client = (scope.get("client") or ("",))[0]
    try:
        return ipaddress.ip_address(client).is_loopback
    except ValueError:
        return False


def _own_page(site: WordPress, request: Request) -> Response:
    """The sandbox's page in the place of the site's front page; it too tells where the REST root is."""
    asked = php.parameters(request.query)
    switching = asked.get("view") == "switches"
    shown = page.switchboard(site, request.base) if switching else page.overview(site, request.base, asked)
    return front.linked(shown, front.discovery(site, request.base))


def _server(app: SandboxApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=SandboxProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family, backlog=512)
    listening.setblocking(False)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _place(path: str) -> tuple[str, str, str]:
    """Which site a path belongs to: its name, its prefix, and the path within it."""
    match = _NAMED.fullmatch(path)
    return (match[2], match[1], match[3] or "/") if match else ("", "", path)


def _host(scope: Scope) -> str:
    named = next((value for name, value in scope["headers"] if name == b"host"), b"localhost")
    return str(named.decode("latin-1"))
