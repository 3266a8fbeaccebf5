"""All benchmarks, one after the other, each in a process of its own: `python -m bench`."""

from __future__ import annotations

import subprocess
import sys

ROWS = ("door", "lanes", "latency")


def main() -> int:
    """Run all; 1 if one of them does not reach what is wanted."""
    missed = [row for row in ROWS if subprocess.run([sys.executable, "-m", f"bench.{row}"], check=False).returncode]
    if missed:
        print(f"bench: not reached: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
