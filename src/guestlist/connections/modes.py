"""Which orders are fulfilled: those of the modes that their cart was set to."""

from __future__ import annotations

from guestlist.connections.models import CartMode


def is_fulfilled(mode: str, cart_mode: str) -> bool:
    """Whether an order of this mode is fulfilled; an unknown mode is held."""
    return mode in (CartMode.LIVE, CartMode.TEST) and cart_mode in (mode, CartMode.BOTH)


def why_held(mode: str, cart_mode: str) -> str:
    """Why an order that is not fulfilled is not, as the end of a sentence."""
    fulfils = "live and test orders" if cart_mode == CartMode.BOTH else f"{cart_mode} orders only"
    if mode in (CartMode.LIVE, CartMode.TEST):
        return f"it is a {mode} order, and the cart fulfils {fulfils}"
    return f"the event does not say whether the order is live or a test, and the cart fulfils {fulfils}"
