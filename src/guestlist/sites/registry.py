"""Finds the site platforms: every package beneath this one that has a `PLATFORM`."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from guestlist import sites
from guestlist.sites.contract import Platform


@functools.cache
def all_platforms() -> dict[str, Platform]:
    """Each kind with its platform."""
    found: dict[str, Platform] = {}
    for module in pkgutil.iter_modules(sites.__path__):
        if module.ispkg:
            platform: Platform = importlib.import_module(f"{sites.__name__}.{module.name}").PLATFORM
            found[platform.kind] = platform
    return found
