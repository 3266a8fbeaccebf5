"""Domain facts as JSON, for `Fact.data`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from guestlist.domain.facts import (
    Completed,
    CustomerChanged,
    OrderFact,
    OrderPlaced,
    Paused,
    PaymentFailed,
    PaymentReceived,
    Refunded,
    Resumed,
    SubscriptionCancelled,
)

StoredFact = OrderFact | CustomerChanged

_ADAPTER: TypeAdapter[StoredFact] = TypeAdapter(
    Annotated[
        OrderPlaced
        | PaymentReceived
        | PaymentFailed
        | Refunded
        | SubscriptionCancelled
        | Paused
        | Resumed
        | Completed
        | CustomerChanged,
        Field(discriminator="kind"),
    ]
)


def fact_to_json(fact: StoredFact) -> dict[str, Any]:
    """A fact as JSON values; what is empty is left out."""
    stored: dict[str, Any] = _ADAPTER.dump_python(fact, mode="json", exclude_none=True)
    return stored


def fact_from_json(stored: dict[str, Any]) -> StoredFact:
    """Read what `fact_to_json` gave."""
    return _ADAPTER.validate_python(stored)
