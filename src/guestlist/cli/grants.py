"""Grants for people: what each gives, whether the site has it, and why."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from guestlist.cli.console import print_paragraph

if TYPE_CHECKING:
    from guestlist.access.queries import GrantView


def print_grants(grants: Iterable[GrantView]) -> None:
    """A paragraph per grant; the reason is too long for a column."""
    from guestlist.orders.words import money

    for grant in grants:
        level = f"{grant.level} {grant.level_title}".strip()
        print_paragraph(f"{grant.site}, level {level}: {_access(grant)}; {_confirmed(grant)}", indent="  ")
        print_paragraph(f"{grant.reason}\n{_troubles(grant)}".rstrip(), indent="      ")
        charge = f"{grant.item}, charge {grant.charge}, {money(grant.amount_minor, grant.currency)}"
        print_paragraph(f"order {grant.order_number} of {grant.cart} (id {grant.order}), {charge}", indent="      ")


def _access(grant: GrantView) -> str:
    if not grant.live:
        return "ended"
    if grant.state.value == "blocked":
        return "not known yet"
    return f"until {grant.until_on}" if grant.until_on else "for ever"


def _confirmed(grant: GrantView) -> str:
    match grant.state.value:
        case "right":
            return "the site has it"
        case "attention":
            return "needs attention"
        case "blocked":
            return "waits for the site's levels to be read"
        case _:
            return "the site has not confirmed it yet"


def _troubles(grant: GrantView) -> str:
    return f"{grant.problem}\n{grant.remedy}".strip() if grant.state.value in ("due", "attention") else ""
