"""`guestlist owner-link`: a way in for the first owner, and for one who is locked out."""

from __future__ import annotations

from typing import Annotated

import typer

from guestlist.cli.console import AsJson, boot, print_json

Port = Annotated[int, typer.Option(min=1, max=65535, help="Port of the server, where GUESTLIST_PUBLIC_URL is not set.")]


def owner_link(port: Port = 8000, as_json: AsJson = False) -> None:
    """Print a link that makes an owner, or lets one in who is locked out. It works once, within 24 hours."""
    boot()
    from guestlist.accounts.invitations import owner_link
    from guestlist.accounts.links import absolute

    made = owner_link()
    link = absolute(made.path, otherwise=f"http://127.0.0.1:{port}")
    if as_json:
        print_json({"link": link, "expires_at": made.invitation.expires_at})
    else:
        print(link)
