"""What the commands share: printing tables and JSON, reading a file or standard input."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from guestlist.cli.errors import CommandError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]

# Bodies have at most 256 KiB at the door; settings files are far smaller.
LARGEST_INPUT = 4 * 1024 * 1024
# Names and answers come from outside; what would steer the terminal is shown as a mark instead.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def boot() -> None:
    """Make the process ready for a command that prints: only warnings and errors are logged."""
    from guestlist.engine import boot as engine

    engine.boot(log_level="WARNING")
    from guestlist.accounts.actor import act_as_command_line

    act_as_command_line()


def print_json(document: Any) -> None:
    """Print one document of dataclasses, lists, dicts and JSON values; moments look as they do in the HTTP API."""
    from django.core.serializers.json import DjangoJSONEncoder

    encoder = DjangoJSONEncoder()

    def plain(value: Any) -> Any:
        if dataclasses.is_dataclass(value):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return encoder.default(value)

    print(json.dumps(document, default=plain, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows beneath their columns; `empty` stands in for no rows. Without a terminal, one row is one line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(" ".join(shown(cell).split())) for cell in row))
    if not table.row_count:
        print(empty)
        return
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = 4_000
    with console.capture() as printed:
        console.print(table)
    print("\n".join(line.rstrip() for line in printed.get().splitlines()))


def print_paragraph(text: str, *, indent: str = "") -> None:
    """Print text from anywhere, each of its lines indented."""
    for line in text.splitlines():
        print(f"{indent}{shown(line)}")


def shown(value: object) -> str:
    """A value as people read it; nothing in it can steer the terminal."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S} UTC"
        case date():
            return value.isoformat()
        case _:
            return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))


def counted(count: int, one: str, many: str) -> str:
    """`1 delivery`, `2 deliveries`."""
    return f"{count} {one if count == 1 else many}"


def read_input(file: str) -> bytes:
    """The bytes of a file, or of standard input for `-`.

    Raises:
        CommandError: it cannot be read, or is far larger than what belongs there.
    """
    try:
        if file == "-":
            content = sys.stdin.buffer.read(LARGEST_INPUT + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(LARGEST_INPUT + 1)
    except OSError as error:
        raise CommandError(
            f"{file} cannot be read: {error.strerror or error}.", "Name an existing file, or - for standard input."
        ) from error
    if len(content) > LARGEST_INPUT:
        raise CommandError(f"{file} is larger than {LARGEST_INPUT // 1024 // 1024} MiB.", "Is it the right file?")
    return content
