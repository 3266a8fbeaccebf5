"""The inbox over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from guestlist.api.params import Before, Id, Limit, next_link
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.inbox import interpret, queries
from guestlist.inbox.models import DeliveryState
from guestlist.inbox.queries import DeliveryDetail, DeliveryView

router = Router(tags=["deliveries"])


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """Deliveries, newest first; `next` is the path of the next page."""

    items: list[DeliveryView]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many deliveries will be interpreted again."""

    replayed: int


@router.get("/deliveries", response={200: DeliveryPage, **COMMON})
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


@router.get("/deliveries/{delivery_id}", response={200: DeliveryDetail, 404: Problem, **COMMON})
def show_delivery(request: HttpRequest, delivery_id: Id) -> DeliveryDetail:
    """What came (the secret blanked), what was understood, what went wrong and what to do about it."""
    detail = queries.delivery(delivery_id)
    if detail is None:
        raise _unknown(delivery_id)
    return detail


@router.post("/deliveries/{delivery_id}/replay", response={200: Replayed, 404: Problem, **COMMON})
def replay_delivery(request: HttpRequest, delivery_id: Id) -> Replayed:
    """Have a delivery interpreted again by the next worker; what it told before is replaced."""
    count = interpret.replay([delivery_id])
    if not count:
        raise _unknown(delivery_id)
    return Replayed(replayed=count)


def _unknown(delivery_id: int) -> Refused:
    return Refused(404, f"There is no delivery {delivery_id}.", "delivery_id")
