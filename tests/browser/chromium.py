"""The browser: Debian's Chromium or another one that is installed. `python -m browser.chromium` installs it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    f"No browser for the tests: none of {', '.join(NAMES)} is on the PATH. On Debian: `apt-get install chromium` "
    "(as root); elsewhere install Chromium or Google Chrome."
)


def main() -> int:
    """Install Chromium unless there is a browser; 1 = there is none, and it cannot be installed from here."""
    if found() is not None:
        return 0
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "--quiet"], env=environment, check=False)
        install = ["apt-get", "install", "--quiet", "--yes", "--no-install-recommends", "chromium"]
        subprocess.run(install, env=environment, check=False)
    if found() is not None:
        return 0
    print(MISSING, file=sys.stderr)
    return 1


def found() -> str | None:
    """The program's path; None = none is installed."""
    return next((path for path in map(shutil.which, NAMES) if path is not None), None)


def arguments() -> list[str]:
    # Chromium's sandbox refuses to work for root.
    return [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*QUIET]


if __name__ == "__main__":
    raise SystemExit(main())
