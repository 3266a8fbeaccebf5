"""`guestlist sandbox`: the stand-in membership site and cart."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

app = typer.Typer(name="sandbox", help="A stand-in membership site, and a sender of cart events.", no_args_is_help=True)


@app.callback()
def sandbox() -> None:
    """A stand-in membership site, and a sender of cart events."""


@app.command()
def site(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 = a free one.")] = 8100,
    key: Annotated[str | None, typer.Option(help="The API key that the site accepts.")] = None,
    latency: Annotated[float, typer.Option(min=0, max=60_000, help="Milliseconds that each request takes.")] = 0,
) -> None:
    """Run a membership site that behaves like MemberPress, and prints where and with which credentials."""
    from guestlist.sandbox.site.server import run
    from guestlist.sandbox.site.wordpress import DEFAULT_KEY

    run(host, port, DEFAULT_KEY if key is None else key, latency_ms=latency)


class Mode(StrEnum):
    """Whether the event says that real money moved."""

    LIVE = "live"
    TEST = "test"


class Body(StrEnum):
    """How the event is written."""

    FORM = "form"
    JSON = "json"


@app.command()
def cart(
    to: Annotated[str, typer.Option(metavar="URL", help="The webhook address: http://127.0.0.1:8000/hooks/shop")],
    secret: Annotated[str, typer.Option(help="The cart's secret word.")],
    event: Annotated[str, typer.Option(help="What happens, by the cart's own name of it.")] = "order.success",
    count: Annotated[int, typer.Option(min=1, max=100_000, help="So many times, each with an order of its own.")] = 1,
    email: Annotated[str | None, typer.Option(help="The buyer's address; a new buyer each time if left out.")] = None,
    item: Annotated[str | None, typer.Option(help="Sell this item, such as product-12.")] = None,
    option: Annotated[str | None, typer.Option(help="With this pricing option.")] = None,
    mode: Annotated[Mode, typer.Option(help="The cart's mode.")] = Mode.LIVE,
    body: Annotated[Body, typer.Option(help="How the event is written.")] = Body.FORM,
) -> None:
    """Send events as a cart would, each after the order that it belongs to, and print the answers."""
    from guestlist.sandbox.cart.run import run

    run(
        to,
        secret,
        event,
        count,
        email=email,
        item=item,
        option=option,
        mode=mode.value,
        as_json=body is Body.JSON,
    )
