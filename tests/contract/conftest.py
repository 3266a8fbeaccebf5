"""The environments that the contract suite runs in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from environments import Environment
from memberpress_environment import MemberPressEnvironment

from guestlist.sandbox.site.server import SandboxSite

_names = count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[SandboxSite]:
    """One server for all sites in folders."""
    with SandboxSite() as server:
        yield server


@pytest.fixture(scope="session")
def root_sandbox() -> Iterator[SandboxSite]:
    """A server whose root site is used."""
    with SandboxSite() as server:
        yield server


Make = Callable[[SandboxSite, SandboxSite], MemberPressEnvironment]


def _folder() -> str:
    return f"site-{next(_names)}"


def _at_root(_folders: SandboxSite, root: SandboxSite) -> MemberPressEnvironment:
    root.reset()
    return MemberPressEnvironment(root, "")


# A new platform adds its environments here.
ENVIRONMENTS: dict[str, Make] = {
    "memberpress-key-root": _at_root,
    "memberpress-password-folder": lambda folders, _: MemberPressEnvironment(folders, _folder(), with_key=False),
    "memberpress-key-folder-plain": lambda folders, _: MemberPressEnvironment(folders, _folder(), plain=True),
}


@pytest.fixture(params=ENVIRONMENTS)
def environment(
    request: pytest.FixtureRequest, sandbox: SandboxSite, root_sandbox: SandboxSite
) -> Iterator[Environment]:
    """Each environment in turn."""
    made = ENVIRONMENTS[request.param](sandbox, root_sandbox)
    yield made
    made.close()


@pytest.fixture
def memberpress(sandbox: SandboxSite) -> Iterator[MemberPressEnvironment]:
    """A MemberPress site, for tests of what only MemberPress has."""
    made = MemberPressEnvironment(sandbox, _folder())
    yield made
    made.close()
