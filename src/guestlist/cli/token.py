"""`guestlist token`: tokens of the HTTP API."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from guestlist.cli.console import AsJson, boot, print_json, print_table
from guestlist.cli.errors import CommandError


class TokenRole(StrEnum):
    """The roles by name, without loading Django for `--help`."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    OWNER = "owner"


app = typer.Typer(name="token", help="Tokens of the HTTP API.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What the token is for.")]
RoleOption = Annotated[
    TokenRole, typer.Option("--role", help="What it may do: viewer reads; operator does all that the API can do.")
]


@app.command()
def create(name: Name, role: RoleOption = TokenRole.OPERATOR, as_json: AsJson = False) -> None:
    """Make a token and print it. It is shown this once; only its hash is kept."""
    boot()
    from guestlist.accounts.roles import Role
    from guestlist.accounts.tokens import create_token

    token = create_token(name, Role(role.value))
    if as_json:
        print_json({"name": name, "role": role.value, "token": token})
    else:
        print(token)


@app.command("list")
def list_tokens(as_json: AsJson = False) -> None:
    """List the tokens by name, and when each was last used."""
    boot()
    from guestlist.accounts.tokens import tokens

    found = tokens()
    if as_json:
        print_json(found)
        return
    print_table(
        ["name", "role", "created", "last used"],
        [[token.name, token.role.value, token.created_at, token.last_used_at or "never"] for token in found],
        empty="No token yet: `guestlist token create NAME` makes one.",
    )


@app.command()
def revoke(name: Name, as_json: AsJson = False) -> None:
    """Make a token useless at once."""
    boot()
    from guestlist.accounts.tokens import revoke_token

    if not revoke_token(name):
        raise CommandError(f'There is no token named "{name}".', "`guestlist token list` shows them.")
    if as_json:
        print_json({"revoked": name})
    else:
        print(f'The token "{name}" is revoked.')
