"""The system account that the embedded PostgreSQL runs as, and what that account can reach.

PostgreSQL refuses to run as root. For root its server and tools therefore run as an account without privileges; for
everybody else they run as the user itself (`None` here).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guestlist.engine.errors import PostgresError
from guestlist.engine.home import RUNS_AS_ROOT

if sys.platform != "win32":
    import pwd

OWN_ACCOUNT = "guestlist-db"
# Used when no account can be made (no useradd, read-only /etc). The first that exists is taken.
SPARE_ACCOUNTS = ("postgres", "nobody")
# Nothing else of the environment reaches the server: PG* variables would change its settings, and other people's
# secrets have no business in a second account's processes.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP")


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged system account."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Finished:
    """How a tool ended and all it printed."""

    status: int
    output: str


def server_account(cluster: Path) -> Account | None:
    """The account to run the server of this folder as; None = as the current user.

    Raises:
        PostgresError: root has no unprivileged account to run it as.
    """
    if not RUNS_AS_ROOT:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        # Data belongs to whom it belongs, even if a better account could be made by now.
        owner = cluster.stat()
        return Account(owner.st_uid, owner.st_gid)
    return _unprivileged_account()


def run(
    account: Account | None,
    command: Sequence[str | Path],
    *,
    text: str = "",
    environment: dict[str, str] | None = None,
) -> Finished:
    """Run a tool as that account and wait for it."""
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # A group of its own: Ctrl-C in a terminal must not stop a tool (and with it the server) halfway.
    how: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    if account is not None:
        how |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    # A file and no pipe: the server that pg_ctl leaves running may keep its output open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
        given.write(text.encode())
        given.seek(0)
        try:
            status = subprocess.run(  # noqa: S603
                [str(part) for part in command],
                stdin=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=os.sep,  # the current folder may be closed to that account
                env={**kept, "LC_ALL": "C", **(environment or {})},
                check=False,
                **how,
            ).returncode
        except OSError as error:
            return Finished(126, str(error))
        output.seek(0)
        return Finished(status, output.read().decode(errors="replace"))


def closed_folder(account: Account | None, folder: Path) -> Path | None:
    """The first folder on the way to `folder` (itself included) that the account cannot enter; None = all are open."""
    if account is None:
        return None
    way = [*reversed(folder.parents), folder]
    script = 'for folder do test -x "$folder" || { printf %s "$folder"; exit 1; }; done'
    result = run(account, ["/bin/sh", "-c", script, "sh", *way])
    return None if result.status == 0 else Path(result.output)


def own(account: Account | None, folder: Path) -> None:
    """Give a folder that we just made to the account."""
    if sys.platform != "win32" and account is not None:
        os.chown(folder, account.uid, account.gid)


def _unprivileged_account() -> Account:
    if sys.platform != "win32":
        for name in (OWN_ACCOUNT, *SPARE_ACCOUNTS):
            entry = _entry(name) or (_create(name) if name == OWN_ACCOUNT else None)
            if entry is not None and entry.pw_uid != 0:
                return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        f'PostgreSQL does not run as root, and the account "{OWN_ACCOUNT}" for it could not be made.',
        f"Make it by hand (useradd --system {OWN_ACCOUNT}), or run Guestlist as an ordinary user, or set DATABASE_URL.",
    )


if sys.platform != "win32":

    def _entry(name: str) -> pwd.struct_passwd | None:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            return None

    def _create(name: str) -> pwd.struct_passwd | None:
        useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
        if useradd is None:
            return None
        nologin = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin:/bin") or "/bin/false"
        # Its answer does not matter: two processes may try at once, and then one of them fails rightly.
        run(None, [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", nologin, name])
        return _entry(name)
