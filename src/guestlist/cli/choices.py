"""Carts and items as commands take them."""

from __future__ import annotations

from collections.abc import Collection

import typer

from guestlist.cli.errors import CommandError
from guestlist.domain.facts import Item


def read_item(text: str) -> Item:
    """The item of an option; to be given to typer as its parser."""
    try:
        item = Item.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if str(item) != text:
        raise typer.BadParameter(f'"{text}" is written {item}')
    return item


def known_cart(named: str | None, *, connected: bool = False) -> None:
    """Refuse a cart that does not exist.

    Args:
        connected: a disconnected one will not do.

    Raises:
        CommandError: with the carts that there are.
    """
    if named is None:
        return
    from guestlist.connections.models import Cart

    found = Cart.objects.filter(active=True) if connected else Cart.objects.all()
    ids = list(found.order_by("id").values_list("id", flat=True))
    if named in ids:
        return
    if connected and Cart.objects.filter(pk=named).exists():
        raise CommandError(f'The cart "{named}" is disconnected.', choose(ids))
    raise CommandError(f'There is no cart "{named}".', choose(ids))


def choose(ids: Collection[str]) -> str:
    """What to do about a cart that does not exist."""
    if not ids:
        return "Connect one: write a settings file and run `guestlist apply FILE.toml`."
    return f"Use --cart with one of: {', '.join(ids)}."
