"""The folder where one Guestlist keeps what is its own: the secret key and the embedded PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import tempfile
from pathlib import Path

from platformdirs import user_data_path

from guestlist.engine.errors import StartError

RUNS_AS_ROOT = sys.platform != "win32" and os.geteuid() == 0


def home() -> Path:
    """The home folder (GUESTLIST_HOME, or the platform's data folder), made if it is missing.

    Raises:
        StartError: it cannot be made or written.
    """
    configured = os.environ.get("GUESTLIST_HOME", "").strip()
    folder = (Path(configured).expanduser() if configured else _default_home()).resolve()
    try:
        _make(folder)
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from error
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise _unusable(folder, "it is not writable for this user")
    return folder


def secret_key(home: Path) -> str:
    """GUESTLIST_SECRET_KEY, else the key in `secret.key`, generated once.

    Raises:
        StartError: the file cannot be read or written, or is empty.
    """
    configured = os.environ.get("GUESTLIST_SECRET_KEY", "").strip()
    if configured:
        return configured
    path = home / "secret.key"
    try:
        if not path.exists():
            _write_new_key(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(
            f"The secret key in {path} cannot be used: {error}",
            "Make the file readable and writable for the user that runs Guestlist, or set GUESTLIST_SECRET_KEY.",
        ) from error
    if not key:
        raise StartError(
            f"The secret key file {path} is empty.",
            "Put the key back from a backup, or set GUESTLIST_SECRET_KEY. If nothing is stored yet, delete the file.",
        )
    return key


def _default_home() -> Path:
    # Root's own data folder lies in /root, which the database server's user must not be let into.
    return Path("/var/lib/guestlist") if RUNS_AS_ROOT else user_data_path("guestlist", appauthor=False)


def _make(folder: Path) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        # Another process may make it at the same moment; then its mode is that process's business.
        with contextlib.suppress(FileExistsError):
            path.mkdir()
            # For root the database server is another user, who must pass through but need not look around.
            path.chmod(0o711 if RUNS_AS_ROOT else 0o700)


def _write_new_key(path: Path) -> None:
    # Whoever links first wins and nobody ever reads half a key.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secret-")  # mode 0600
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _unusable(folder: Path, reason: str) -> StartError:
    return StartError(
        f"The home folder {folder} cannot be used: {reason}.",
        "Choose another folder with GUESTLIST_HOME, or make this one writable for the user that runs Guestlist.",
    )
