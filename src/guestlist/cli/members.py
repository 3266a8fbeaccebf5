"""`guestlist members`: what a person has at each site, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.console import AsJson, boot, print_json, print_paragraph, print_table, shown
from guestlist.cli.errors import CommandError
from guestlist.cli.grants import print_grants
from guestlist.cli.orders import print_orders

if TYPE_CHECKING:
    from guestlist.access.queries import LevelAccess, MemberView, PersonView

app = typer.Typer(name="members", help="What a person has at each site, and why.", no_args_is_help=True)


@app.callback()
def members() -> None:
    """What a person has at each site, and why."""


@app.command()
def show(
    email: Annotated[str, typer.Argument(help="E-mail address; upper and lower case are the same.")],
    as_json: AsJson = False,
) -> None:
    """Show what a person has at each site, until when and why, and the latest requests made for them."""
    boot()
    from guestlist.access.queries import person

    found = person(email)
    if found is None:
        raise CommandError(
            f"Nobody with the address {email} is known.",
            "A person is known once an order of theirs is interpreted; see `guestlist orders list` and "
            "`guestlist deliveries list`.",
        )
    if as_json:
        print_json(found)
    else:
        _print_person(found)


def _print_person(person: PersonView) -> None:
    print(shown(person.email))
    if not person.members:
        print("\nNo access anywhere: nothing that was bought is mapped to a level, or its mode is not fulfilled.")
    for member in person.members:
        _print_member(member)
    print("\nOrders")
    print_orders(person.orders, empty="None under this address.")


def _print_member(member: MemberView) -> None:
    print(f"\nSite {member.site}: {_standing(member)}")
    for text in (member.reason, member.remedy, member.alert):
        print_paragraph(text, indent="  ")
    if member.site_state in ("down", "attention"):
        print_paragraph(f"The site as a whole: {member.site_reason}\n{member.site_remedy}", indent="  ")
    print_table(
        ["level", "access", "as the site has it"],
        [
            [f"{access.level} {access.title}".strip(), _access(access), "yes" if access.confirmed else "not yet"]
            for access in member.access
        ],
        empty="No level.",
    )
    print("\nWhy")
    print_grants(member.grants)
    print("\nLatest requests")
    print_table(
        ["when", "request", "answer", "ms", "began with"],
        [
            [request.at, f"{request.method} {request.path}", request.status, request.milliseconds, request.excerpt[:80]]
            for request in member.requests
        ],
        empty="None yet.",
    )


def _standing(member: MemberView) -> str:
    who = f"member {shown(member.remote_id)}" if member.remote_id else "not yet a member there"
    state = member.state.value
    if state == "due":
        when = f", due {shown(member.due_at)}" if member.due_at else ""
        tries = f" after {member.attempts} attempts" if member.attempts else ""
        return f"{who}; waiting{tries}{when}"
    return f"{who}; {'as desired' if state == 'idle' else 'needs attention' if state == 'attention' else 'in work'}"


def _access(access: LevelAccess) -> str:
    match access.state.value:
        case "forever":
            return "for ever"
        case "until":
            return f"until {access.until_on}"
        case "over":
            return f"over; the last day was {access.until_on}"
        case "unknown":
            return "not known yet"
        case _:
            return "ended"
