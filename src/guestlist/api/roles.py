"""Which role each operation needs, and the note in the audit log of each that changes something."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Schema
from ninja.operation import Operation
from ninja.security import HttpBearer

from guestlist.accounts import actor, acts, audit
from guestlist.accounts.models import ApiToken
from guestlist.accounts.roles import Role
from guestlist.accounts.tokens import use_token
from guestlist.api.problems import Refused


class Bearer(HttpBearer):
    """`Authorization: Bearer TOKEN`, with a token of a role that allows what the operation needs."""

    def __init__(self, needed: Role) -> None:
        super().__init__()
        self.needed = needed

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken | None:
        """The token, if it is one of ours.

        Raises:
            Refused: its role is too low.
        """
        found = use_token(token)
        if found is None:
            return None
        if not Role(found.role).allows(self.needed):
            raise Refused(
                403,
                f"This needs a token of the role {self.needed}; the role of this one is {found.role}. "
                f"`guestlist token create NAME --role {self.needed}` makes one.",
            )
        actor.act_as_token(request, found.name)
        return found


VIEWER = Bearer(Role.VIEWER)
OPERATOR = Bearer(Role.OPERATOR)
OWNER = Bearer(Role.OWNER)


def needed_role(operation: Operation) -> Role:
    """The role whose tokens an operation takes; the owner's where it says nothing."""
    declared = operation.auth_callbacks[0] if operation.auth_callbacks else OWNER
    if not isinstance(declared, Bearer):
        raise TypeError(f"{operation.view_func.__name__} takes something else than a token")
    return declared.needed


# What an operation that changes something has done, by its name.
DONE = {
    "grant_level": acts.GRANTED,
    "extend_level": acts.EXTENDED,
    "revoke_level": acts.REVOKED,
    "hold_level": acts.HELD,
    "release_level": acts.RELEASED,
    "resend_password": acts.PASSWORD_MAILED,
    "try_again": acts.TRIED_AGAIN,
    "align_sales": acts.ALIGNED,
    "replay_delivery": acts.REPLAYED,
    "replay_deliveries": acts.REPLAYED,
    "reconcile_site": acts.RECONCILED,
}


# Those that ask a site, or are done in several transactions; the note is written after them.
IN_PARTS = ("resend_password", "try_again", "align_sales", "replay_deliveries")


def noted(operation: Callable[..., Any]) -> Callable[..., Any]:
    """Have what the operation did written down with it, and with what was asked for."""
    done = DONE.get(operation.__name__)
    if done is None:
        return operation

    def written(request: HttpRequest, **values: Any) -> Any:
        result = operation(request, **values)
        detail: dict[str, Any] = {}
        for name, value in values.items():
            detail.update(
                value.model_dump(mode="json", exclude_unset=True) if isinstance(value, Schema) else {name: value}
            )
        audit.record(request, done, None, **detail)
        return result

    return functools.wraps(operation)(written if operation.__name__ in IN_PARTS else transaction.atomic(written))
