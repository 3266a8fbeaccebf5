"""How far a long command is, on standard error, so that what it prints stays clean."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

# Without a terminal (a log, a cron mail) a line now and then is enough.
LINE_SECONDS = 10.0


def progress(what: str) -> Callable[[int, int], None]:
    """A function to be called with how many are done, and how many there are.

    Args:
        what: what is counted, such as "orders".
    """
    terminal = sys.stderr.isatty()
    told_at = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told_at
        words = f"{done:,} of {total:,} {what}"
        if terminal:
            print(f"\r{words}", end="\n" if done >= total else "", file=sys.stderr, flush=True)
        elif time.monotonic() - told_at >= LINE_SECONDS:
            told_at = time.monotonic()
            print(words, file=sys.stderr, flush=True)

    return tell
