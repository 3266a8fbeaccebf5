"""The embedded PostgreSQL, with real servers and real processes.

As root (so in CI) the server runs as another account, which is what makes reachability a matter at all; as an ordinary
user the same scenarios check that nothing is in the way.
"""

from __future__ import annotations

import importlib.metadata
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

import guestlist
from guestlist.engine import account, address, postgres, programs
from guestlist.engine.errors import PostgresError
from guestlist.engine.home import RUNS_AS_ROOT
from guestlist.engine.postgres import EmbeddedPostgres

USER = """
import sys
from pathlib import Path
from guestlist.engine.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).ensure_running(), flush=True)
sys.stdin.read()
"""


@dataclass
class UserProcess:
    """Another process that uses the server of a home until it is told to end, or killed."""

    process: subprocess.Popen[str]
    url: str = ""

    def wait_until_running(self) -> str:
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        return self.url

    def end(self) -> None:
        self.process.communicate(timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the server's account may pass through (pytest's own are closed to others)."""
    folder = Path(tempfile.mkdtemp(prefix="guestlist-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def home(open_folder: Path) -> Iterator[Path]:
    folder = open_folder / "home"
    folder.mkdir(mode=0o711)
    folder.chmod(0o711)
    yield folder
    stop_left_over(folder)


@pytest.fixture
def user_process() -> Iterator[Callable[..., UserProcess]]:
    started: list[UserProcess] = []

    def start(home: Path, **environment: str) -> UserProcess:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **environment},
        )
        started.append(UserProcess(process))
        return started[-1]

    yield start
    for user in started:
        if user.process.poll() is None:
            user.kill()


def stop_left_over(home: Path) -> None:
    with suppress(PostgresError):
        EmbeddedPostgres(home).stop()


def postmaster(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0]))


@contextmanager
def lingering_backend(url: str) -> Iterator[psutil.Process]:
    """A process of the server that does not notice, while stopped, that its postmaster is gone."""
    with closing(psycopg.connect(url)) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        backend.suspend()
        try:
            yield backend
        finally:
            with suppress(psutil.NoSuchProcess):
                backend.resume()


def modes(path: Path) -> dict[Path, int]:
    return {folder: folder.stat().st_mode for folder in (path, *path.parents)}


def write_and_count(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS marks (n int)")
        connection.execute("INSERT INTO marks VALUES (1)")
        (count,) = connection.execute("SELECT count(*) FROM marks").fetchone() or (0,)
        return count


def test_a_new_home_gets_a_durable_server_with_a_database_and_a_role_without_privileges(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with psycopg.connect(server.ensure_running()) as connection:
        row = connection.execute(
            "SELECT current_database(), current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),"
            " current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_version_num')"
        ).fetchone()
    assert row is not None
    assert row[:5] == ("guestlist", "guestlist", False, "on", "on")
    assert int(row[5]) // 10_000 == programs.MAJOR_VERSION
    server.release()
    assert not server.is_running()


def test_the_data_outlives_the_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    assert write_and_count(server.ensure_running()) == 1
    server.release()
    assert write_and_count(server.ensure_running()) == 2
    server.release()


def test_a_second_process_uses_the_running_server_and_the_last_one_stops_it(
    home: Path, user_process: Callable[..., UserProcess]
) -> None:
    server = EmbeddedPostgres(home)
    first, second = user_process(home), user_process(home)
    assert first.wait_until_running() == second.wait_until_running()
    pid = postmaster(home).pid
    first.end()
    assert server.is_running()
    assert postmaster(home).pid == pid
    second.end()
    assert not server.is_running()


def test_a_killed_user_does_not_count_any_more(home: Path, user_process: Callable[..., UserProcess]) -> None:
    server = EmbeddedPostgres(home)
    first, second = user_process(home), user_process(home)
    first.wait_until_running()
    second.wait_until_running()
    first.kill()
    assert server.is_running()
    second.end()
    assert not server.is_running()


def test_many_processes_at_once_on_an_empty_home_share_one_server(
    home: Path, user_process: Callable[..., UserProcess]
) -> None:
    users = [user_process(home) for _ in range(4)]
    urls = {user.wait_until_running() for user in users}
    assert len(urls) == 1
    assert urls != {""}
    for user in users:
        user.end()
    assert not EmbeddedPostgres(home).is_running()


def test_it_starts_again_after_its_postmaster_was_killed(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    assert write_and_count(url) == 1
    killed = postmaster(home)
    with lingering_backend(url) as backend:
        killed.kill()
        threading.Timer(1.0, backend.resume).start()
        assert server.ensure_running() == url
    assert postmaster(home).pid != killed.pid
    assert write_and_count(url) == 2
    server.release()


def test_old_processes_that_do_not_go_end_in_an_error_that_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_OLD_PROCESSES_SECONDS", 1)
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    with lingering_backend(url) as backend:
        postmaster(home).kill()
        with pytest.raises(PostgresError, match=r"shared memory block .* still in use"):
            server.ensure_running()
        backend.resume()
    monkeypatch.undo()
    assert write_and_count(server.ensure_running()) == 1
    server.release()


def test_it_starts_again_at_once_after_all_its_processes_were_killed(home: Path) -> None:
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    assert write_and_count(url) == 1
    head = postmaster(home)
    for process in [head, *head.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert server.ensure_running() == url
    assert write_and_count(url) == 2
    server.release()


def test_it_starts_although_another_process_has_the_id_of_the_dead_postmaster(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.ensure_running()
    lock_file = home / "postgres/data/postmaster.pid"
    left_behind = lock_file.read_text().splitlines()
    account = (home / "postgres").stat()
    server.release()
    # Of the server's account: PostgreSQL takes a process of another account for none of its own.
    identity = {"user": account.st_uid, "group": account.st_gid, "extra_groups": []} if RUNS_AS_ROOT else {}
    with subprocess.Popen(["/bin/sleep", "60"], cwd="/", **identity) as stranger:
        lock_file.write_text("\n".join([str(stranger.pid), *left_behind[1:]]) + "\n")
        os.chown(lock_file, account.st_uid, account.st_gid)
        assert write_and_count(server.ensure_running()) == 1
        assert stranger.poll() is None
        stranger.kill()
    server.release()


def test_a_first_start_killed_in_the_middle_leaves_a_home_that_starts(home: Path) -> None:
    half = home / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text(f"{programs.MAJOR_VERSION}\n")
    (home / "postgres").chmod(0o700)
    server = EmbeddedPostgres(home)
    # Root's own folders stand for the moment before they were given to the server's account; they hold no data yet.
    assert write_and_count(server.ensure_running()) == 1
    server.release()


def test_data_of_another_major_version_are_refused_untouched_with_the_way_out(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.ensure_running()
    server.release()
    version = home / "postgres/data/PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(PostgresError) as refusal:
        server.ensure_running()
    assert "PostgreSQL 16" in refusal.value.message
    assert f"PostgreSQL {programs.MAJOR_VERSION}" in refusal.value.message
    assert "pg_dump" in refusal.value.remedy
    assert "psql" in refusal.value.remedy
    assert version.read_text() == "16\n"
    version.write_text(f"{programs.MAJOR_VERSION}\n")
    assert write_and_count(server.ensure_running()) == 1
    server.release()


def test_data_that_cannot_be_read_end_in_an_error_with_the_end_of_the_log(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.ensure_running()
    server.release()
    control = home / "postgres/data/global/pg_control"
    good = control.read_bytes()
    control.write_bytes(b"x" * len(good))
    with pytest.raises(PostgresError) as failure:
        server.ensure_running()
    assert "database files are incompatible with server" in failure.value.message
    assert "server.log" in failure.value.remedy
    control.write_bytes(good)
    server.ensure_running()
    server.release()


def test_a_long_home_path_works_and_leaves_nothing_in_the_temporary_folder(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = open_folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    home = open_folder / ("long" * 30) / "home"
    home.mkdir(parents=True)
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    (socket_folder,) = temporary.iterdir()
    assert socket_folder.stat().st_mode & 0o077 == 0
    assert write_and_count(url) == 1
    postmaster(home).kill()
    assert server.ensure_running() == url, "clients keep the address over a restart"
    assert write_and_count(url) == 2
    server.release()
    assert list(temporary.iterdir()) == []


def test_a_copied_home_never_reaches_the_database_of_the_original(open_folder: Path) -> None:
    original, copy = (open_folder / (name * 120) for name in "oc")
    original.mkdir()
    server, other = EmbeddedPostgres(original), EmbeddedPostgres(copy)
    server.ensure_running()
    server.release()
    url = server.ensure_running()
    assert write_and_count(url) == 1
    server.stop()
    subprocess.run(["cp", "-a", original, copy], check=True)
    server.ensure_running()
    try:
        assert not other.is_running()
        other_url = other.ensure_running()
        assert other_url != url
        assert write_and_count(other_url) == 2
        assert write_and_count(url) == 2
    finally:
        server.release()
        other.release()


def test_where_it_must_listen_on_a_port_a_password_stands_before_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "LISTENS_ON_PORT", True)
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    assert server.is_running()
    assert write_and_count(url) == 1
    without_password = url.replace(psycopg.conninfo.conninfo_to_dict(url)["password"], "guess")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(without_password)
    assert (home / "postgres.address").stat().st_mode & 0o077 == 0
    server.release()
    assert not server.is_running()
    assert write_and_count(server.ensure_running()) == 2
    server.release()


def test_another_user_of_the_machine_cannot_connect(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.ensure_running()
    folder = home / "postgres/socket"
    assert folder.stat().st_mode & 0o077 == 0
    if RUNS_AS_ROOT:
        attempt = subprocess.run(
            ["/bin/sh", "-c", f"test -e {folder}/.s.PGSQL.{address.PORT}"], user="nobody", group=65534, cwd="/"
        )
        assert attempt.returncode != 0
        assert folder.stat().st_uid != 0
    server.release()


def test_programs_in_a_closed_folder_are_run_without_opening_it(
    open_folder: Path, home: Path, user_process: Callable[..., UserProcess]
) -> None:
    """A virtual environment below /root, or a clone in a folder of mode 0700."""
    closed = open_folder / "closed"
    site = closed / "venv" / "site-packages"
    site.mkdir(parents=True)
    packaged = programs.packaged_programs().parent.parent
    shutil.copytree(packaged, site / packaged.name, ignore=shutil.ignore_patterns("pginstall", "include", "*.a"))
    for libraries in packaged.parent.glob(f"{packaged.name}.libs"):
        shutil.copytree(libraries, site / libraries.name)
    source = Path(guestlist.__file__).parent.parent
    closed.chmod(0o700)
    before = modes(site / packaged.name) | modes(home) | modes(source)

    user = user_process(home, PYTHONPATH=os.pathsep.join([str(site), str(source), *sys.path]))
    assert write_and_count(user.wait_until_running()) == 1
    server_runs_from = Path(postmaster(home).exe())
    user.end()

    assert modes(site / packaged.name) | modes(home) | modes(source) == before
    copy = home / "postgresql" / importlib.metadata.version(packaged.name)
    if RUNS_AS_ROOT:
        assert server_runs_from.is_relative_to(copy)
        assert not any(path.name.startswith(".copy-") for path in copy.parent.iterdir())
    else:
        assert server_runs_from.is_relative_to(site)
        assert not copy.exists()


def test_a_home_below_somebody_elses_closed_folder_is_refused_with_the_remedy(open_folder: Path) -> None:
    closed = open_folder / "closed"
    home = closed / "sub" / "home"
    home.mkdir(parents=True)
    closed.chmod(0o700)
    before = modes(home)
    server = EmbeddedPostgres(home)
    if not RUNS_AS_ROOT:
        assert write_and_count(server.ensure_running()) == 1
        server.release()
        return
    with pytest.raises(PostgresError) as refusal:
        server.ensure_running()
    assert str(closed) in refusal.value.message
    assert str(home) in refusal.value.message
    for way_out in ("/var/lib/guestlist", "DATABASE_URL", "ordinary user"):
        assert way_out in refusal.value.remedy
    assert modes(home) == before
    assert list(home.iterdir()) == [], "nothing was begun"
    closed.chmod(0o711)
    assert write_and_count(server.ensure_running()) == 1
    server.release()


def test_an_account_that_cannot_be_made_is_replaced_by_a_spare_one_and_the_data_stay_with_that(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "OWN_ACCOUNT", "no:such:name")
    server = EmbeddedPostgres(home)
    url = server.ensure_running()
    assert write_and_count(url) == 1
    server.release()
    owner = (home / "postgres").stat().st_uid
    if RUNS_AS_ROOT:
        assert pwd.getpwuid(owner).pw_name in account.SPARE_ACCOUNTS
    monkeypatch.undo()
    assert write_and_count(server.ensure_running()) == 2
    assert postmaster(home).uids().real == owner
    server.release()


def test_root_without_any_account_for_the_server_is_told_what_to_do(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account, "OWN_ACCOUNT", "no:such:name")
    monkeypatch.setattr(account, "SPARE_ACCOUNTS", ())
    server = EmbeddedPostgres(home)
    if RUNS_AS_ROOT:
        with pytest.raises(PostgresError) as refusal:
            server.ensure_running()
        assert "useradd --system" in refusal.value.remedy
        monkeypatch.undo()
    assert write_and_count(server.ensure_running()) == 1
    server.release()


def test_a_large_log_is_put_aside_at_the_start(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.ensure_running()
    server.release()
    log = home / "postgres/server.log"
    with log.open("ab") as file:
        file.truncate(11 * 1024 * 1024)
    server.ensure_running()
    assert log.stat().st_size < 1024 * 1024
    assert (home / "postgres/server.log.1").stat().st_size > 10 * 1024 * 1024
    server.release()


def test_settings_of_postgresql_clients_in_the_environment_do_not_matter(
    home: Path, user_process: Callable[..., UserProcess]
) -> None:
    user = user_process(home, PGPORT="1", PGDATA="/nowhere", PGHOST="/nowhere", PGUSER="x", PGOPTIONS="-c nonsense=1")
    url = user.wait_until_running()
    assert write_and_count(url) == 1
    user.end()


def test_ctrl_c_does_not_stop_the_server_under_the_other_users(
    home: Path, user_process: Callable[..., UserProcess]
) -> None:
    first, second = user_process(home), user_process(home)
    url = first.wait_until_running()
    second.wait_until_running()
    first.process.send_signal(signal.SIGINT)
    first.end()
    assert first.process.returncode != 0
    assert write_and_count(url) == 1
    second.end()
    assert not EmbeddedPostgres(home).is_running()
