"""What a cart adapter offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from guestlist.domain.facts import Fact


@dataclass(frozen=True, slots=True)
class Peek:
    """What the door must know of a body before it stores it.

    Attributes:
        secret: the secret word in the body, only if it is a string; None = the body carries none.
        customer: a text that is the same for all deliveries of one customer (used to keep their order); "" if not seen.
    """

    secret: str | None
    customer: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A delivery, understood.

    Attributes:
        event: the cart's own name of the event, for people.
        facts: what happened; never empty (an event without meaning for access gives one `Ignored`).
    """

    event: str
    facts: tuple[Fact, ...]


class Unreadable(Exception):
    """The delivery cannot be understood. It is kept, shown with this text, and can be replayed after a fix.

    Args:
        field: the place in the body, as a person would write it (`subscription.id`), or "body".
        problem: what is wrong there, in words.
        remedy: what the seller can do.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}. {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class Cart(Protocol):
    """A cart's reading side. Pure: no clock, no network, no database."""

    kind: str
    label: str

    def peek(self, body: bytes) -> Peek:
        """Find the secret and the customer in a raw body, cheaply. Never raises: what cannot be read has no secret."""
        ...

    def blank(self, body: bytes, secrets: Sequence[str]) -> bytes:
        """The body with each secret blanked out, in whatever encoding the body has it; otherwise byte for byte."""
        ...

    def read(self, body: bytes, received_at: datetime) -> Reading:
        """Turn a raw body (form or JSON, told apart by looking) into facts.

        A chargeback, where a cart reports one, is a `Refunded`: the money went back.

        Args:
            body: as the door stored it.
            received_at: UTC; stands in where an event carries no time of its own.

        Raises:
            Unreadable: with the field, the problem and the remedy.
        """
        ...
