"""Children end with their parent, even a killed one: they watch the read end of a pipe that it holds open."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

_VARIABLE = "GUESTLIST_PARENT_PIPE"
_GRACE_SECONDS = 10.0


class Lifeline:
    """The parent's side: the kernel closes it with the parent, however that ends."""

    def __init__(self) -> None:
        self._read_end, self._write_end = os.pipe()

    def popen_arguments(self, environment: Mapping[str, str]) -> dict[str, Any]:
        """What `subprocess.Popen` needs for a child that calls `watch_parent`."""
        arguments: dict[str, Any] = {"env": dict(environment)}
        if sys.platform != "win32":  # descriptors are not passed on there: children outlive a killed parent
            arguments["env"][_VARIABLE] = str(self._read_end)
            arguments["pass_fds"] = (self._read_end,)
        return arguments

    def close(self) -> None:
        """Let go of the children; those that still run end."""
        os.close(self._read_end)
        os.close(self._write_end)


def watch_parent() -> None:
    """In a child: end gracefully as soon as the parent is gone. Without a parent that asks for it, does nothing."""
    # Taken out: a grandchild does not inherit the pipe, and the number may mean something else there.
    number = os.environ.pop(_VARIABLE, "")
    if number:
        descriptor = int(number)
        os.set_inheritable(descriptor, False)
        threading.Thread(target=_end_at_eof, args=(descriptor,), name="watch-parent", daemon=True).start()


def _end_at_eof(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os._exit(1)
