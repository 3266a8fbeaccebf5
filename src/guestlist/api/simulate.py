"""What an event would do, over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from guestlist.api.params import NO_NUL
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.api.roles import VIEWER
from guestlist.carts.contract import Unreadable
from guestlist.connections.models import Cart
from guestlist.fulfilment.simulate import simulate

router = Router(tags=["simulate"])

# As much as the door takes (design: /hooks/<cart id>).
LARGEST_BODY = 256 * 1024


class Event(Schema):
    """An event as the cart would send it."""

    cart: Annotated[str, Field(max_length=64, pattern=NO_NUL, description="The cart's id.")]
    body: Annotated[str, Field(max_length=LARGEST_BODY, description="The body, form or JSON, as one text.")]


class GrantChange(Schema):
    """One grant as it would become; `until` null = for ever, `order` null = the order is not known yet.

    `was_until` and `was_live` tell how it is now (`was_live` null: it does not exist yet); `why` says both in words.
    """

    change: Literal["new", "changed", "unchanged"]
    order: int | None
    order_number: str
    email: str
    item: str
    charge: str
    site: str
    level: str
    until: date | None
    live: bool
    reason: str
    blocked: str
    was_until: date | None
    was_live: bool | None
    why: str


class LevelChange(Schema):
    """What a person would have of a level, all their grants together, and has now."""

    email: str
    site: str
    level: str
    change: Literal["gains", "loses", "changes", "keeps"]
    had: Literal["nothing", "until", "forever", "unknown"]
    had_until: date | None
    has: Literal["nothing", "until", "forever", "unknown"]
    until: date | None
    words: str
    through: list[str]


class AddressChange(Schema):
    """What would become of a member's address when the customer has another one; `changes` false: it stays."""

    site: str
    email: str
    to: str
    changes: bool
    words: str


class UnmappedSale(Schema):
    """Something the event sells that no rule names."""

    item: str
    option: str | None
    name: str


class SimulationView(Schema):
    """What the event would do. `fulfilled` false: its mode is not fulfilled by this cart, so no grant would change."""

    cart: str
    event: str
    would_change: bool
    fulfilled: bool
    facts: list[dict[str, Any]]
    grants: list[GrantChange]
    access: list[LevelChange]
    addresses: list[AddressChange]
    unmapped: list[UnmappedSale]
    notes: list[str]


@router.post("/simulate", auth=VIEWER, response={200: SimulationView, 400: Problem, 404: Problem, **COMMON})
def simulate_event(request: HttpRequest, event: Event) -> dict[str, Any]:
    """What an event would do, without doing it: nothing is stored, no site is asked."""
    if not Cart.objects.filter(pk=event.cart, active=True).exists():
        raise Refused(404, f'There is no cart "{event.cart}".', "cart")
    try:
        return simulate(event.cart, event.body.encode()).as_dict()
    except Unreadable as error:
        raise Refused(422, f"{error.problem}. {error.remedy}", error.field) from None
