"""The inbox over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from guestlist.api.params import NO_NUL, Before, Id, Limit, known_cart, next_link
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.api.roles import OPERATOR, VIEWER
from guestlist.inbox import queries, replay
from guestlist.inbox.models import DeliveryState
from guestlist.inbox.queries import DeliveryDetail, DeliveryView
from guestlist.orders.queries import LARGEST_ID

router = Router(tags=["deliveries"])

# A request is answered within a few seconds, however many deliveries there are.
REPLAYED = 20_000

DeliveryIds = Annotated[list[Annotated[int, Field(ge=1, le=LARGEST_ID)]], Field(min_length=1, max_length=1000)]
CartId = Annotated[str, Field(max_length=64, pattern=NO_NUL, description="Not with `ids`.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries, newest first; `next` is the path of the next page."""

    items: list[DeliveryView]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedMany:
    """How many deliveries will be interpreted again, and where to go on; `next_after` null = that were all."""

    replayed: int
    next_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many deliveries will be interpreted again."""

    replayed: int


def _any_of(*names: str) -> dict[str, Any]:
    return {"anyOf": [{"required": [name]} for name in names]}


class Which(Schema):
    """Which deliveries: `ids`, or those of a `day` (UTC), or `all`; of one `cart` or of all."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["ids"], "not": _any_of("day", "all", "cart", "after")},
                {"required": ["day"], "not": _any_of("ids", "all")},
                {"required": ["all"], "not": _any_of("ids", "day")},
            ]
        },
    )

    ids: DeliveryIds | SkipJsonSchema[None] = None
    day: date | SkipJsonSchema[None] = None
    all: Literal[True] | SkipJsonSchema[None] = None
    cart: CartId | SkipJsonSchema[None] = None
    after: Annotated[int, Field(ge=0, le=LARGEST_ID, description="`next_after` of the answer before.")] = 0

    @model_validator(mode="after")
    def _one_of_three(self) -> Which:
        if [self.ids, self.day, self.all].count(None) != 2:
            raise ValueError("name deliveries by ids, or a day, or all: one of the three")
        if self.ids is not None and (self.cart is not None or self.after):
            raise ValueError("ids go without cart and after")
        return self


@router.get("/deliveries", auth=VIEWER, response={200: DeliveryPage, **COMMON})
def list_deliveries(
    request: HttpRequest,
    state: Annotated[DeliveryState | None, Query(description="Only those in this state.")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> DeliveryPage:
    """What the carts sent, newest first."""
    found = queries.list_deliveries(state=state, before=before, limit=limit)
    link = next_link(request.path, found.next_before, state=state.value if state else None, limit=limit)
    return DeliveryPage(items=found.deliveries, next=link)


# Before the paths with an id, which would take it for one.
@router.post("/deliveries/replay", auth=OPERATOR, response={200: ReplayedMany, 400: Problem, 404: Problem, **COMMON})
def replay_deliveries(request: HttpRequest, which: Which) -> ReplayedMany:
    """Have the deliveries of a day, all deliveries, or some of them interpreted again; what they told is replaced.

    A request takes up to 20,000 deliveries: send it again with `after` until `next_after` is null.
    """
    if which.ids is not None:
        if missing := queries.missing_deliveries(which.ids):
            raise Refused(404, f"There is no delivery {missing[0]}.", "ids")
        return ReplayedMany(replayed=replay.replay(which.ids), next_after=None)
    known_cart(which.cart)
    replayed = 0
    for last, count in replay.replay_batches(*replay.bounds_of(which.day), which.cart, after=which.after):
        replayed += count
        if replayed >= REPLAYED:
            return ReplayedMany(replayed=replayed, next_after=last)
    return ReplayedMany(replayed=replayed, next_after=None)


@router.get("/deliveries/{delivery_id}", auth=VIEWER, response={200: DeliveryDetail, 404: Problem, **COMMON})
def show_delivery(request: HttpRequest, delivery_id: Id) -> DeliveryDetail:
    """What came (the secret blanked), what was understood, what went wrong and what to do about it."""
    detail = queries.delivery(delivery_id)
    if detail is None:
        raise _unknown(delivery_id)
    return detail


@router.post("/deliveries/{delivery_id}/replay", auth=OPERATOR, response={200: Replayed, 404: Problem, **COMMON})
def replay_delivery(request: HttpRequest, delivery_id: Id) -> Replayed:
    """Have a delivery interpreted again by the next worker; what it told before is replaced."""
    count = replay.replay([delivery_id])
    if not count:
        raise _unknown(delivery_id)
    return Replayed(replayed=count)


def _unknown(delivery_id: int) -> Refused:
    return Refused(404, f"There is no delivery {delivery_id}.", "delivery_id")
