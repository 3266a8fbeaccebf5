"""`guestlist orders`: what was bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.choices import known_cart
from guestlist.cli.console import AsJson, boot, print_json, print_table, shown
from guestlist.cli.errors import CommandError
from guestlist.cli.grants import print_grants

if TYPE_CHECKING:
    from guestlist.access.queries import OrderDetail
    from guestlist.orders.queries import ItemView, OrderView

app = typer.Typer(name="orders", help="What was bought.", no_args_is_help=True)


@app.command("list")
def list_orders(
    email: Annotated[str | None, typer.Option(help="Only this customer's.")] = None,
    cart: Annotated[str | None, typer.Option(help="Only this cart's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List orders, newest first."""
    boot()
    from guestlist.orders import queries

    known_cart(cart)
    orders = queries.list_orders(email=email, cart=cart, limit=limit).orders
    if as_json:
        print_json(orders)
    else:
        print_orders(orders, empty="No order yet." if email is None and cart is None else "No such order.")


@app.command()
def show(
    order: Annotated[str, typer.Argument(help="The cart's order number or Guestlist's id (id:12 = just the id).")],
    as_json: AsJson = False,
) -> None:
    """Show an order: what happened to it and what it gives."""
    boot()
    from guestlist.access.queries import order_detail

    detail = order_detail(_the_order(order))
    if detail is None:
        raise _unknown(order)
    if as_json:
        print_json(detail)
    else:
        _print_detail(detail)


def print_orders(orders: list[OrderView], *, empty: str) -> None:
    """One line per order."""
    print_table(
        ["id", "number", "cart", "mode", "placed", "customer", "items"],
        [
            [
                order.id,
                order.number,
                order.cart,
                order.mode.value,
                order.placed_at,
                order.email,
                ", ".join(
                    item.item if item.item == item.name else f"{item.name} ({item.item})" for item in order.items
                ),
            ]
            for order in orders
        ],
        empty=empty,
    )


def _item(item: ItemView) -> str:
    return item.item if item.item == item.name else f"{item.name} ({item.item})"


def _the_order(text: str) -> int:
    from guestlist.orders.queries import find_orders

    found = find_orders(text)
    if not found:
        raise _unknown(text)
    if len(found) > 1:
        listed = "; ".join(
            f"id:{order.id} = order {order.number} of cart {order.cart} ({order.mode})" for order in found
        )
        raise CommandError(f'"{text}" may be one of several orders: {listed}.', "Say which, by its id.")
    return found[0].id


def _unknown(text: str) -> CommandError:
    return CommandError(f'There is no order "{text}".', "`guestlist orders list` shows the latest.")


def _print_detail(detail: OrderDetail) -> None:
    order = detail.order
    print(f"Order {shown(order.number)} at cart {order.cart}, {order.mode} mode (id {order.id})")
    name = f"{order.first_name} {order.last_name}".strip()
    print(f"Customer  {shown(name + ' ' if name else '')}{shown(order.email)}")
    print(f"Placed    {shown(order.placed_at)}")
    print("\nWhat happened")
    print_table(
        ["when", "what", "delivery"],
        [[fact.at, fact.words, fact.delivery] for fact in detail.facts],
        empty="Nothing is known yet.",
    )
    print("\nWhat it gives")
    print_grants(detail.grants)
    if not detail.grants:
        print("  Nothing: no rule names its items, or its mode is not fulfilled.")
