"""Where the embedded PostgreSQL listens: a Unix socket in a private folder, on Windows a port of the loopback address.

Who may connect is decided by the kernel: the socket lies in a folder of mode 0700 that belongs to the server's
account, so only that account and root get to it, and no password is needed. A port is open to every local user; there
a generated password stands between.
"""

from __future__ import annotations

import os
import secrets
import shlex
import socket
import stat
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from guestlist.engine.account import Account, closed_folder, own
from guestlist.engine.errors import PostgresError

# Unix sockets exist on Windows, but neither libpq's builds nor folder modes can be relied on there.
LISTENS_ON_PORT = sys.platform == "win32"
PORT = 5432
# sockaddr_un.sun_path is 104 bytes on macOS and 108 on Linux, with the closing zero.
_LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """A Unix socket in this folder."""

    folder: Path
    port: int = PORT
    # None is needed.
    password: str = ""

    @property
    def host(self) -> str:
        """For clients."""
        return str(self.folder)

    @property
    def server_options(self) -> str:
        """For the server's command line."""
        folder = shlex.quote(f"unix_socket_directories={self.folder}")
        return f"-c listen_addresses='' -c port={self.port} -c unix_socket_permissions=0700 -c {folder}"

    @property
    def authentication(self) -> str:
        """For initdb."""
        return "trust"

    def url(self, user: str, database: str) -> str:
        """The connection string."""
        return f"postgresql://{user}@/{database}?host={quote(self.host, safe='')}&port={self.port}"

    def answers(self) -> bool:
        """A server listens there: true even while it starts or is too busy, false once its process is gone."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(5)
            try:
                client.connect(str(self._path))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
            except (BlockingIOError, TimeoutError):
                return True
            return True

    def forget(self) -> None:
        """Remove what a dead server left: its lock file names a process id that may be another process by now."""
        for name in (self._path, self._path.with_name(f"{self._path.name}.lock")):
            name.unlink(missing_ok=True)

    @property
    def _path(self) -> Path:
        return self.folder / f".s.PGSQL.{self.port}"


@dataclass(frozen=True, slots=True)
class LoopbackAddress:
    """A port of 127.0.0.1, with a password."""

    port: int
    password: str
    host: str = "127.0.0.1"

    @property
    def server_options(self) -> str:
        """For the server's command line."""
        return f"-c listen_addresses={self.host} -c port={self.port} -c unix_socket_directories="

    @property
    def authentication(self) -> str:
        """For initdb."""
        return "scram-sha-256"

    def url(self, user: str, database: str) -> str:
        """The connection string."""
        return f"postgresql://{user}:{quote(self.password, safe='')}@{self.host}:{self.port}/{database}"


Address = SocketAddress | LoopbackAddress


def known_address(home: Path) -> Address | None:
    """Where the server of this home listens when it runs; None = it never ran."""
    if LISTENS_ON_PORT:
        return _known_port(home)
    folder = _folder_in_home(home) or _recorded_folder(home)
    return SocketAddress(folder) if folder is not None and folder.is_dir() else None


def make_address(home: Path, account: Account | None) -> Address:
    """The place for the server to listen, the same one each time as far as possible: running clients keep it."""
    if LISTENS_ON_PORT:
        known = _known_port(home)
        if known is None:
            return _record_port(home, secrets.token_urlsafe(32))
        # The password is the data directory's; the port may be somebody else's by now.
        return known if _is_free(known.port) else _record_port(home, known.password)
    folder = _folder_in_home(home)
    if folder is None:
        return SocketAddress(_folder_elsewhere(home, account))
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        own(account, folder)
    return SocketAddress(folder)


def _fits(folder: Path) -> bool:
    path = str(folder / f".s.PGSQL.{PORT}")
    # A comma separates several folders (server) or several hosts (client).
    return len(os.fsencode(path)) <= _LONGEST_SOCKET_PATH and not any(character in path for character in ",\"'\\%")


def _folder_in_home(home: Path) -> Path | None:
    folder = home / "postgres" / "socket"
    return folder if _fits(folder) else None


def _record(home: Path) -> Path:
    return home / "postgres.address"


def _recorded_folder(home: Path) -> Path | None:
    """The folder made for this very home; a copied home brings a record of another one along."""
    with suppress(OSError, ValueError):
        folder, owner = _record(home).read_text(encoding="utf-8").splitlines()
        if owner == str(home):
            return Path(folder)
    return None


def _folder_elsewhere(home: Path, account: Account | None) -> Path:
    recorded = _recorded_folder(home)
    if recorded is not None:
        with suppress(OSError):  # its name may be taken by now, or its parent gone
            if not recorded.exists():
                recorded.mkdir(mode=0o700)
                own(account, recorded)
        if _is_private(recorded, account):
            return recorded
    for parent in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
        if closed_folder(account, parent) is None and _fits(parent / "guestlist-12345678"):
            # A random name, so that nobody can have made it before.
            folder = Path(tempfile.mkdtemp(dir=parent, prefix="guestlist-"))
            own(account, folder)
            _record(home).write_text(f"{folder}\n{home}\n", encoding="utf-8")
            return folder
    raise PostgresError(
        f"The path of {home} is too long for the database's socket, and no shorter temporary folder was found.",
        "Choose a shorter GUESTLIST_HOME, or set TMPDIR to a short path.",
    )


def _is_private(folder: Path, account: Account | None) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    owner = account.uid if account is not None else os.geteuid()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == owner and not status.st_mode & 0o077


def _known_port(home: Path) -> LoopbackAddress | None:
    with suppress(OSError, ValueError):
        port, password = _record(home).read_text(encoding="ascii").splitlines()
        return LoopbackAddress(int(port), password)
    return None


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _record_port(home: Path, password: str) -> LoopbackAddress:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        address = LoopbackAddress(probe.getsockname()[1], password)
    descriptor = os.open(_record(home), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{address.port}\n{address.password}\n")
    return address
