"""The supervisor with real processes: its own, its children's and PostgreSQL's."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import psutil
import pytest

from guestlist.engine.errors import PostgresError, StartError
from guestlist.engine.postgres import EmbeddedPostgres
from guestlist.engine.supervisor import usable_port

# A child that tells its process id and then works for ever.
CHILD = """
import os, signal, sys, time
from pathlib import Path
from guestlist.engine.lifeline import watch_parent
watch_parent()
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
Path(sys.argv[1]).open("a").write(f"{os.getpid()}\\n")
time.sleep(600)
"""
SUPERVISOR = """
import sys
from pathlib import Path
from guestlist.engine import supervisor
from guestlist.engine.logging import configure_logging
from guestlist.engine.postgres import EmbeddedPostgres
configure_logging("INFO")
folder, kind = Path(sys.argv[1]), sys.argv[2]
child = [sys.executable, "-c", sys.argv[3]]
commands = {"web": [*child, str(folder / "web")], "worker": [*child, str(folder / "worker")]}
database = EmbeddedPostgres(folder) if kind == "database" else None
if kind == "deaf":
    supervisor._GRACE_SECONDS = 1
    commands["worker"].append("deaf")
if kind == "broken":
    commands["worker"] = [sys.executable, "-c", "raise SystemExit(7)"]
