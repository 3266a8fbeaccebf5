"""Writes `requirements.lock` from pyproject.toml with uv: every package with its hashes, for all platforms.

Pins stay as they are where pyproject.toml still allows them; `--upgrade` moves all of them on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = "3.11"


def main() -> int:
    """Write the lock."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            *(shutil.which("uv") or _fetched_uv(Path(scratch)), "pip", "compile", "pyproject.toml"),
            *("--extra", "dev", "--universal", "--python-version", OLDEST),
            # A committed file names no package registry: whoever installs uses the one they have configured.
            *("--generate-hashes", "--no-emit-index-url", "--no-emit-find-links"),
            *("--custom-compile-command", "make lock"),
            *("--quiet", "--output-file", "requirements.lock", *sys.argv[1:]),
        ]
        return subprocess.run(command, cwd=ROOT, check=False).returncode


def _fetched_uv(folder: Path) -> str:
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", "uv"], check=True)
    return str(folder / "bin" / "uv")


if __name__ == "__main__":
    sys.exit(main())
