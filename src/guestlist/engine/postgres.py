"""The embedded PostgreSQL: made, started, shared by all processes of one home, mended after a crash.

Layout below the home folder (`postgres/` belongs to the server's account, the rest to the user):

    postgres/data         the data directory
    postgres/socket       the Unix socket (elsewhere if this path is too long: `address.py`)
    postgres/server.log   what the server says
    postgres.lock         held while somebody starts or stops the server
    postgres.users        shared by all who use it; who gets it alone is the last one and stops the server
    postgresql/<version>  the programs, copied only if the server's account cannot reach the installed ones
"""

from __future__ import annotations

import atexit
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from guestlist.engine.account import Account, closed_folder, own, run, server_account
from guestlist.engine.address import Address, SocketAddress, known_address, make_address
from guestlist.engine.errors import PostgresError
from guestlist.engine.home import RUNS_AS_ROOT
from guestlist.engine.locks import Users, exclusive
from guestlist.engine.programs import MAJOR_VERSION, program, reachable_programs

DATABASE = "guestlist"
ROLE = "guestlist"
_SUPERUSER = "postgres"
_SETTINGS = {
    # For a small server that shares its machine. fsync and synchronous_commit stay on: a stored delivery is durable.
    "shared_buffers": "64MB",
    "max_connections": "120",
    "io_method": "sync",
    # Plans here are short; compiling them costs more than it gains.
    "jit": "off",
    # Parallel plans need shared memory in /dev/shm, of which a container has 64 MB.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_LARGE_LOG = 10 * 1024 * 1024
# After a kill -9 of the server, its other processes need a moment to notice and go.
_OLD_PROCESSES_SECONDS = 30
# Replaying the log of a large database after a crash takes a while.
_RECOVERY_SECONDS = 300
_STILL_THERE = ("shared memory block", 'lock file "')
_NOT_READY = ("the database system is ", "Connection refused", "No such file or directory")
_CREATE = f"""
\\getenv password PGPASSWORD
SELECT 'CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD ' || quote_nullable(nullif(:'password', ''))
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') \\gexec
SELECT 'CREATE DATABASE {DATABASE} OWNER {ROLE}'
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{DATABASE}') \\gexec
"""  # noqa: S608 (constants)


class EmbeddedPostgres:
    """The PostgreSQL server of one home folder. Several processes may use it at once; all calls are safe then."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self._cluster = self.home / "postgres"
        self._data = self._cluster / "data"
        self._log = self._cluster / "server.log"
        self._users = Users(self.home / "postgres.users")
        self._pid = os.getpid()

    def ensure_running(self) -> str:
        """Start the server unless it runs, and count this process among its users until it ends.

        Returns:
            The connection string of the database.

        Raises:
            PostgresError: it cannot run here.
        """
        account = self._prepare()
        with exclusive(self.home / "postgres.lock"):
            programs = reachable_programs(self.home, account)
            if not self._users.joined:
                self._users.join()
                atexit.register(self.release)
            address = self._started(account, programs)
        return address.url(ROLE, DATABASE)

    def is_running(self) -> bool:
        """The server's process is there (it may still be starting)."""
        address = known_address(self.home)
        if isinstance(address, SocketAddress):
            return address.answers()
        if address is None or not self._data.exists():
            return False
        account = server_account(self._cluster)
        programs = reachable_programs(self.home, account)
        return run(account, [program(programs, "pg_ctl"), "status", "-D", self._data]).status == 0

    def stop(self) -> None:
        """Stop the server, whoever uses it; open transactions are rolled back.

        Raises:
            PostgresError: it does not stop.
        """
        with exclusive(self.home / "postgres.lock"):
            self._stop()

    def release(self) -> None:
        """This process needs the server no longer; the last one stops it. Called by itself when the process ends."""
        if not self._users.joined or os.getpid() != self._pid:
            return
        if self.home.is_dir():  # a home deleted under its server: that ends by itself when it notices
            with exclusive(self.home / "postgres.lock"):
                if self._users.is_last():
                    self._stop()
                    self._remove_distant_socket_folder()
        self._users.leave()
        atexit.unregister(self.release)

    # --- starting -------------------------------------------------------------------------------------------------

    def _prepare(self) -> Account | None:
        account = server_account(self._cluster)
        closed = closed_folder(account, self.home)
        if closed is not None:
            raise PostgresError(
                f"The database in {self.home} cannot be reached: PostgreSQL does not run as root, and the account it "
                f"runs as instead cannot enter {closed}.",
                "Choose another GUESTLIST_HOME, such as /var/lib/guestlist, or set DATABASE_URL, "
                "or run Guestlist as an ordinary user. (Guestlist does not open a folder that it did not make.)",
            )
        return account

    def _started(self, account: Account | None, programs: Path) -> Address:
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while True:
            address = known_address(self.home)
            if address is None or not self.is_running():
                self._refuse_other_version()
                address = self._start(account, programs)
            problem = self._create_database(address, programs)
            if problem is None:
                return address
            if time.monotonic() > deadline or not any(words in problem for words in _NOT_READY):
                raise self._failure(f"The database could not be made: {problem}")
            time.sleep(0.2)

    def _refuse_other_version(self) -> None:
        try:
            found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return
        if found != str(MAJOR_VERSION):
            raise PostgresError(
                f"The database in {self._data} was made by PostgreSQL {found}; this Guestlist runs PostgreSQL "
                f"{MAJOR_VERSION}.",
                f"Nothing was changed. While the Guestlist that made it runs, dump its database with the pg_dump of "
                f"PostgreSQL {found}; move the folder {self._cluster} away; then start this Guestlist and load the "
                f"dump into the new database with psql. (See docs/how-to/run-as-a-service.md.)",
            )

    def _start(self, account: Account | None, programs: Path) -> Address:
        if not self._cluster.exists():
            self._cluster.mkdir(mode=0o700)
        if RUNS_AS_ROOT and self._cluster.stat().st_uid == 0:
            own(account, self._cluster)
        address = make_address(self.home, account)
        if not self._data.exists():
            self._initialise(account, programs, address)
        self._forget_dead_server(address)
        if self._log.exists() and self._log.lstat().st_size > _LARGE_LOG:
            self._log.replace(self._log.with_suffix(".log.1"))
        options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
        command: list[str | Path] = [
            program(programs, "pg_ctl"),
            "start",
            "-w",
            "-t",
            str(_RECOVERY_SECONDS),
            "-D",
            self._data,
        ]
        command += ["-l", self._log, "-o", f"{options} {address.server_options}"]
        deadline = time.monotonic() + _OLD_PROCESSES_SECONDS
        while True:
            said_before = self._log.lstat().st_size if self._log.exists() else 0
            result = run(account, command)
            if result.status == 0 or self.is_running():
                return address
            said = self._said(said_before)
            if time.monotonic() > deadline or not any(words in said for words in _STILL_THERE):
                raise self._failure("PostgreSQL did not start.", said or result.output)
            time.sleep(0.3)

    def _initialise(self, account: Account | None, programs: Path, address: Address) -> None:
        # Made under another name first: a process killed in the middle leaves no half a data directory behind.
        draft = self._cluster / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        # The collation is PostgreSQL's own: one of the operating system changes with its upgrades, under the indexes.
        command: list[str | Path] = [program(programs, "initdb"), "-D", draft, "-U", _SUPERUSER, "--encoding=UTF8"]
        command += ["--locale-provider=builtin", "--locale=C", "--builtin-locale=C.UTF-8"]
        command += [f"--auth={address.authentication}"]
        password = self._cluster / "password"
        if address.password:
            password.touch(mode=0o600)
            own(account, password)
            password.write_text(address.password, encoding="ascii")
            command += [f"--pwfile={password}"]
        result = run(account, command)
        password.unlink(missing_ok=True)
        if result.status != 0:
            shutil.rmtree(draft, ignore_errors=True)
            raise self._failure(f"The database could not be made in {self._data}.", result.output)
        draft.rename(self._data)

    def _forget_dead_server(self, address: Address) -> None:
        """Remove the lock files of a dead server if another process has its id by now (common in containers)."""
        pid_file = self._data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            pid = 0
        # Left alone while there is a server of this data directory: PostgreSQL protects its data with that file.
        if pid and _serves(pid, self._data):
            return
        pid_file.unlink(missing_ok=True)
        if isinstance(address, SocketAddress):
            address.forget()

    def _create_database(self, address: Address, programs: Path) -> str | None:
        """Make the role and the database unless they are there; what went wrong, or None."""
        command: list[str | Path] = [program(programs, "psql"), "-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        # Not on the command line, which every user of the machine can read.
        connection = {"PGHOST": address.host, "PGPORT": str(address.port), "PGPASSWORD": address.password}
        connection |= {"PGUSER": _SUPERUSER, "PGDATABASE": "postgres"}
        result = run(None, command, text=_CREATE, environment=connection)
        return None if result.status == 0 else result.output.strip()

    # --- stopping -------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        if not self.is_running():
            return
        account = server_account(self._cluster)
        programs = reachable_programs(self.home, account)
        for mode in ("fast", "immediate"):
            result = run(
                account, [program(programs, "pg_ctl"), "stop", "-w", "-t", "60", "-m", mode, "-D", str(self._data)]
            )
            if result.status == 0 or not self.is_running():
                return
        raise self._failure("PostgreSQL does not stop.", result.output)

    def _remove_distant_socket_folder(self) -> None:
        address = known_address(self.home)
        if isinstance(address, SocketAddress) and not address.folder.is_relative_to(self.home):
            with suppress(OSError):  # the next start makes it again, or another one
                address.folder.rmdir()

    # --- telling --------------------------------------------------------------------------------------------------

    def _said(self, since: int) -> str:
        with suppress(OSError), self._log.open("rb") as log:
            log.seek(since)
            return log.read().decode(errors="replace")
        return ""

    def _failure(self, message: str, detail: str = "") -> PostgresError:
        tail = "\n".join(detail.strip().splitlines()[-12:])
        return PostgresError(
            f"{message}\n{tail}" if tail else message,
            f"The server's log is {self._log}. Or set DATABASE_URL to a PostgreSQL server of your own.",
        )


def _serves(pid: int, data: Path) -> bool:
    try:
        return str(data) in psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
