"""`guestlist members`: what a person has at each site, why, and what staff do about it by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from guestlist.cli import privacy, staff
from guestlist.cli.console import AsJson, boot, print_json
from guestlist.cli.errors import CommandError
from guestlist.cli.person import print_person

app = typer.Typer(
    name="members", help="What a person has at each site, why, and changes by hand.", no_args_is_help=True
)


@app.callback()
def members() -> None:
    """What a person has at each site, why, and changes by hand."""


@app.command()
def show(
    email: Annotated[str, typer.Argument(help="E-mail address; upper and lower case are the same.")],
    ask_site: Annotated[
        bool, typer.Option("--ask-site", help="Ask the sites now what their owners made there by hand.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a person has at each site, until when and why, what staff did, and the latest requests."""
    boot()
    from guestlist.access.queries import ask_sites, person
    from guestlist.access.sitestate import close_sites

    found = person(email)
    if found is None:
        raise CommandError(
            f"Nobody with the address {email} is known.",
            "A person is known once an order of theirs is interpreted, or a level is given by hand; see "
            "`guestlist orders list` and `guestlist deliveries list`.",
        )
    if ask_site:
        try:
            found = ask_sites(found)
        finally:
            close_sites()
    if as_json:
        print_json(found)
    else:
        print_person(found)


app.command()(staff.grant)
app.command()(staff.extend)
app.command()(staff.revoke)
app.command()(staff.hold)
app.command()(staff.release)
app.command("resend-password")(staff.resend_password)
app.command("try-again")(staff.try_again)
app.command()(privacy.export)
app.command()(privacy.erase)
