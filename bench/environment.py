"""A Guestlist of its own for one benchmark: home, embedded PostgreSQL, and processes that end with it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class Environment:
    """Sets the environment of this process and of those it starts; ends them all on leaving."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="guestlist-bench-"))
        self.home.chmod(0o711)
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        os.environ["GUESTLIST_HOME"] = str(self.home)
        os.environ["GUESTLIST_LOG_LEVEL"] = "WARNING"
        os.environ.pop("DATABASE_URL", None)
        from guestlist.engine.boot import boot

        boot()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            self.end(process)
        from django.db import connections

        connections.close_all()
        connections["default"].close_pool()
        from guestlist.engine.postgres import EmbeddedPostgres

        EmbeddedPostgres(self.home).stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start `python ...` with this environment."""
        process = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
        self._processes.append(process)
        return process

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        """End a process that was started here."""
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, seconds: float = 30) -> None:
    """Wait until an address answers 200."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
