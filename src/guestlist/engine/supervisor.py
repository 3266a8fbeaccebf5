"""`guestlist serve`: keeps the embedded PostgreSQL, the web role and the worker role running.

This process stays small: it imports neither Django nor a database driver.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from guestlist.engine.errors import PostgresError, StartError
from guestlist.engine.home import home
from guestlist.engine.lifeline import Lifeline, watch_parent
from guestlist.engine.logging import configure_logging
from guestlist.engine.postgres import EmbeddedPostgres

log = structlog.get_logger(__name__)

_SHORTEST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
# A child that ran this long before it ended starts again with the shortest pause.
_STABLE_SECONDS = 30.0
_GRACE_SECONDS = 10.0
_POSTGRES_CHECK_SECONDS = 1.0
_PREPARE = (sys.executable, "-c", "import sys; from guestlist.engine.boot import main; sys.exit(main())")


def serve(host: str, port: int) -> None:
    """Run everything on this machine until SIGTERM or SIGINT.

    Args:
        port: 0 = any free one.

    Raises:
        StartError: the port is taken, or the database cannot be used.
    """
    watch_parent()
    configure_logging()
    port = usable_port(host, port)
    module = (sys.executable, "-m", "guestlist")
    Supervisor(
        commands={"web": (*module, "web", "--host", host, "--port", str(port)), "worker": (*module, "worker")},
        prepare=_PREPARE,
        postgres=None if os.environ.get("DATABASE_URL", "").strip() else EmbeddedPostgres(home()),
        is_ready=lambda: _answers(host, port),
        when_ready=lambda: say(f"Guestlist is running at {own_address(host, port)}"),
    ).run()


def usable_port(host: str, port: int) -> int:
    """Find out before anything is started.

    Returns:
        The port; for 0 one that is free now.

    Raises:
        StartError: nothing can listen there.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise StartError(f'"{host}" is no address of this machine.', "Use --host 127.0.0.1 or 0.0.0.0.") from error
    with socket.socket(family, kind, protocol) as probe:
        if sys.platform != "win32":  # there it would allow a second listener
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
            return int(probe.getsockname()[1])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StartError(
                    f"Port {port} on {host} is taken: another program, or another `guestlist serve`, listens there.",
                    f"Stop it, or choose another port: guestlist serve --port {port + 1}",
                ) from error
            raise StartError(
                f"Guestlist cannot listen on port {port} of {host}: {error.strerror}.",
                "Choose another address or port with --host and --port (ports below 1024 need root).",
            ) from error


