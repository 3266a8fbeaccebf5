"""All benchmarks, one after the other: `python -m bench`."""

from __future__ import annotations

from bench import door, lanes, latency


def main() -> int:
    """Run all; 1 if one of them does not reach what is wanted."""
    reached = [row.main() for row in (door, lanes, latency)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    raise SystemExit(main())
