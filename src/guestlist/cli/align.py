"""`guestlist unmapped` and `guestlist align`: what was sold before a rule named it, or was decided by another rule."""

from __future__ import annotations

from typing import Annotated

import typer

from guestlist.cli.choices import known_cart, read_item
from guestlist.cli.console import AsJson, boot, print_json, print_paragraph, print_table
from guestlist.cli.progress import progress
from guestlist.domain.facts import Item


def unmapped(as_json: AsJson = False) -> None:
    """List what was sold and no rule names, and what to do about it."""
    boot()
    from guestlist.fulfilment.unmapped import unmapped_sales

    found = unmapped_sales()
    if as_json:
        print_json(found)
        return
    print_table(
        ["cart", "item", "option", "name", "orders"],
        [[sale.cart, sale.item, sale.option, sale.name, sale.orders] for sale in found],
        empty="Nothing: each item that was sold is named by a rule.",
    )
    for sale in found:
        option = f" option {sale.option}" if sale.option else ""
        print()
        print_paragraph(f"{sale.cart} {sale.item}{option}: {sale.next_step}")


def align(
    cart: Annotated[str | None, typer.Option(metavar="ID", help="Only this cart's sales.")] = None,
    item: Annotated[
        Item | None, typer.Option(parser=read_item, metavar="ITEM", help="Only sales of this item, such as product-12.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this it is only shown.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring past sales in line with the rules and level terms of today: show who would gain or lose what, or do it."""
    boot()
    from guestlist.accounts import acts, audit
    from guestlist.fulfilment import align as aligning

    known_cart(cart, connected=True)
    work = aligning.align if yes else aligning.preview
    found = work(cart, item, progress=progress("orders"))
    if yes:
        audit.record(None, acts.ALIGNED, None, cart=cart, item=str(item) if item else None)
    if as_json:
        print_json(found.as_dict())
    else:
        print_paragraph(found.as_text())
