"""What was sold and no rule names, with what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from guestlist.connections.models import Cart
from guestlist.domain.facts import Item
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.planning import unmapped_items


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmappedSale:
    """An item (or pricing option of it) that was sold while no rule named it.

    Attributes:
        orders: in how many orders.
        mapped: a rule names it by now, so that aligning fulfils what was sold.
        next_step: in words.
    """

    cart: str
    item: str
    option: str | None
    name: str
    orders: int
    mapped: bool
    next_step: str


def unmapped_sales(in_force: InForce | None = None) -> list[UnmappedSale]:
    """All of them, most sold first.

    Args:
        in_force: what counts as in force; what is stored, if left out.
    """
    in_force = in_force or InForce()
    connected = set(Cart.objects.filter(active=True).values_list("pk", flat=True))
    found = []
    for entry in unmapped_items():
        cart, item, option = entry["cart"], entry["item"], entry["option"]
        mapped = in_force.rule(cart, Item.parse(item), option) is not None
        step = _next_step(cart, item, option, mapped=mapped) if cart in connected else _reconnect(cart)
        found.append(UnmappedSale(**entry, mapped=mapped, next_step=step))
    return found


def named(sales: Iterable[UnmappedSale]) -> list[str]:
    """`product-12 option 3 "Course" of cart shop (2 orders)`, a line for each."""
    return [
        f'{sale.item}{_option(sale.option)} "{sale.name}" of cart {sale.cart}'
        f" ({sale.orders} order{'s' if sale.orders != 1 else ''})"
        for sale in sales
    ]


def _next_step(cart: str, item: str, option: str | None, *, mapped: bool) -> str:
    command = f"`guestlist align --cart {cart} --item {item}`"
    if mapped:
        return f"A rule names it by now: {command} shows what its buyers would get, and gives it to them with --yes."
    block = f'cart = "{cart}", item = "{item}"' + (f' (or also option = "{option}")' if option else "")
    return f"Add a [[rules]] block with {block} and apply the file, then {command} gives its buyers what they paid for."


def _reconnect(cart: str) -> str:
    return f"Cart {cart} is disconnected: connect it again first, if its buyers are to get something."


def _option(option: str | None) -> str:
    return f" option {option}" if option else ""
