"""From an empty environment to a process that can work, each time in a fresh process."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from embedded_database import drop_database
from guestlist.engine.home import RUNS_AS_ROOT, home, secret_key

BOOT = "import sys; from guestlist.engine.boot import main; sys.exit(main())"
APPLIED = "SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations"


def start(environment: dict[str, str], code: str = BOOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = process.communicate(timeout=120)
    return process.returncode, output, errors


def boot(environment: dict[str, str], code: str = BOOT) -> tuple[int, str, str]:
    return finish(start(environment, code))


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The connection string of a database without any tables."""
    server = os.environ["GUESTLIST_TEST_DATABASE_URL"]
    name = f"empty_{uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            drop_database(connection, name)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """No database, no key, a home of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "DATABASE_"))}
    return {**kept, "GUESTLIST_HOME": str(tmp_path / "home")}


def test_with_an_empty_environment_it_makes_a_home_a_key_and_a_database() -> None:
    folder = Path(tempfile.mkdtemp(prefix="guestlist-test-"))
    folder.chmod(0o711)
    inherited = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**inherited, "GUESTLIST_HOME": str(folder / "deep" / "home")}
    code = (
        "import os; from guestlist.engine.boot import boot; boot(); boot();"
        "from guestlist.connections.models import Cart; print(Cart.objects.count(), os.environ['DATABASE_URL'])"
    )
    try:
        first, second = boot(environment, code), boot(environment, code)
        assert first == second
        assert first[0] == 0, first
        assert first[1].startswith("0 postgresql://guestlist@/guestlist")
        assert (folder / "deep/home/secret.key").stat().st_mode & 0o077 == 0
        assert (folder / "deep/home").stat().st_mode & 0o077 == (0o011 if RUNS_AS_ROOT else 0)
    finally:
        shutil.rmtree(folder)


def test_processes_that_start_at_once_apply_each_migration_once(
    empty_database: str, environment: dict[str, str]
) -> None:
    processes = [start({**environment, "DATABASE_URL": empty_database}) for _ in range(3)]
    results = [finish(process) for process in processes]
    assert [status for status, _, _ in results] == [0, 0, 0], results
    with psycopg.connect(empty_database) as connection:
        applied, distinct = connection.execute(APPLIED).fetchone() or (0, 0)
    assert applied == distinct > 20


def test_without_migrate_the_database_is_left_as_it_is(empty_database: str, environment: dict[str, str]) -> None:
    code = "from guestlist.engine.boot import boot; boot(migrate=False)"
    assert boot({**environment, "DATABASE_URL": empty_database}, code) == (0, "", "")
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)


def test_a_database_that_does_not_answer_is_named_without_its_password(environment: dict[str, str]) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    url = f"postgresql://owner:hunter2@127.0.0.1:{port}/shop"
    status, output, errors = boot({**environment, "DATABASE_URL": url})
    assert (status, output) == (1, "")
    assert "DATABASE_URL" in errors
    assert f"port {port} failed: Connection refused" in errors
    assert "Check that its server runs" in errors
    assert "hunter2" not in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://owner:hun@ter2@127.0.0.1:5432/shop",
        "postgresql://owner:hun/ter2@127.0.0.1:5432/shop",
        "mysql://owner:hunter2@127.0.0.1/shop",
        "hunter2",
    ],
)
def test_an_unreadable_address_is_refused_without_showing_any_of_it(environment: dict[str, str], url: str) -> None:
    status, _, errors = boot({**environment, "DATABASE_URL": url})
    assert status == 1
    assert "DATABASE_URL cannot be read" in errors
    assert "%40" in errors
    assert "hun" not in errors
    assert "ter2" not in errors


def test_an_old_postgresql_is_refused_with_both_versions(environment: dict[str, str]) -> None:
    with old_server() as port:
        url = f"postgresql://owner:hunter2@127.0.0.1:{port}/shop?sslmode=disable&gssencmode=disable"
        status, _, errors = boot({**environment, "DATABASE_URL": url})
    assert status == 1
    assert "is PostgreSQL 13; Guestlist needs 14 or newer" in errors
    assert "embedded" in errors


def test_a_user_who_may_not_create_tables_gets_the_remedy(empty_database: str, environment: dict[str, str]) -> None:
    environment["DATABASE_URL"] = empty_database
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {connection.info.dbname} SET default_transaction_read_only = on")
        status, _, errors = boot(environment)
        assert status == 1
        assert "The tables could not be made: " in errors
        assert "read-only" in errors
        assert "must own the database" in errors
        assert "Traceback" not in errors
        connection.execute(f"ALTER DATABASE {connection.info.dbname} RESET default_transaction_read_only")
    assert boot(environment)[0] == 0


