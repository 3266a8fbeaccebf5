"""Orders over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from django.http import HttpRequest
from ninja import Query, Router

from guestlist.access.queries import OrderDetail, order_detail
from guestlist.api.params import NO_NUL, Before, Id, Limit, known_cart, next_link
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.api.roles import VIEWER
from guestlist.orders.queries import OrderView
from guestlist.orders.queries import list_orders as find_orders

router = Router(tags=["orders"])


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """Orders, newest first; `next` is the path of the next page."""

    items: list[OrderView]
    next: str | None


@router.get("/orders", auth=VIEWER, response={200: OrderPage, 404: Problem, **COMMON})
def list_orders(
    request: HttpRequest,
    email: Annotated[str | None, Query(max_length=320, pattern=NO_NUL, description="Only this customer's.")] = None,
    cart: Annotated[str | None, Query(max_length=64, pattern=NO_NUL, description="Only this cart's.")] = None,
    before: Before = None,
    limit: Limit = 50,
) -> OrderPage:
    """Orders, newest first."""
    known_cart(cart)
    found = find_orders(email=email, cart=cart, before=before, limit=limit)
    link = next_link(request.path, found.next_before, email=email, cart=cart, limit=limit)
    return OrderPage(items=found.orders, next=link)


@router.get("/orders/{order_id}", auth=VIEWER, response={200: OrderDetail, 404: Problem, **COMMON})
def show_order(request: HttpRequest, order_id: Id) -> OrderDetail:
    """An order with what happened to it and what it gives."""
    detail = order_detail(order_id)
    if detail is None:
        raise Refused(404, f"There is no order {order_id}.", "order_id")
    return detail
