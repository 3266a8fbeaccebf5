"""Pages of big tables: sorted, filtered, and paged by keyset, so that page one thousand costs what page one does."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import ValidationError
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import get_language, override

M = TypeVar("M", bound=Model)

ROWS = 50
ROWS_AT_ONCE = 2000
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Sort:
    """A way to sort: `key` stands in the address, `fields` are columns of one index and never null; id breaks ties."""

    key: str
    fields: tuple[str, ...]

    @property
    def by(self) -> tuple[str, ...]:
        """The columns with what makes their order total."""
        return (*self.fields, "pk")


@dataclass(frozen=True, slots=True)
class Listing(Generic[M]):
    """One page: its rows, how they are sorted, and the cursors of the pages before and after; None = there is none."""

    rows: Sequence[M]
    sort: Sort
    descending: bool
    previous: str | None
    next: str | None


def listing(request: HttpRequest, found: QuerySet[M], sorts: Sequence[Sort], *, rows: int = ROWS) -> Listing[M]:
    """The page that an address asks for with `sort`, `after` and `before`.

    Args:
        found: filtered, not sorted.
        sorts: the ways to sort; the first one, descending, is taken where the address names none of them.
    """
    sort, descending = _sort(request.GET.get("sort", ""), sorts)
    before = _read(found.model, sort, request.GET.get("before"))
    after = None if before else _read(found.model, sort, request.GET.get("after"))
    page = list(_past(found, sort, before or after, descending=descending != bool(before))[: rows + 1])
    if not page and (before or after):
        # All that was there went meanwhile, as stuck members do. That the list is empty would be untrue.
        before = after = None
        page = list(_past(found, sort, None, descending=descending)[: rows + 1])
    if before:
        more_before, shown = len(page) > rows, page[:rows][::-1]
        more_after = True
    else:
        more_before, shown = after is not None, page[:rows]
        more_after = len(page) > rows
    return Listing(
        rows=shown,
        sort=sort,
        descending=descending,
        previous=_written(shown[0], sort) if shown and more_before else None,
        next=_written(shown[-1], sort) if shown and more_after else None,
    )


def batches(request: HttpRequest, found: QuerySet[M], sorts: Sequence[Sort]) -> Iterator[list[M]]:
    """All rows in the address's order, some at a time, each batch a short query of its own."""
    sort, descending = _sort(request.GET.get("sort", ""), sorts)
    place: list[Any] | None = None
    # A few at first, so that the browser's download begins at once.
    size = min(ROWS, ROWS_AT_ONCE)
    while rows := list(_past(found, sort, place, descending=descending)[:size]):
        yield rows
        place = _place(rows[-1], sort)
        size = min(2 * size, ROWS_AT_ONCE)


def csv_response(name: str, header: Sequence[str], some: Iterator[Iterable[Sequence[object]]]) -> StreamingHttpResponse:
    """A CSV file sent as it is made, so that a million rows need no memory.

    Args:
        name: of the file, without its ending.
        some: rows, some at a time. They are made after the view has returned, yet in its viewer's zone and language.
    """
    zone, language = timezone.get_current_timezone(), get_language()

    def next_rows() -> Iterable[Sequence[object]] | None:
        with timezone.override(zone), override(language):
            return next(some, None)

    async def parts() -> AsyncIterator[bytes]:
        # The mark has spreadsheets read UTF-8.
        yield b"\xef\xbb\xbf" + _csv([header])
        while (rows := await sync_to_async(next_rows)()) is not None:
            yield _csv(rows)

    return StreamingHttpResponse(
        parts(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


def _sort(asked: str, sorts: Sequence[Sort]) -> tuple[Sort, bool]:
    named = next((sort for sort in sorts if sort.key == asked.removeprefix("-")), None)
    return (named, asked.startswith("-")) if named else (sorts[0], True)


def _past(found: QuerySet[M], sort: Sort, place: Sequence[Any] | None, *, descending: bool) -> QuerySet[M]:
    """The rows that follow a place. The first column is bounded on its own, so that an index is entered right there."""
    if place is not None:
        side = "lt" if descending else "gt"
        follows = Q()
        for index, name in enumerate(sort.by):
            equal = [Q((earlier, value)) for earlier, value in zip(sort.by[:index], place, strict=False)]
            follows |= Q(*equal, (f"{name}__{side}", place[index]))
        found = found.filter(Q((f"{sort.by[0]}__{side}e", place[0])), follows)
    return found.order_by(*(f"-{name}" if descending else name for name in sort.by))


def _place(row: Model, sort: Sort) -> list[Any]:
    values = []
    for name in sort.by:
        value: Any = row
        for part in name.split("__"):
            value = getattr(value, part)
        values.append(value)
    return values


def _written(row: Model, sort: Sort) -> str:
    values = [str(value) for value in _place(row, sort)]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read(model: type[Model], sort: Sort, cursor: str | None) -> list[Any] | None:
    """The place that a cursor names; None = none, or it is not one of this sort."""
    if not cursor:
        return None
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if b"\0" in "".join(values).encode():  # PostgreSQL takes neither it nor half a character
            return None
        return [_field(model, name).to_python(value) for name, value in zip(sort.by, values, strict=True)]
    except (ValueError, TypeError, ValidationError):
        return None


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    *relations, last = name.split("__")
    for relation in relations:
        related = model._meta.get_field(relation).related_model
        if not isinstance(related, type):
            raise TypeError(f"{relation} of {model.__name__} leads to no model")
        model = related
    field = model._meta.pk if last == "pk" else model._meta.get_field(last)
    if not isinstance(field, Field):
        raise TypeError(f"{name} is no column")
    return field