def test_processes_that_start_at_once_agree_on_one_secret_key(environment: dict[str, str]) -> None:
    code = "from guestlist.engine.home import home, secret_key; print(secret_key(home()))"
    results = [finish(process) for process in [start(environment, code) for _ in range(6)]]
    keys = {output for _, output, _ in results}
    assert len(keys) == 1, results
    assert len(keys.pop().strip()) >= 64
    folder = Path(environment["GUESTLIST_HOME"])
    assert [path.name for path in folder.iterdir()] == ["secret.key"]
    assert (folder / "secret.key").stat().st_mode & 0o077 == 0


def test_a_configured_secret_key_is_used_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTLIST_SECRET_KEY", "chosen")
    assert secret_key(tmp_path) == "chosen"
    assert list(tmp_path.iterdir()) == []


def test_an_empty_secret_key_file_is_no_key(environment: dict[str, str]) -> None:
    file = Path(environment["GUESTLIST_HOME"], "secret.key")
    file.parent.mkdir()
    file.touch()
    status, _, errors = boot(environment)
    assert status == 1
    assert str(file) in errors
    assert "GUESTLIST_SECRET_KEY" in errors
    file.unlink()
    code = "from guestlist.engine.home import home, secret_key; print(secret_key(home()))"
    assert boot(environment, code)[0] == 0


def test_a_home_that_cannot_be_made_is_named_with_the_remedy(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    environment["GUESTLIST_HOME"] = str(tmp_path / "file" / "home")
    status, _, errors = boot(environment)
    assert status == 1
    assert environment["GUESTLIST_HOME"] in errors
    assert "Choose another folder with GUESTLIST_HOME" in errors


def test_a_home_that_exists_keeps_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o750)
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    assert home() == tmp_path
    assert tmp_path.stat().st_mode & 0o777 == 0o750


LOGGING = """
import logging, structlog
from guestlist.engine.logging import configure_logging
configure_logging("WARNING")
log = structlog.get_logger("shop").bind(order="o-1")
log.warning("cart_called", api_key="k1", url="postgresql://u:hunter2@h/d", remedy="set the token", hook_token="k2")
log.info("too_quiet")
logging.getLogger("uvicorn").error("at postgresql://u:%s@h", "hunter2")
try:
    raise RuntimeError("https://u:hunter2@site.example refused")
except RuntimeError:
    log.exception("failed")
"""


def test_log_lines_are_json_away_from_a_terminal_and_hide_secrets(environment: dict[str, str]) -> None:
    status, _, errors = boot(environment, LOGGING)
    assert status == 0
    lines = errors.splitlines()
    assert len(lines) == 3
    assert '"event": "cart_called"' in lines[0]
    assert '"order": "o-1"' in lines[0]
    assert "set the token" in lines[0]
    assert "RuntimeError" in lines[2]
    for secret in ("k1", "k2", "hunter2", "too_quiet"):
        assert secret not in errors


def test_log_lines_on_a_terminal_are_for_people_and_hide_secrets(environment: dict[str, str]) -> None:
    terminal, far_end = os.openpty()
    with open(terminal, "rb", buffering=0) as screen:  # noqa: PTH123 (a descriptor)
        subprocess.run([sys.executable, "-c", LOGGING], env=environment, stderr=far_end, check=True, timeout=60)
        os.close(far_end)
        text = ""
        with suppress(OSError):  # how a terminal without a far end says that nothing more comes
            while piece := screen.read(4096):
                text += piece.decode()
    assert "cart_called" in text
    assert "RuntimeError" in text
    assert "{" not in text
    for secret in ("k1", "k2", "hunter2", "too_quiet"):
        assert secret not in text


def test_the_log_level_from_the_environment_wins_and_a_wrong_one_is_refused(environment: dict[str, str]) -> None:
    code = "from guestlist.engine.boot import configure_logging as c; c('ERROR'); import logging; logging.info('heard')"
    assert '"heard"' in boot({**environment, "GUESTLIST_LOG_LEVEL": "info"}, code)[2]
    status, _, errors = boot({**environment, "GUESTLIST_LOG_LEVEL": "loud"})
    assert status == 1
    assert 'GUESTLIST_LOG_LEVEL is "LOUD"' in errors
    assert "Use one of DEBUG, INFO" in errors


@contextmanager
def old_server() -> Iterator[int]:
    """Something that greets as PostgreSQL 13 does, and no more."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    greeting = message(b"R", struct.pack("!i", 0))
    greeting += message(b"S", b"server_version\x0013.9\x00") + message(b"S", b"client_encoding\x00UTF8\x00")
    greeting += message(b"K", struct.pack("!ii", 1, 1)) + message(b"Z", b"I")

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(greeting)
            connection.recv(4096)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=30)