supervisor.Supervisor(commands, postgres=database, when_ready=lambda: print("ready", flush=True)).run()
"""
A_LONG_TIME = 60


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISOR, str(folder), kind, CHILD], stdout=subprocess.PIPE, stderr=log
            )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.log.read_text()

    def child(self, name: str, *, other_than: int = 0) -> psutil.Process:
        """The latest process of a child, waited for."""

        def latest() -> int:
            lines = (self.folder / name).read_text().split() if (self.folder / name).exists() else []
            return int(lines[-1]) if lines else 0

        wait_for(lambda: latest() not in (0, other_than))
        return psutil.Process(latest())

    def kill_children(self) -> None:
        for file in (self.folder / "web", self.folder / "worker"):
            for pid in file.read_text().split() if file.exists() else []:
                with suppress(psutil.NoSuchProcess):
                    process = psutil.Process(int(pid))
                    if any(str(self.folder) in argument for argument in process.cmdline()):
                        process.kill()

    def said(self, event: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def end(self) -> int:
        self.process.terminate()
        self.process.communicate(timeout=A_LONG_TIME)
        return self.process.returncode


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + A_LONG_TIME
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


def has_ended(process: psutil.Process) -> bool:
    # A process whose parent was killed may stay a zombie where nobody collects it.
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="guestlist-test-"))
    path.chmod(0o711)
    yield path
    with suppress(PostgresError):
        EmbeddedPostgres(path).stop()
    shutil.rmtree(path)


@pytest.fixture
def supervise(folder: Path) -> Iterator[Callable[[str], Running]]:
    started: list[Running] = []

    def start(kind: str = "plain") -> Running:
        started.append(Running(folder, kind))
        return started[-1]

    yield start
    for running in started:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()
        running.kill_children()


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0]))


def test_a_killed_child_comes_back_and_the_others_stay(supervise: Callable[..., Running]) -> None:
    running = supervise()
    running.wait_until_ready()
    web, worker = running.child("web"), running.child("worker")
    worker.kill()
    assert running.child("worker", other_than=worker.pid).is_running()
    assert web.is_running()
    assert running.said("child_ended")[0]["status"] == -signal.SIGKILL
    assert running.end() == 0


def test_sigterm_ends_the_children_and_then_the_database(supervise: Callable[..., Running], folder: Path) -> None:
    running = supervise("database")
    running.wait_until_ready()
    processes = [running.child("web"), running.child("worker"), postmaster(folder)]
    assert running.end() == 0
    assert all(has_ended(process) for process in processes)
    assert not EmbeddedPostgres(folder).is_running()


def test_ctrl_c_does_the_same(supervise: Callable[..., Running]) -> None:
    running = supervise()
    running.wait_until_ready()
    children = [running.child("web"), running.child("worker")]
    # The terminal sends Ctrl-C to a whole group; children in it would end in no order.
    assert os.getpgid(running.process.pid) not in [os.getpgid(child.pid) for child in children]
    running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=A_LONG_TIME)
    assert running.process.returncode == 0
    assert all(has_ended(child) for child in children)


def test_children_end_when_the_supervisor_is_killed(supervise: Callable[..., Running]) -> None:
    running = supervise()
    running.wait_until_ready()
    children = [running.child("web"), running.child("worker")]
    running.process.kill()
    wait_for(lambda: all(has_ended(child) for child in children))


def test_a_child_that_does_not_end_is_killed_after_its_grace(supervise: Callable[..., Running]) -> None:
    running = supervise("deaf")
    running.wait_until_ready()
    worker = running.child("worker")
    assert running.end() == 0
    assert has_ended(worker)


def test_a_child_that_keeps_failing_is_started_again_more_and_more_seldom(supervise: Callable[..., Running]) -> None:
    running = supervise("broken")
    running.wait_until_ready()
    wait_for(lambda: len(running.said("child_ended")) >= 3)
    ends = running.said("child_ended")
    assert [end["restart_in"] for end in ends[:3]] == [0.5, 1.0, 2.0]
    assert {(end["child"], end["status"]) for end in ends} == {("worker", 7)}
    assert running.child("web").is_running()
    assert running.end() == 0


def test_a_killed_postgresql_is_started_again(supervise: Callable[..., Running], folder: Path) -> None:
    running = supervise("database")
    running.wait_until_ready()
    killed = postmaster(folder)
    killed.kill()
    wait_for(lambda: running.said("postgres_restarted"))
    assert postmaster(folder).pid != killed.pid
    assert EmbeddedPostgres(folder).is_running()
    assert running.end() == 0


def until_it_runs(output: IO[bytes], port: int) -> str:
    """What `serve` says until it says that it runs."""
    said = ""
    while f"Guestlist is running at http://127.0.0.1:{port}\n" not in said:
        line = output.readline().decode()
        assert line, said
        said += line
    return said


def test_serve_runs_on_an_empty_home_and_nothing_outlives_it(folder: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**inherited, "GUESTLIST_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "guestlist", "serve", "--port", str(port)]
    for end in (signal.SIGTERM, signal.SIGKILL):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as serve:
            assert serve.stdout is not None
            said = until_it_runs(serve.stdout, port)
            # Nobody has made the owner's account yet, so each start offers to.
            assert f"http://127.0.0.1:{port}/account/welcome/" in said
            roles = psutil.Process(serve.pid).children()
            assert len(roles) == 2
            serve.send_signal(end)
        assert serve.returncode == (0 if end == signal.SIGTERM else -signal.SIGKILL)
        wait_for(lambda roles=roles: all(has_ended(role) for role in roles))
        # The last of its users stops it, whichever process that is.
        wait_for(lambda: not EmbeddedPostgres(folder / "home").is_running())


def test_a_taken_port_is_refused_with_the_remedy_before_anything_starts(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        code = f"from guestlist.engine.supervisor import serve; serve('127.0.0.1', {port})"
        environment = {**os.environ, "GUESTLIST_HOME": str(tmp_path / "home"), "DATABASE_URL": ""}
        result = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=A_LONG_TIME
        )
    assert result.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in result.stderr
    assert "--port" in result.stderr
    assert not (tmp_path / "home").exists()
    assert usable_port("127.0.0.1", port) == port


def test_port_0_is_one_that_is_free() -> None:
    port = usable_port("127.0.0.1", 0)
    with closing(socket.create_server(("127.0.0.1", port))):
        assert port > 0


def test_a_host_that_is_not_of_this_machine_is_refused_with_the_remedy() -> None:
    with pytest.raises(StartError) as refusal:
        usable_port("192.0.2.1", 8000)
    assert "192.0.2.1" in refusal.value.message
    assert "--host" in refusal.value.remedy
