"""Tokens of the API: made, listed, revoked, and checked with each request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.accounts.models import ApiToken
from guestlist.accounts.roles import Role

LONGEST_NAME = 80
# So that a busy client does not write a row with each request.
USE_NOTED_EVERY = timedelta(minutes=1)


class TokenRefused(Exception):
    """A token cannot be made under this name."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """A token by its name; the token itself is not kept."""

    name: str
    role: Role
    created_at: datetime
    last_used_at: datetime | None


def create_token(name: str, role: Role = Role.OPERATOR) -> str:
    """Make a token and return it; only its hash is kept.

    Args:
        name: what it is for.
        role: what it may do; an operator's does all that the API can do.

    Raises:
        TokenRefused: the name is taken, empty or too long.
    """
    if not name.strip() or len(name) > LONGEST_NAME:
        raise TokenRefused(
            f"A token's name has 1 to {LONGEST_NAME} characters.", "Name the token after what uses it, like: backup"
        )
    token = "gl_" + secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            ApiToken.objects.create(name=name, role=role, digest=_digest(token))
    except IntegrityError:
        raise TokenRefused(
            f'There is a token named "{name}" already.', "Choose another name, or revoke that token first."
        ) from None
    return token


def tokens() -> list[TokenView]:
    """All tokens by name."""
    return [
        TokenView(name=row.name, role=Role(row.role), created_at=row.created_at, last_used_at=row.last_used_at)
        for row in ApiToken.objects.order_by("name")
    ]


def revoke_token(name: str) -> bool:
    """Make a token useless; tells whether there was one."""
    deleted, _ = ApiToken.objects.filter(name=name).delete()
    return bool(deleted)


def use_token(token: str) -> ApiToken | None:
    """The stored token for what a client sent; notes when it was last used.

    Looking up the hash gives nothing away by its timing: who does not know the token cannot choose its hash.
    """
    found = ApiToken.objects.filter(digest=_digest(token)).first()
    if found is not None:
        now = timezone.now()
        long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
        if found.last_used_at is None or found.last_used_at < now - USE_NOTED_EVERY:
            ApiToken.objects.filter(long_ago, pk=found.pk).update(last_used_at=now)
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()
