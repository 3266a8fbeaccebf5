"""`/orders`: all that was bought, found and filtered; each order with its story; the same as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from guestlist.access.order_search import OrderRow, find_orders, order_rows
from guestlist.access.queries import order_detail
from guestlist.connections.models import Cart
from guestlist.connections.modes import why_held
from guestlist.dashboard.listing import Listing, Sort, batches, csv_response, listing
from guestlist.dashboard.orders.forms import OrdersForm
from guestlist.dashboard.pages import page
from guestlist.dashboard.templatetags.guestlist import products_first
from guestlist.domain.facts import Item
from guestlist.fulfilment.in_force import InForce
from guestlist.inbox.story import story
from guestlist.orders.models import Order

SORTS = (Sort("placed", ("placed_at",)),)
COLUMNS = ("order", "cart", "mode", "placed", "email", "name", "items", "paid", "refunded", "currency", "state", "id")


@page()
def show_list(request: HttpRequest) -> HttpResponse:
    """A page of orders."""
    form = OrdersForm(request.GET)
    found: Listing[Any] = listing(request, find_orders(form.asked()), SORTS)
    values = {
        "form": form,
        "filtered": any(form.cleaned_data.values()) or bool(form.errors),
        "listing": found,
        "orders": order_rows(found.rows),
    }
    return render(request, "dashboard/orders/list.html", values)


@page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the list shows, all pages of it."""
    found: Iterator[list[Any]] = batches(request, find_orders(OrdersForm(request.GET).asked()), SORTS)
    return csv_response("orders", COLUMNS, _lines(order_rows(some) for some in found))


@page()
def show(request: HttpRequest, order_id: int) -> HttpResponse:
    """An order: what was bought, what it gives, and all that happened from its delivery on."""
    order = Order.objects.select_related("customer", "cart").filter(pk=order_id).first()
    detail = order_detail(order_id)
    if order is None or detail is None:
        raise Http404
    (row,) = order_rows([order])
    values = {
        "row": row,
        "detail": detail,
        "items": [(item, row.refunded.get(item.item, 0)) for item in products_first(detail.order.items)],
        "story": story(order),
        "unmapped": _unmapped(order),
        "without_access": _without_access(order),
        "held": _why_held(order),
        "invoice": order.invoice_id,
    }
    return render(request, "dashboard/orders/show.html", values)


def _unmapped(order: Order) -> list[tuple[dict[str, Any], bool]]:
    """What it gives nothing for, and whether a rule names it by now."""
    rule = InForce().rule
    return [
        (entry, rule(order.cart_id, Item.parse(entry["item"]), entry["option"]) is not None) for entry in order.unmapped
    ]


def _without_access(order: Order) -> set[str]:
    """Items that were decided to give nothing, on purpose."""
    decided = list(order.decisions.all())
    return {row.item for row in decided} - {row.item for row in decided if row.rule["grants"]}


def _why_held(order: Order) -> str:
    """Why nothing was planned for it; "" = something was."""
    if not order.held or not order.customer.email_key:
        return ""
    return why_held(order.mode, Cart.objects.values_list("mode", flat=True).get(pk=order.cart_id))


def _lines(some: Iterator[Sequence[OrderRow]]) -> Iterator[list[tuple[object, ...]]]:
    for rows in some:
        yield [
            (
                row.number,
                row.cart,
                row.mode.value,
                timezone.localtime(row.placed_at).isoformat(timespec="seconds"),
                row.email,
                row.name,
                "; ".join(f"{name} ({item})" for item, name in row.items),
                f"{row.paid_minor / 100:.2f}",
                f"{row.refunded_minor / 100:.2f}",
                row.currency,
                ", ".join(row.states),
                row.id,
            )
            for row in rows
        ]
