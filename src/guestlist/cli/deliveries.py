"""`guestlist deliveries`: the inbox."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.choices import known_cart
from guestlist.cli.console import AsJson, boot, counted, print_json, print_paragraph, print_table, shown
from guestlist.cli.errors import CommandError
from guestlist.cli.progress import progress

if TYPE_CHECKING:
    from guestlist.inbox.queries import DeliveryDetail

app = typer.Typer(name="deliveries", help="What the carts sent.", no_args_is_help=True)


def _read_day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f'"{text}" is no day: write it like 2026-03-10') from None


DeliveryId = typer.Argument(min=1, max=2**63 - 1, metavar="ID", help="As `guestlist deliveries list` shows it.")


class State(StrEnum):
    """`guestlist.inbox.models.DeliveryState`, known without a database."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    UNREADABLE = "unreadable"
    FAILED = "failed"


@app.command("list")
def list_deliveries(
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first."""
    boot()
    from guestlist.inbox import queries
    from guestlist.inbox.models import DeliveryState

    wanted = DeliveryState(state.value) if state is not None else None
    deliveries = queries.list_deliveries(state=wanted, limit=limit).deliveries
    if as_json:
        print_json(deliveries)
        return
    print_table(
        ["id", "cart", "received", "state", "event", "mode", "order", "what came of it"],
        [
            [row.id, row.cart, row.received_at, row.state.value, row.event, row.mode, row.order, row.summary]
            for row in deliveries
        ],
        empty="Nothing has come yet." if state is None else f"No delivery is {state.value}.",
    )


@app.command()
def show(delivery: Annotated[int, DeliveryId], as_json: AsJson = False) -> None:
    """Show a delivery: what came, what was understood, what went wrong and what to do about it."""
    boot()
    from guestlist.inbox.queries import delivery as find

    detail = find(delivery)
    if detail is None:
        raise _unknown([delivery])
    if as_json:
        print_json(detail)
    else:
        _print_detail(detail)


@app.command()
def replay(
    deliveries: Annotated[list[int] | None, DeliveryId] = None,
    day: Annotated[
        date | None, typer.Option(parser=_read_day, metavar="YYYY-MM-DD", help="All that came on this day (UTC).")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that ever came.")] = False,
    cart: Annotated[str | None, typer.Option(metavar="ID", help="With --day or --all: only this cart's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have deliveries interpreted again, for instance after an update; what they told before is replaced."""
    if [bool(deliveries), day is not None, everything].count(True) != 1:
        raise typer.BadParameter("name deliveries by their ids, or a --day, or --all: one of the three")
    if cart is not None and deliveries:
        raise typer.BadParameter("--cart goes with --day or --all; an id names one delivery of one cart")
    boot()
    from guestlist.accounts import acts, audit

    count = _replay(deliveries) if deliveries else _replay_received(day, cart)
    asked = {"ids": deliveries, "day": day.isoformat() if day is not None else None, "cart": cart, "count": count}
    audit.record(None, acts.REPLAYED, None, **asked)
    if as_json:
        print_json({"replayed": count})
    else:
        print(f"{counted(count, 'delivery', 'deliveries')} will be interpreted again as soon as a worker runs.")


def _replay(deliveries: list[int]) -> int:
    from guestlist.inbox import replay
    from guestlist.inbox.queries import missing_deliveries

    if missing := missing_deliveries(deliveries):
        raise _unknown(missing)
    return replay.replay(deliveries)


def _replay_received(day: date | None, cart: str | None) -> int:
    from guestlist.inbox.replay import bounds_of, replay_received

    known_cart(cart)
    return replay_received(*bounds_of(day), cart, progress=progress("deliveries"))


def _unknown(ids: list[int]) -> CommandError:
    listed = ", ".join(map(str, ids))
    problem = f"There is no delivery {listed}." if len(ids) == 1 else f"There are no deliveries {listed}."
    return CommandError(problem, "`guestlist deliveries list` shows the latest.")


def _print_detail(detail: DeliveryDetail) -> None:
    row = detail.delivery
    print(f"Delivery {row.id} at cart {row.cart}, received {shown(row.received_at)}: {row.state.value}")
    mode = f", {row.mode} mode" if row.mode else ""
    print_paragraph(f"Event {row.event}{mode}" if row.event else "Event not known yet")
    if row.summary:
        print_paragraph(row.summary)
    if row.remedy:
        print_paragraph(f"What to do: {row.remedy}")
    print("\nWhat it told first")
    print_table(
        ["when", "what"],
        [[fact.at, fact.words] for fact in detail.facts],
        empty="Nothing that was not known already.",
    )
    print(f"\nWhat came ({shown(detail.content_type) or 'no content type'}; the secret is blanked)")
    if detail.decoded:
        print_table(["field", "value"], [[entry.path, entry.value] for entry in detail.decoded], empty="")
    else:
        print_paragraph(detail.body)
