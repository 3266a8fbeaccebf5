"""Servers that say exactly what a test tells them to say."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest
from raw_site import RawSite, Say


@pytest.fixture
def raw_site() -> Iterator[Callable[..., RawSite]]:
    """Start such servers."""
    started: list[RawSite] = []

    def start(say: Say, context: ssl.SSLContext | None = None) -> RawSite:
        started.append(RawSite(say, context))
        return started[-1]

    yield start
    for site in started:
        site.close()
