"""Who is asking (memberpress-api section 1.1)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from guestlist.sandbox.site.http import Request, forbidden
from guestlist.sandbox.site.store import User
from guestlist.sandbox.site.wordpress import WordPress

_NOT_IN_PASSWORD = re.compile(r"[^a-zA-Z0-9]")


@dataclass(frozen=True, slots=True)
class Caller:
    """An accepted caller: `user` is None for the API key."""

    name: str
    user: User | None = None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """WordPress forbids caching only for somebody who is logged in; with the key it thinks nobody is."""
        if self.user is None:
            return ()
        return (
            ("Expires", "Wed, 11 Jan 1984 05:00:00 GMT"),
            ("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private"),
        )


def authenticate(site: WordPress, request: Request) -> Caller:
    """The caller, if allowed to use mp/v1.

    A logged-in user wins over the key; an Authorization header that is no login is compared with the key, and then the
    key's own header is not looked at any more.

    Raises:
        Refused: 401 without good credentials, 403 for a user without the capability.
    """
    authorization = None if site.switches.strip_authorization else request.headers.get("authorization")
    user = _logged_in(site, authorization)
    if user is not None:
        if user.role != "administrator":
            raise forbidden(403)
        return Caller(user.display_name, user)
    offered = authorization if authorization is not None else request.headers.get("memberpress-api-key")
    key = site.switches.key
    if key is None or offered != key:
        raise forbidden(401)
    return Caller(key)


def _logged_in(site: WordPress, authorization: str | None) -> User | None:
    """The user of a good application password; the login password does not count."""
    if authorization is None or not authorization.lower().startswith("basic "):
        return None
    if not site.switches.application_passwords:
        return None
    try:
        login, _, password = base64.b64decode(authorization[6:], validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    user = site.store.find_login(login)
    if user is None or user.application_password is None:
        return None
    # WordPress ignores the spaces it shows the password with.
    return user if _NOT_IN_PASSWORD.sub("", password) == user.application_password else None
