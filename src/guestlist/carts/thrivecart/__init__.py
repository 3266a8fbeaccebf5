"""ThriveCart: reads its account webhooks and its event subscriptions. The user's page is README.md beside this file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from guestlist.carts.contract import Peek, Reading
from guestlist.carts.thrivecart.blank import blank
from guestlist.carts.thrivecart.peek import peek
from guestlist.carts.thrivecart.read import read


class ThriveCart:
    """The cart contract (`guestlist.carts.contract.Cart`) for ThriveCart."""

    kind = "thrivecart"
    label = "ThriveCart"

    def peek(self, body: bytes) -> Peek:
        """Find the secret and the customer, cheaply. Never raises."""
        return peek(body)

    def blank(self, body: bytes, secrets: Sequence[str]) -> bytes:
        """The body without any secret, otherwise byte for byte. Never raises."""
        return blank(body, secrets)

    def read(self, body: bytes, received_at: datetime) -> Reading:
        """Turn a delivery into facts.

        Raises:
            Unreadable: with the field, the problem and the remedy.
        """
        return read(body, received_at)


CART = ThriveCart()
