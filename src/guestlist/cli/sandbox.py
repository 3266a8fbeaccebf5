"""`guestlist sandbox`: the stand-in membership site and cart."""

from __future__ import annotations

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
