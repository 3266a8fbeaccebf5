"""`guestlist apply` and `guestlist export`: settings as code."""

from __future__ import annotations

import tomllib
from typing import Annotated

import typer

from guestlist.cli.console import AsJson, boot, print_json, print_paragraph, read_input
from guestlist.cli.errors import CommandError


def apply(
    file: Annotated[str, typer.Argument(metavar="FILE.toml", help="The settings file; - = standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything and show it; save nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Remove what the file leaves out.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make carts, sites and rules as a settings file says: all of it or nothing. Shows what changes."""
    text = _decoded(file, read_input(file))
    boot()
    from guestlist.fulfilment.apply import apply_settings

    source = "standard input" if file == "-" else file
    applied = apply_settings(text, source=source, prune=prune, dry_run=dry_run)
    if as_json:
        print_json(applied.as_dict())
    else:
        print_paragraph(applied.as_text())


def export(as_json: AsJson = False) -> None:
    """Print the settings as a file for `guestlist apply`; secrets are named, not shown."""
    boot()
    from guestlist.fulfilment.export import export_settings

    settings = export_settings()
    if as_json:
        print_json(tomllib.loads(settings))
    else:
        print(settings, end="")


def _decoded(file: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{file} is no UTF-8 text: line {line} has other bytes.", "Save it as UTF-8.") from error
