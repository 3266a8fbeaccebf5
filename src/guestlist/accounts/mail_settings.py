"""Django's mail settings from GUESTLIST_EMAIL_URL. Needs no Django: a mistake is told before anything starts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import dj_email_url

SECONDS = 15
FORM = "smtp+tls://user:password@host:587"
# How each is known to dj-email-url.
_SCHEMES = {"smtp": ("smtp", ""), "smtp+tls": ("submission", ""), "smtps": ("smtp", "ssl=true")}


class MailUrlUnreadable(ValueError):
    """GUESTLIST_EMAIL_URL is no address of a mail server."""

    def __init__(self) -> None:
        super().__init__("GUESTLIST_EMAIL_URL cannot be read.")


def mail_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_... settings; those of no mail at all for "".

    Args:
        url: smtp:// (in plain), smtp+tls:// (STARTTLS) or smtps:// (TLS from the start); special characters in the
            user and password are percent-encoded.

    Raises:
        MailUrlUnreadable: it is none of these.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    try:
        parts = urlsplit(url)
        scheme, query = _SCHEMES[parts.scheme]
        port = parts.port or {"smtp": 25, "smtp+tls": 587, "smtps": 465}[parts.scheme]
    except (ValueError, KeyError):
        raise MailUrlUnreadable from None
    if not parts.hostname:
        raise MailUrlUnreadable
    found: dict[str, Any] = dj_email_url.parse(parts._replace(scheme=scheme, query=query).geturl())
    return {**found, "EMAIL_PORT": port, "EMAIL_TIMEOUT": SECONDS}