class Supervisor:
    """Starts the commands, starts them again when they end, and ends them all together.

    Args:
        commands: name and command line of each child. Children call `lifeline.watch_parent`.
        prepare: a command that must end well before they start.
        postgres: kept running as long as the supervisor runs.
        is_ready: asked again and again until it says yes.
        when_ready: called then, once.
    """

    def __init__(
        self,
        commands: Mapping[str, Sequence[str]],
        *,
        prepare: Sequence[str] | None = None,
        postgres: EmbeddedPostgres | None = None,
        is_ready: Callable[[], bool] = lambda: True,
        when_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self._lifeline = Lifeline()
        self._children = [_Child(name, command, self._lifeline) for name, command in commands.items()]
        self._prepare_command = prepare
        self._postgres = postgres
        self._postgres_check_at = 0.0
        self._is_ready = is_ready
        self._when_ready = when_ready
        self._signals = 0

    def run(self) -> None:
        """Run until SIGTERM or SIGINT (a second one ends the children at once).

        Raises:
            StartError: PostgreSQL does not start, or the preparation failed.
        """
        with self._woken_by_signals() as wait:
            try:
                if self._postgres is not None:
                    self._postgres.ensure_running()
                self._prepare(wait)
                ready = False
                while not self._signals:
                    self._keep_postgres()
                    for child in self._children:
                        child.keep()
                    if not ready and self._is_ready():
                        ready = True
                        self._when_ready()
                    wait(1.0 if ready else 0.2)
            finally:
                self._end(wait)

    def _prepare(self, wait: Callable[[float], None]) -> None:
        if self._prepare_command is None:
            return
        preparation = _Child("prepare", self._prepare_command, self._lifeline)
        process = preparation.start()
        while process.poll() is None and not self._signals:
            wait(1.0)
        if self._signals:
            process.kill()
            process.wait()
        elif process.returncode != 0:
            raise StartError("The database could not be prepared.", "The lines above say why.")

    def _keep_postgres(self) -> None:
        if self._postgres is None or time.monotonic() < self._postgres_check_at:
            return
        self._postgres_check_at = time.monotonic() + _POSTGRES_CHECK_SECONDS
        if self._postgres.is_running():
            return
        log.warning("postgres_gone")
        try:
            self._postgres.ensure_running()
            log.info("postgres_restarted")
        except PostgresError as error:
            self._postgres_check_at = time.monotonic() + _LONGEST_PAUSE
            # No traceback: the message is made for people.
            log.error("postgres_does_not_start", reason=error.message, remedy=error.remedy)  # noqa: TRY400

    def _end(self, wait: Callable[[float], None]) -> None:
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE_SECONDS
        while any(process.poll() is None for process in running) and time.monotonic() < deadline and self._signals < 2:
            wait(0.2)
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()
        self._lifeline.close()
        if self._postgres is not None:
            self._postgres.release()

    @contextmanager
    def _woken_by_signals(self) -> Iterator[Callable[[float], None]]:
        """Count signals to stop, and give a `wait` that also returns when a child has ended."""
        ear, mouth = socket.socketpair()
        ear.setblocking(False)
        mouth.setblocking(False)

        def count(_number: int, _frame: object) -> None:
            self._signals += 1

        def wait(seconds: float) -> None:
            if select.select([ear], [], [], seconds)[0]:
                ear.recv(4096)

        handlers: dict[int, Any] = {signal.SIGTERM: count, signal.SIGINT: count}
        if sys.platform != "win32":
            handlers[signal.SIGCHLD] = lambda _number, _frame: None
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        descriptor = signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        try:
            yield wait
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)
            ear.close()
            mouth.close()


class _Child:
    """One command: its process, and when it may start (again)."""

    def __init__(self, name: str, command: Sequence[str], lifeline: Lifeline) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self._name = name
        self._command = command
        self._lifeline = lifeline
        self._pause = _SHORTEST_PAUSE
        self._started_at = 0.0
        self._start_at = 0.0

    def start(self) -> subprocess.Popen[bytes]:
        # A group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then ends the children in order.
        group: dict[str, Any] = {"process_group": 0}
        if sys.platform == "win32":
            group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._started_at = time.monotonic()
        return subprocess.Popen(  # noqa: S603
            self._command,
            stdin=subprocess.DEVNULL,
            **group,
            # A module that lies in the current folder must not take the place of one of ours.
            **self._lifeline.popen_arguments({**os.environ, "PYTHONSAFEPATH": "1"}),
        )

    def keep(self) -> None:
        """Notice its end, and start it when its time has come."""
        if self.process is not None and self.process.poll() is not None:
            if time.monotonic() - self._started_at >= _STABLE_SECONDS:
                self._pause = _SHORTEST_PAUSE
            log.warning("child_ended", child=self._name, status=self.process.returncode, restart_in=self._pause)
            self.process = None
            self._start_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if self.process is None and time.monotonic() >= self._start_at:
            self.process = self.start()
            log.info("child_started", child=self._name, pid=self.process.pid)


def _answers(host: str, port: int) -> bool:
    """/healthz answers 200."""
    try:
        with socket.create_connection((_reachable(host), port), timeout=1) as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.recv(64).split(b" ")[1:2] == [b"200"]
    except OSError:
        return False


def own_address(host: str, port: int) -> str:
    """The address of the pages of a server that listens there, as it is typed into a browser on this machine."""
    address = _reachable(host)
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


def _reachable(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def say(line: str) -> None:
    """Tell whoever started the program, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
