"""A Guestlist as its owner first starts it: `guestlist serve` with a database of its own, a sandbox site beside it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from guestlist.sandbox.site.server import SandboxSite

START_SECONDS = 120
_LINK = re.compile(r"(http://127\.0\.0\.1:\d+)(/account/welcome/\S+)")


class Installation:
    """Runs from entering to leaving.

    Attributes:
        url: where its pages are.
        welcome: path of the link that makes the owner, as `serve` printed it.
        site: the sandbox site.
        log: what `serve` says.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="guestlist-browser-"))
        # For root the database server is another account, which must pass through.
        self._folder.chmod(0o711)
        self.log = self._folder / "serve.log"
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GUESTLIST_", "PYTEST_")) and name != "DATABASE_URL"
        }
        self.env = {**inherited, "GUESTLIST_HOME": str(self._folder / "home")}
        self.site = SandboxSite()
        self.url = self.welcome = ""

    def __enter__(self) -> Self:
        self.site.__enter__()
        with self.log.open("wb") as log:
            self._serve = subprocess.Popen(
                [sys.executable, "-m", "guestlist", "serve", "--port", "0"],
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url, self.welcome = self._started()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        self.site.__exit__(kind, error, trace)
        # Shown by pytest where a test failed.
        print(*(line for line in self.log.read_text().splitlines() if "Error" in line), sep="\n")
        shutil.rmtree(self._folder)

    def command(self, *words: str, stdin: str = "") -> str:
        """What `guestlist ...` prints; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "guestlist", *words],
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"guestlist {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def told(self, *words: str) -> Any:
        """What `guestlist ... --json` prints."""
        return json.loads(self.command(*words, "--json"))

    def settle(self) -> None:
        """Wait until everything that came in is worked off."""
        self.command("wait", "--timeout", "60")

    def _started(self) -> tuple[str, str]:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            said = self.log.read_text()
            assert self._serve.poll() is None, said
            if link := _LINK.search(said):
                return link[1], link[2]
            time.sleep(0.1)
        raise AssertionError(f"no link to make the owner within {START_SECONDS} s:\n{said}")

    def _end(self) -> None:
        self._serve.send_signal(signal.SIGTERM)
        try:
            self._serve.wait(30)
        except subprocess.TimeoutExpired:
            self._serve.kill()
            self._serve.wait(5)
