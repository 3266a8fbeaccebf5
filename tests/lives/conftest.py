"""Two sandbox sites in one process, with Guestlist beside them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from guestlist.access.sitestate import close_sites
from guestlist.sandbox.site.server import SandboxSite
from lives.world import World


@pytest.fixture
def world(transactional_db: None) -> Iterator[World]:
    with SandboxSite(race_window_ms=0) as sandbox:
        yield World(sandbox)
    close_sites()
