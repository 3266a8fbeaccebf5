"""Says whether `requirements.lock` still fits pyproject.toml. Needs no network."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def main() -> int:
    """Print every misfit."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    problems = list(misfits(requirements(project), (ROOT / "requirements.lock").read_text()))
    for problem in problems:
        print(f"requirements.lock: {problem}", file=sys.stderr)
    if problems:
        print("Run `make lock` and commit the result.", file=sys.stderr)
    return 1 if problems else 0


def requirements(project: dict[str, Any]) -> list[Requirement]:
    """All that pyproject.toml asks for: to run, to develop, to build."""
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    for extra in project["project"]["optional-dependencies"].values():
        asked += extra
    return [Requirement(text) for text in asked]


def misfits(asked: Iterable[Requirement], lock: str) -> Iterator[str]:
    """What is wrong with the lock, in words."""
    pins: dict[str, list[Version]] = {}
    for pin in _PIN.finditer(lock):
        pins.setdefault(canonicalize_name(pin[1]), []).append(Version(pin[2]))
    for requirement in asked:
        found = pins.get(canonicalize_name(requirement.name), [])
        if not found:
            yield f"{requirement} has no pin"
        for version in found:
            if not requirement.specifier.contains(version, prereleases=True):
                yield f"{requirement.name} is pinned to {version}, pyproject.toml asks for {requirement}"
    for block in re.split(r"\n(?=\S)", lock):
        pinned = _PIN.match(block)
        if pinned and "--hash=sha256:" not in block:
            yield f"{pinned[1]} has no hash"
    if "://" in lock:
        yield "it names an address; pins and hashes only"


if __name__ == "__main__":
    sys.exit(main())
