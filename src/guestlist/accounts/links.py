"""Whole addresses of our pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def absolute(path: str, request: HttpRequest | None = None, *, otherwise: str = "") -> str:
    """The address of a path as it is typed into a browser.

    Args:
        path: begins with a slash.
        request: whose sender reads the address; it is not for anybody else, because its host is what the sender says.
        otherwise: the server's own address, where neither the public one nor a request is there.
    """
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL.rstrip('/')}{path}"
    return request.build_absolute_uri(path) if request is not None else f"{otherwise}{path}"
