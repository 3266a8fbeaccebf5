"""Which members a request is about, so that something can go wrong for one of them only."""

from __future__ import annotations

from guestlist.sandbox.site import api, php
from guestlist.sandbox.site.http import Refused, Request
from guestlist.sandbox.site.wordpress import WordPress


def addresses(site: WordPress, request: Request) -> set[str]:
    """Their addresses, lower case: those the request names, and those of the members and transactions it names."""
    try:
        sent = api.parameters(request)
    except Refused:
        return set()
    named = {php.text(sent.get(name)).strip().lower() for name in ("search", "email", "user_login")}
    users = (site.store.users.get(number) for number in (php.integer(sent.get("member")), _in_path(site, request)))
    return named | {user.email.lower() for user in users if user is not None}


def _in_path(site: WordPress, request: Request) -> int:
    """The id of the user that the path is about; 0 = of none."""
    match request.route.strip("/").split("/"):
        case ["members", number, *_] if number.isdigit():
            return int(number)
        case ["transactions", number, *_] if number.isdigit():
            transaction = site.store.transactions.get(int(number))
            return transaction.user_id if transaction is not None else 0
        case _:
            return 0
