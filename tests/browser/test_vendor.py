"""The accessibility checker is the one that was published."""

from __future__ import annotations

import hashlib
from pathlib import Path

VENDOR = Path(__file__).parent / "vendor"


def test_the_stored_files_are_those_of_the_list():
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in _list().splitlines())}
    stored = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/*")
        if path.is_file()
    }

    assert stored == listed


def _list() -> str:
    return (VENDOR / "SHA256SUMS").read_text()
