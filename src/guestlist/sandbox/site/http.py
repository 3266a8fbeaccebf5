"""Requests and answers as the site sees them, and the refusals its code raises."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

JSON = "application/json; charset=UTF-8"
HTML = "text/html; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Request:
    """A request to one site.

    Attributes:
        path: within the site (a site under `/s/<name>` sees the rest).
        query: raw.
        headers: names in lower case.
        base: the site's own address, without a slash at its end.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    base: str

    @property
    def route(self) -> str:
        """The path without the ways to reach the REST root: `/transactions/5`. Faults and counts go by it."""
        path = self.rest_path
        if path is None:
            return self.path.rstrip("/") or "/"
        return path.removeprefix("/mp/v1").rstrip("/") or "/wp-json"

    @property
    def rest_path(self) -> str | None:
        """The path beneath the REST root (`/mp/v1/me`), whichever way it was asked for; None = not REST."""
        for prefix in ("/wp-json", "/index.php/wp-json"):
            if self.path == prefix or self.path.startswith(prefix + "/"):
                return self.path[len(prefix) :] or "/"
        if self.path in ("/", "/index.php") and "rest_route=" in self.query:
            for pair in self.query.split("&"):
                name, _, value = pair.partition("=")
                if name == "rest_route":
                    return unquote_plus(value) or "/"
        return None

    @property
    def asks_plainly(self) -> bool:
        """Whether the REST root was asked for by `?rest_route=`, which needs no rewriting of addresses."""
        return self.path in ("/", "/index.php")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def as_json(payload: Any, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A JSON answer, compact, with other letters escaped as PHP does."""
    return Response(status, json.dumps(payload, separators=(",", ":")).encode(), JSON, headers)


def as_html(title: str, text: str, *, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A small HTML page."""
    page = f'<!DOCTYPE html>\n<html lang="en"><head><title>{title}</title></head><body><p>{text}</p></body></html>\n'
    return Response(status, page.encode(), HTML, headers)


class Refused(Exception):
    """A refusal that WordPress or the plugin answers as JSON."""

    def __init__(self, status: int, code: str, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.data = data

    def response(self) -> Response:
        """The refusal as sent."""
        return as_json({"code": self.code, "message": str(self), "data": self.data}, status=self.status)


class Crashed(Exception):
    """A PHP fatal error: the client gets an HTML page."""


_TRACE = (
    "\n\n#0 /srv/www/site/public/wp-content/plugins/memberpress/app/models/MeprBaseModel.php(412): store()\n"
    "#1 /srv/www/site/public/wp-content/plugins/memberpress-developer-tools/app/api/MpdtBase.php(97): save()\n"
    "#2 /srv/www/site/public/wp-includes/rest-api/class-wp-rest-server.php(1230): dispatch()\n#3 {main}"
)


def not_saved(problem: str) -> Refused:
    """The plugin's one answer to everything it does not like (memberpress-api 0.1), stack trace included."""
    return Refused(500, "mp_db_create_error", problem + _TRACE)


def not_found(plural: str, wanted: int) -> Refused:
    """The plugin's "no such thing": a 500 too."""
    return Refused(500, "mp_no_records_found", f"There were no {plural} found with an id of {wanted}")


def no_route() -> Refused:
    """WordPress knows no such route or method."""
    message = "No route was found matching the URL and request method."
    return Refused(404, "rest_no_route", message, {"status": 404})


def forbidden(status: int) -> Refused:
    """No, or not enough, credentials."""
    return Refused(status, "rest_forbidden", "Sorry, you are not allowed to do that.", {"status": status})
