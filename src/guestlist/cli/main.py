"""Puts the commands together. Each imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from guestlist import __version__
from guestlist.cli import (
    align,
    apply,
    deliveries,
    members,
    orders,
    owner_link,
    reconcile,
    running,
    sandbox,
    simulate,
    status,
    token,
)
from guestlist.cli.errors import explain

app = typer.Typer(
    name="guestlist",
    help="Every paid order, on the list: turns cart orders into exactly the right membership access.",
    epilog="Reference: docs/reference/commands.md",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help reads well with and without a terminal, and is there at once.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"guestlist {__version__}")
        raise typer.Exit


@app.callback()
def guestlist(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Every paid order, on the list: turns cart orders into exactly the right membership access."""


app.command()(running.demo)
app.command()(running.serve)
app.command()(running.web)
app.command()(running.worker)
app.command()(apply.apply)
app.command()(apply.export)
app.command()(owner_link.owner_link)
app.add_typer(token.app)
app.command()(status.status)
app.command()(status.wait)
app.add_typer(orders.app)
app.add_typer(members.app)
app.add_typer(deliveries.app)
app.command()(simulate.simulate)
app.command()(align.unmapped)
app.command()(align.align)
app.command()(reconcile.reconcile)
app.add_typer(sandbox.app)


def main() -> None:
    """Run the command line. Errors that are for the user end with words and exit code 1, never with a traceback."""
    # A name that the terminal's encoding does not have must not end a listing.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        app()
    except Exception as error:
        words = explain(error)
        if words is None:
            raise
        print(f"guestlist: {words}", file=sys.stderr)
        raise SystemExit(1) from None
