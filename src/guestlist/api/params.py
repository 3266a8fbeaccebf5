"""Parameters that several operations share, with their limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlencode

from django.http import HttpRequest
from ninja import Path, Query
from ninja.params import models

from guestlist.api.problems import Refused
from guestlist.connections.models import Cart
from guestlist.orders.queries import LARGEST_ID

# PostgreSQL stores no NUL, so nothing that has one is ever found.
NO_NUL = "^[^\\x00]*$"

Limit = Annotated[int, Query(ge=1, le=200, description="At most so many.")]
Before = Annotated[
    int | None, Query(ge=1, le=LARGEST_ID, description="Only those with a smaller id; `next` has it for the next page.")
]
Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]


def only_known_parameters(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse query parameters that the operation does not have: a mistyped filter must not show everything."""
    hints = get_type_hints(operation, include_extras=True)
    known = [name for name, hint in hints.items() if _is_query(hint)]

    @functools.wraps(operation)
    def checked(request: HttpRequest, **values: Any) -> Any:
        for name in request.GET:
            if name not in known:
                listed = ", ".join(known) or "none"
                raise Refused(422, f"This is no parameter here; there are: {listed}.", name)
        return operation(request, **values)

    return checked


def known_cart(cart_id: str | None, *, connected: bool = False) -> None:
    """Refuse a cart that does not exist; with `connected`, also one that is disconnected."""
    if cart_id is None:
        return
    found = Cart.objects.filter(pk=cart_id)
    if not (found.filter(active=True) if connected else found).exists():
        raise Refused(404, f'There is no cart "{cart_id}".', "cart")


def next_link(path: str, before: int | None, **filters: object) -> str | None:
    """The path of the next page; None = this was the last."""
    if before is None:
        return None
    given = {name: value for name, value in filters.items() if value is not None}
    return f"{path}?{urlencode({**given, 'before': before})}"


def _is_query(hint: Any) -> bool:
    return any(isinstance(data, models.Query) for data in getattr(hint, "__metadata__", ()))
