"""How the API says that something is wrong: one shape for every error."""

from __future__ import annotations

from typing import Any

import structlog
from django.core.exceptions import SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

log = structlog.get_logger(__name__)


class Problem(Schema):
    """What is wrong, in words; `field` is the parameter or the place in the body, where one is to blame."""

    error: str
    field: str | None = None


class Refused(Exception):
    """Ends a request with an error.

    Args:
        status: HTTP status.
        error: in words.
        field: the parameter or place that is to blame.
    """

    def __init__(self, status: int, error: str, field: str | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.field = field


# Documented with every operation, next to what only it answers.
COMMON: dict[Any, Any] = {401: Problem, 403: Problem, 422: Problem, 503: Problem}


def register(api: NinjaAPI) -> None:
    """Teach an API the answers for what can go wrong."""

    def answer(request: HttpRequest, status: int, error: str, field: str | None = None) -> HttpResponse:
        body = {"error": error} if field is None else {"error": error, "field": field}
        return api.create_response(request, body, status=status)

    @api.exception_handler(Refused)
    def refused(request: HttpRequest, error: Refused) -> HttpResponse:
        return answer(request, error.status, error.error, error.field)

    @api.exception_handler(AuthenticationError)
    def no_token(request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
        response = answer(
            request,
            401,
            "No valid token. Send the header Authorization: Bearer TOKEN; `guestlist token create NAME` makes one.",
        )
        response["WWW-Authenticate"] = "Bearer"
        return response

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first = error.errors[0]
        # The location begins with its source (query, path, body) and, for bodies, the name of our own argument.
        place = [str(part) for part in first["loc"][2 if first["loc"][0] == "body" else 1 :]]
        return answer(request, 422, first["msg"], ".".join(place) or "body")

    @api.exception_handler(HttpError)
    def http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, error.message)

    @api.exception_handler(SuspiciousOperation)
    def suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
        return answer(request, 400, f"The request cannot be read: {error}")

    @api.exception_handler(OperationalError)
    @api.exception_handler(InterfaceError)
    def no_database(request: HttpRequest, error: Exception) -> HttpResponse:
        log.warning("database_away", reason=str(error).strip())
        response = answer(request, 503, "The database does not answer. Try again later.")
        response["Retry-After"] = "10"
        return response

    @api.exception_handler(Exception)
    def failed(request: HttpRequest, _error: Exception) -> HttpResponse:
        log.exception("api_failed", method=request.method, path=request.path)
        return answer(request, 500, "Guestlist failed on this request; its log has the details.")
