"""What was sold and no rule names, and bringing past sales in line, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from guestlist.api.params import NO_NUL, known_cart
from guestlist.api.problems import COMMON, Problem
from guestlist.api.roles import OPERATOR, VIEWER
from guestlist.domain.facts import Item
from guestlist.fulfilment import align as aligning
from guestlist.fulfilment.outdated import Cause
from guestlist.fulfilment.unmapped import UnmappedSale, unmapped_sales
from guestlist.orders.queries import LARGEST_ID

router = Router(tags=["align"])

# A request is answered within a few seconds, however much there is to do; the answer tells how to go on.
LOOKED_AT = 1000
ALIGNED = 200
ITEM = "^(product|bump|upsell|downsell)-[0-9A-Za-z.-]+$"

CartId = Annotated[str | None, Query(max_length=64, pattern=NO_NUL, description="Only this cart's sales.")]
ItemId = Annotated[str | None, Query(max_length=80, pattern=ITEM, description="Only sales of this item.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedSales:
    """All that was sold and no rule names, most sold first."""

    items: list[UnmappedSale]


class OutdatedView(Schema):
    """So many charges for an item that are decided otherwise than they would be now, and why."""

    cart: str
    item: str
    option: str | None
    cause: Cause
    charges: int


class AlignedGrant(Schema):
    """One grant of a person whose level changes; `until` null = for ever, `was_live` null = it is new."""

    order: int
    order_number: str
    cart: str
    item: str
    charge: str
    was_live: bool | None
    was_until: date | None
    live: bool
    until: date | None
    reason: str


class AlignedLevel(Schema):
    """What becomes of a person's level, all their grants together."""

    email: str
    site: str
    level: str
    change: Literal["gains", "loses", "changes"]
    had: Literal["nothing", "until", "forever", "unknown"]
    had_until: date | None
    has: Literal["nothing", "until", "forever", "unknown"]
    until: date | None
    words: str
    through: list[str]
    grants: list[AlignedGrant]


class AlignmentView(Schema):
    """What aligning would change, or (`done`) has changed.

    `charges`, `orders` and `people` count all that is to align in the scope; the other counts and `shown` tell of the
    `looked_at` orders of this answer. `left` orders are still to come.
    """

    cart: str | None
    item: str | None
    done: bool
    outdated: list[OutdatedView]
    charges: int
    orders: int
    people: int
    looked_at: int
    left: int
    next: str | None
    gains: int
    loses: int
    changes: int
    keeps: int
    grants: int
    shown: list[AlignedLevel]


class Scope(Schema):
    """What to align; all of it where neither is named."""

    model_config = ConfigDict(extra="forbid")

    cart: Annotated[str | None, Field(max_length=64, pattern=NO_NUL, description="Only this cart's sales.")] = None
    item: Annotated[str | None, Field(max_length=80, pattern=ITEM, description="Only sales of this item.")] = None


@router.get("/unmapped", auth=VIEWER, response={200: UnmappedSales, **COMMON})
def list_unmapped(request: HttpRequest) -> UnmappedSales:
    """What was sold and no rule names, and what to do about it."""
    return UnmappedSales(items=unmapped_sales())


@router.get("/align", auth=VIEWER, response={200: AlignmentView, 404: Problem, **COMMON})
def preview_alignment(
    request: HttpRequest,
    cart: CartId = None,
    item: ItemId = None,
    after: Annotated[int, Query(ge=0, le=LARGEST_ID, description="`next` has it for the orders that follow.")] = 0,
) -> dict[str, Any]:
    """Who would gain or lose what if past sales were decided by the rules and level terms of today.

    Nothing is changed. An answer tells of 1,000 orders; `next` is the path of the next one.
    """
    known_cart(cart, connected=True)
    found = aligning.preview(cart, _item(item), after=after, at_most=LOOKED_AT)
    path = None
    if found.next_after is not None:
        given = {"cart": cart, "item": item, "after": found.next_after}
        path = f"{request.path}?{urlencode({name: value for name, value in given.items() if value is not None})}"
    return {**found.as_dict(), "next": path}


@router.post("/align", auth=OPERATOR, response={200: AlignmentView, 400: Problem, 404: Problem, **COMMON})
def align_sales(request: HttpRequest, scope: Scope) -> dict[str, Any]:
    """Decide past sales by the rules and level terms of today.

    A request aligns 200 orders, each in a transaction of its own: send it again until `left` is 0. What is done stays
    done, and an order that is in line is not touched again.
    """
    known_cart(scope.cart, connected=True)
    return {**aligning.align(scope.cart, _item(scope.item), at_most=ALIGNED).as_dict(), "next": None}


def _item(text: str | None) -> Item | None:
    return Item.parse(text) if text else None
