"""`guestlist demo` from its first line to its end, and again after it was killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psutil
import pytest
from system import free_port

SECONDS = 120


@pytest.fixture
def folder() -> Iterator[Path]:
    """A home that the database server's account may pass through (pytest's own folders are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="guestlist-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class Demo:
    """The demo in a process of its own, its words in a file."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.output = folder / f"output-{self.port}.txt"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUESTLIST_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "guestlist", "demo", "--port", str(self.port)],
                env={**environment, "GUESTLIST_HOME": str(folder / "home")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        deadline = time.monotonic() + SECONDS
        while words not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def left_behind(self) -> list[str]:
        """Processes that still belong to this demo."""
        marks = (str(self.folder / "home"), f"--port {self.port}")
        commands = [" ".join(each.info["cmdline"] or []) for each in psutil.process_iter(["cmdline"])]
        return [command for command in commands if any(mark in command for mark in marks)]


def await_none_left(demo: Demo) -> None:
    deadline = time.monotonic() + 30
    while demo.left_behind():
        assert time.monotonic() < deadline, demo.left_behind()
        time.sleep(0.2)


def assert_signed_in_with_what_is_printed(url: str, said: str) -> None:
    email = re.search(r"sign in as +(\S+)", said)[1]
    password = re.search(r"with the password +(\S+)", said)[1]
    with httpx2.Client(follow_redirects=True) as browser:
        page = browser.get(f"{url}/")
        assert page.url.path == "/account/login"
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
        filled = {"csrfmiddlewaretoken": token, "login": email, "password": password, "next": "/"}
        page = browser.post(str(page.url), data=filled)
        assert (page.status_code, page.url.path) == (200, "/")
        assert "Demo owner" in page.text


def test_the_demo_shows_that_everybody_has_what_they_bought_and_ends_when_interrupted(folder):
    demo = Demo(folder)
    try:
        demo.until("Ctrl+C stops everything.")
        said = demo.said()
        assert len(re.findall(r"@customers\.example .* yes$", said, re.MULTILINE)) == 7
        assert "Exactly the right levels, dates and amounts" in said
        site = re.search(r"the sandbox site +(\S+)", said)[1]
        assert "Sandbox Academy" in httpx2.get(site).text
        assert_signed_in_with_what_is_printed(f"http://127.0.0.1:{demo.port}", said)
        command = re.search(r"one more order +\S+ (.*)", said)[1].split()
        sent = subprocess.run(
            [sys.executable, "-m", "guestlist", *command], capture_output=True, text=True, timeout=60, check=False
        )
        assert (sent.returncode, "-> 200" in sent.stdout) == (0, True), sent.stdout + sent.stderr
    finally:
        status = demo.end(signal.SIGINT)
    assert (status, demo.said().endswith("Stopped.\n")) == (0, True), demo.said()
    await_none_left(demo)


@pytest.mark.skipif(sys.platform == "win32", reason="children outlive a killed parent there")
def test_a_killed_demo_leaves_nothing_running_and_the_next_one_begins_anew(folder):
    first = Demo(folder)
    first.until("Sending")
    first.end(signal.SIGKILL)
    second = Demo(folder)
    try:
        second.until("Exactly the right levels, dates and amounts")
    finally:
        second.end(signal.SIGTERM)
    await_none_left(first)
    await_none_left(second)


def test_a_second_demo_on_the_same_home_is_refused(folder):
    first = Demo(folder)
    try:
        first.until("Starting Guestlist")
        second = Demo(folder)
        assert second.process.wait(SECONDS) == 1
        assert "Another demo is running" in second.said()
    finally:
        first.end(signal.SIGTERM)
