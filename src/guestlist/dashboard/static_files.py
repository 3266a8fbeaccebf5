"""Styles, scripts and icons."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise's, with the file as a whole.

    WhiteNoise answers with a file to be read while it is sent. Under ASGI, Django cannot do that without blocking: it
    reads all of it beforehand, and warns of it.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """The file, a part of it, or that it has not changed."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(found.status))
        # WhiteNoise says which one it is, where there is any.
        del response["Content-Type"]
        for name, value in found.headers:
            response[name] = value
        return response
