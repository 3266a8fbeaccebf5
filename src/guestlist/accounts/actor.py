"""Who acts at this moment: a person, an API token, the command line, or Guestlist itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest
from django.http.response import HttpResponseBase

COMMAND_LINE = "command line"
GUESTLIST = "Guestlist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who it is, in words: an address, "token NAME", "command line", "Guestlist"; "" = somebody not signed in."""

    by: str
    user_id: int | None = None
    # The IP address that a request came from.
    address: str | None = None


_acting: ContextVar[Actor | HttpRequest | None] = ContextVar("acting", default=None)
_process = {"by": GUESTLIST}


class Acting:
    """Remembers the request under way, so that what it changes is written down under its sender's name."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer within the request's name."""
        with acting(request):
            return self.get_response(request)


@contextmanager
def acting(who: Actor | HttpRequest) -> Iterator[None]:
    """What is changed within is changed by this actor, or by the sender of this request."""
    before = _acting.set(who)
    try:
        yield
    finally:
        _acting.reset(before)


def act_as_command_line() -> None:
    """This process runs a command: what it changes, whoever sits at the keyboard changes."""
    _process["by"] = COMMAND_LINE


def act_as_token(request: HttpRequest, name: str) -> None:
    """This request is made with an API token."""
    request.token_name = name  # type: ignore[attr-defined]


def current() -> Actor:
    """Who acts right now."""
    who = _acting.get()
    match who:
        case None:
            return Actor(by=_process["by"])
        case Actor():
            return who
        case _:
            return of_request(who)


def of_request(request: HttpRequest) -> Actor:
    """Who sent a request."""
    address = _valid(request.META.get("REMOTE_ADDR"))
    token = getattr(request, "token_name", None)
    if token is not None:
        return Actor(by=f"token {token}", address=address)
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return Actor(by="", address=address)
    return Actor(by=user.email, user_id=user.pk, address=address)


def _valid(address: str | None) -> str | None:
    # Behind a Unix socket there is none; a proxy may pass on anything.
    try:
        return str(ipaddress.ip_address(address or ""))
    except ValueError:
        return None
