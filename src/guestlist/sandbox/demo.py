"""`guestlist demo`: the whole system with a sandbox cart and a sandbox site, shown at work and checked."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import httpx2
import typer

from guestlist.engine.errors import StartError
from guestlist.engine.home import home
from guestlist.engine.lifeline import Lifeline
from guestlist.engine.locks import Users
from guestlist.engine.postgres import EmbeddedPostgres
from guestlist.engine.supervisor import own_address, usable_port
from guestlist.sandbox import demo_owner, demo_story
from guestlist.sandbox.cart.sender import send
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.demo_check import Verdict, strangers, verdicts
from guestlist.sandbox.demo_story import Case
from guestlist.sandbox.site.server import SandboxSite

if sys.platform != "win32":
    import fcntl

_SITE_PORT = 8100
_START_SECONDS = 180
_WAIT_SECONDS = 90
_STOP_SECONDS = 20
# The demo is on its own: it neither uses nor mails anything of the Guestlist that may be set up here.
_FRESH = (
    "DATABASE_URL",
    "GUESTLIST_HOME",
    "GUESTLIST_SECRET_KEY",
    "GUESTLIST_PUBLIC_URL",
    "GUESTLIST_EMAIL_URL",
    "GUESTLIST_EMAIL_FROM",
)


def run_demo(host: str = "127.0.0.1", port: int = 8000) -> None:
    """Start everything anew, send orders, check the site, and keep running until interrupted.

    Raises:
        StartError: it cannot start here.
        typer.Exit: with 1, when something is not as it should be.
    """
    port = usable_port(host, port)
    folder = home() / "demo"
    with _alone(), _interruptible():
        _clear(folder)
        environment = {name: value for name, value in os.environ.items() if name not in _FRESH}
        environment["GUESTLIST_HOME"] = str(folder)
        try:
            with _sandbox_site(port) as site, _serving(host, port, environment) as serving:
                _Demo(site, serving, environment, own_address(host, port)).run()
        except KeyboardInterrupt:
            typer.echo("\nStopped.")


class _Demo:
    """One run of the demo on a running system."""

    def __init__(
        self, site: SandboxSite, serving: subprocess.Popen[bytes], environment: dict[str, str], url: str
    ) -> None:
        self.site = site
        self.serving = serving
        self.environment = environment
        self.url = url
        self.secret = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        self.now = datetime.now(UTC)
        self.password = secrets.token_urlsafe(9)

    def run(self) -> None:
        self._await_ready()
        self._make_owner()
        cases = demo_story.cases(Shop(self.secret), self.now)
        self._apply_settings()
        self._make_known_member()
        self._send(cases)
        self._await_done()
        self._show(cases)
        self._keep_running()

    def _await_ready(self) -> None:
        typer.echo("Starting Guestlist with a database of its own ...")
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.serving.poll() is not None:
                self._fail("`guestlist serve` ended at once:")
            try:
                if httpx2.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            time.sleep(0.2)
        self._fail(f"Guestlist was not ready after {_START_SECONDS} seconds:")

    def _make_owner(self) -> None:
        path = urlsplit(self._command("owner-link")).path.strip()
        if not demo_owner.make(f"{self.url}{path}", self.password):
            self._fail("The owner's account could not be made:")

    def _apply_settings(self) -> None:
        typer.echo("Connecting the sandbox cart and the sandbox site, with one rule per item ...")
        settings = demo_story.SETTINGS.format(secret=self.secret, site=self.site.url, key=self.site.key)
        self._command("apply", "-", stdin=settings)

    def _make_known_member(self) -> None:
        known = self.site.act("POST", "members", demo_story.KNOWN)
        gift = demo_story.owners_gift(self.now)
        sent = {"member": known["id"], "membership": gift.level, "expires_at": gift.until, "trans_num": "by-hand-1"}
        self.site.act("POST", "transactions", sent)

    def _send(self, cases: Sequence[Case]) -> None:
        deliveries = [(case, delivery) for case in cases for delivery in case.deliveries]
        typer.echo(f"Sending {len(deliveries)} deliveries, as ThriveCart would ...")
        for case, delivery in deliveries:
            answer = send(delivery, f"{self.url}/hooks/shop")
            if not answer.taken:
                self._fail(f"{delivery.event} of {case.buyer.email} was not taken: {answer.status} {answer.text}")

    def _await_done(self) -> None:
        typer.echo("Waiting until everybody has what they bought ...")
        self._command("wait", "--timeout", str(_WAIT_SECONDS))

    def _show(self, cases: Sequence[Case]) -> None:
        state = self.site.state()
        found, odd = verdicts(cases, state), strangers(cases, state)
        _print_table(found)
        problems = [f"{each.case.buyer.email}: {problem}" for each in found for problem in each.problems] + odd
        if problems:
            typer.echo("")
            self._fail("Not as it should be:\n" + "\n".join(f"  {problem}" for problem in problems))
        typer.echo("\nExactly the right levels, dates and amounts, for exactly the right people.")

    def _keep_running(self) -> None:
        hook = f"{self.url}/hooks/shop"
        cart = f"{_program()} sandbox cart --to {hook} --secret {self.secret}"
        inside = f"GUESTLIST_HOME={self.environment['GUESTLIST_HOME']} {_program()}"
        typer.echo(
            "\nWhere to look\n"
            f"  Guestlist           {self.url}/\n"
            f"    sign in as        {demo_owner.EMAIL}\n"
            f"    with the password {self.password}\n"
            f"  its API             {self.url}/api/v1/docs\n"
            f"  the sandbox site    {self.site.url}/\n"
            f"  one more order      {cart}\n"
            f"  one more payment    {cart} --event order.subscription_payment\n"
            f"  why somebody is in  {inside} members show paula+art@customers.example\n"
            "\nCtrl+C stops everything."
        )
        status = self.serving.wait()
        self._fail(f"`guestlist serve` ended by itself, with {status}:")

    def _command(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "guestlist", *words],
            env=self.environment,
            input=stdin.encode(),
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace").strip()
            self._fail(f"`guestlist {words[0]}` ended with {done.returncode}:\n{said}")
        return done.stdout.decode()

    def _fail(self, problem: str) -> NoReturn:
        log = Path(self.environment["GUESTLIST_HOME"]) / "serve.log"
        typer.echo(problem, err=True)
        typer.echo(f"\nThe last lines of {log}:", err=True)
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]:
            typer.echo(f"  {line}", err=True)
        raise typer.Exit(1)


@contextmanager
def _alone() -> Iterator[None]:
    """Refuse a second demo on the same home: it would wipe the first one's folder."""
    descriptor = os.open(home() / "demo.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locked(descriptor):
            raise StartError(
                f"Another demo is running in {home() / 'demo'}.", "Stop it, or set GUESTLIST_HOME to another folder."
            )
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    if sys.platform != "win32":
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl+C does."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _clear(folder: Path) -> None:
    """Remove what an earlier demo left, also its database server if it was killed."""
    if not folder.exists():
        return
    # The processes of a killed demo end by themselves, but would start their database again until then.
    users = Users(folder / "postgres.users")
    users.join()
    deadline = time.monotonic() + _STOP_SECONDS
    while not users.is_last() and sys.platform != "win32" and time.monotonic() < deadline:
        time.sleep(0.2)
    users.leave()
    EmbeddedPostgres(folder).stop()
    shutil.rmtree(folder)


def _sandbox_site(taken: int) -> SandboxSite:
    """On its usual port, unless somebody else has it, or Guestlist is to have it."""
    try:
        return SandboxSite(port=_SITE_PORT if taken != _SITE_PORT else 0)
    except OSError:
        return SandboxSite()


@contextmanager
def _serving(host: str, port: int, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """`guestlist serve`, its words in `serve.log`."""
    folder = Path(environment["GUESTLIST_HOME"])
    folder.mkdir(mode=home().stat().st_mode & 0o777)
    lifeline = Lifeline()
    # A group of its own: Ctrl+C reaches the demo alone, which then ends the rest in order.
    group: dict[str, Any] = {"process_group": 0}
    if sys.platform == "win32":
        group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "guestlist", "serve", "--host", host, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **group,
            **lifeline.popen_arguments(environment),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        lifeline.close()


def _print_table(found: Sequence[Verdict]) -> None:
    rows = [("Person", "Bought", "At the site now", "Paid", "Right?")]
    for each in found:
        first, *further = each.access or ("no access",)
        rows.append((each.case.buyer.email, each.case.bought, first, each.paid, "NO" if each.problems else "yes"))
        rows += [("", "", access, "", "") for access in further]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
    typer.echo("")
    for person, bought, access, paid, right in rows:
        line = (person.ljust(widths[0]), bought.ljust(widths[1]), access.ljust(widths[2]), paid.rjust(widths[3]), right)
        typer.echo("  ".join(line).rstrip())


def _program() -> str:
    """How to call `guestlist` from here."""
    if shutil.which("guestlist"):
        return "guestlist"
    script = Path(sys.executable).parent / "guestlist"
    if not script.exists():
        return f"{sys.executable} -m guestlist"
    return str(script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script)
