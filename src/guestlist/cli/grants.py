"""Grants for people: what each gives, whether the site has it, why, and what is behind it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guestlist.cli.console import print_paragraph, shown

if TYPE_CHECKING:
    from guestlist.access.evidence import RequestView
    from guestlist.access.grant_views import GrantView


def print_grants(grants: Iterable[GrantView]) -> None:
    """Some paragraphs per grant, each with its site and level."""
    for grant in grants:
        level = f"{grant.level} {grant.level_title}".strip()
        print_paragraph(f"{grant.site}, level {level}: {_access(grant)}; {_confirmed(grant)}", indent="  ")
        _print_why(grant, indent="      ")


def print_grants_of_level(grants: Iterable[GrantView]) -> None:
    """The same beneath a line that names the site and the level."""
    for grant in grants:
        print_paragraph(f"- {_access(grant)}; {_confirmed(grant)}", indent="    ")
        _print_why(grant, indent="      ")


def request_line(request: RequestView) -> str:
    """A request and its answer in one line."""
    answer = request.status if request.status is not None else "no answer"
    return f"{shown(request.at)}  {request.method} {request.path}: {answer}"


def _print_why(grant: GrantView, *, indent: str) -> None:
    """The reason, which is too long for a column, and what is behind it."""
    from guestlist.orders.words import money

    print_paragraph(f"{grant.reason}\n{_troubles(grant)}".rstrip(), indent=indent)
    if grant.order is not None:
        charge = f"{grant.item}, charge {grant.charge}, {money(grant.amount_minor, grant.currency)}"
        told = f"; told by {_numbered(grant.deliveries)}" if grant.deliveries else ""
        order = f"order {grant.order_number} of {grant.cart} (id {grant.order})"
        print_paragraph(f"{order}, {charge}{told}", indent=indent)
    if grant.confirmed_at is not None:
        print_paragraph(f"the site confirmed at {shown(grant.confirmed_at)}: {_as_confirmed(grant)}", indent=indent)
    if grant.requests:
        print_paragraph(f"last request for it: {request_line(grant.requests[0])}", indent=indent)


def _numbered(deliveries: list[int]) -> str:
    listed = ", ".join(map(str, deliveries))
    return f"delivery {listed}" if len(deliveries) == 1 else f"deliveries {listed}"


def _access(grant: GrantView) -> str:
    if not grant.live:
        return "denied by hand" if grant.denied else "ended"
    if grant.state.value == "blocked":
        return "not known yet"
    if grant.until_on is None:
        return "for ever"
    return f"until {grant.until_on}" if grant.until_on >= datetime.now(UTC).date() else f"over since {grant.until_on}"


def _confirmed(grant: GrantView) -> str:
    match grant.state.value:
        case "right":
            return "the site has it so"
        case "attention":
            return "needs attention"
        case "blocked":
            return "waits for the site's levels to be read"
        case _:
            return "the site has not confirmed it yet"


def _as_confirmed(grant: GrantView) -> str:
    number = f"{grant.remote_id} ({grant.ref})" if grant.remote_id else grant.ref
    if not grant.confirmed_live:
        return f"{number} gives no access"
    return f"{number} gives access {f'until {grant.confirmed_until_on}' if grant.confirmed_until_on else 'for ever'}"


def _troubles(grant: GrantView) -> str:
    return f"{grant.problem}\n{grant.remedy}".strip() if grant.state.value in ("due", "attention") else ""
