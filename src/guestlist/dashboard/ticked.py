"""What a form or an address carries beside what a Django form reads."""

from __future__ import annotations

from django.http import HttpRequest, QueryDict


def text(given: QueryDict, name: str) -> str:
    """A text; "" where there is none. A NUL, which PostgreSQL refuses, is replaced: nothing is found by it."""
    return given.get(name, "").replace("\0", "\ufffd")


def ticked(request: HttpRequest, name: str) -> list[int]:
    """The numbers of the rows that were ticked."""
    return [int(value) for value in request.POST.getlist(name) if _is_id(value)]


def number(request: HttpRequest, name: str) -> int:
    """A number that the form carries along; 0 where there is none."""
    value = request.POST.get(name, "")
    return int(value) if _is_id(value) else 0


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 18
