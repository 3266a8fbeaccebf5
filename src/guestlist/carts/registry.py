"""Finds the carts: every package beneath this one that has a `CART`."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from guestlist import carts
from guestlist.carts.contract import Cart


@functools.cache
def all_carts() -> dict[str, Cart]:
    """Each kind with its adapter."""
    found: dict[str, Cart] = {}
    for module in pkgutil.iter_modules(carts.__path__):
        if module.ispkg:
            cart: Cart = importlib.import_module(f"{carts.__name__}.{module.name}").CART
            found[cart.kind] = cart
    return found
