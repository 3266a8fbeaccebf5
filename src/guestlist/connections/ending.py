"""Whether this process is about to end: long work stops at its next good place and begins nothing new."""

from __future__ import annotations

import threading

ENDING = threading.Event()
