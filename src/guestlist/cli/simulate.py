"""`guestlist simulate`: what an event would do."""

from __future__ import annotations

from typing import Annotated

import typer

from guestlist.cli.choices import choose
from guestlist.cli.console import AsJson, boot, print_json, print_paragraph, read_input
from guestlist.cli.errors import CommandError


def simulate(
    file: Annotated[str, typer.Argument(help="The event's body as the cart sends it; - = standard input.")],
    cart: Annotated[str | None, typer.Option(metavar="ID", help="The cart; may be left out if there is one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an event would do, without doing it: nothing is stored, no site is asked."""
    body = read_input(file)
    boot()
    from guestlist.fulfilment.simulate import simulate

    simulation = simulate(_cart(cart), body)
    if as_json:
        print_json(simulation.as_dict())
    else:
        print_paragraph(simulation.as_text())


def _cart(named: str | None) -> str:
    from guestlist.connections.models import Cart

    ids = list(Cart.objects.filter(active=True).order_by("id").values_list("id", flat=True))
    if named in ids:
        return str(named)
    if named is not None:
        raise CommandError(f'There is no cart "{named}".', choose(ids))
    if len(ids) != 1:
        raise CommandError("Say which cart would send it." if ids else "No cart is connected.", choose(ids))
    return ids[0]
