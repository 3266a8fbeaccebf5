"""What pages answer while the database is away."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse

log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS = 10


class DatabaseAway:
    """Turns a database that does not answer into a 503 that says so."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Hand on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer, where the error is one of the database's."""
        if not isinstance(error, OperationalError | InterfaceError):
            return None
        log.warning("database_away", path=request.path, reason=str(error).strip())
        return HttpResponse(
            "The database does not answer. Try again in a moment.\n",
            status=503,
            content_type="text/plain; charset=utf-8",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )
