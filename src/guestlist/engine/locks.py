"""Locks between processes. The kernel drops them with the process, so a `kill -9` leaves none behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock at `path` alone; waits for it."""
    descriptor = _open(path)
    try:
        if sys.platform == "win32":
            # LK_LOCK gives up after 10 s; a first start may hold the lock for longer.
            while True:
                try:
                    msvcrt.locking(descriptor, msvcrt.LK_LOCK, 1)
                    break
                except OSError:
                    time.sleep(0.1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Users:
    """Who uses something: each process holds a shared lock; whoever gets it exclusively is the last one.

    Windows has no shared locks of this kind: there nobody is ever the last one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def join(self) -> None:
        """Be counted, from now until `leave` or the end of the process."""
        if self._descriptor is None:
            self._descriptor = _open(self._path)
            if sys.platform != "win32":
                fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    @property
    def joined(self) -> bool:
        """This process is counted."""
        return self._descriptor is not None

    def is_last(self) -> bool:
        """Nobody else is counted. Call `leave` afterwards: the lock may be an exclusive one now."""
        if sys.platform != "win32" and self._descriptor is not None:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True
        return False

    def leave(self) -> None:
        """No longer be counted."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
