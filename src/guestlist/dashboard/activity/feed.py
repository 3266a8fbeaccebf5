"""The feed: what several tables tell, put together by time.

Each table is read by its ids, newest first, from where the page before it ended; so the thousandth page costs what the
first one does, and no table needs an index for it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from guestlist.access.models import StaffChange
from guestlist.accounts import acts
from guestlist.accounts.models import AuditEntry, Kind
from guestlist.dashboard.activity.words import Happening, of_audit, of_deliveries, of_journal, of_staff
from guestlist.dashboard.days import begins, is_over
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.models import ACCESS, GAVE_ACCESS, Line

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that are lines of the feed. `letter` stands for their table in addresses, `at` is their moment's column."""

    letter: str
    rows: Callable[[], QuerySet[Any]]
    at: str
    tell: Callable[[Sequence[Any]], list[Happening]]


@dataclass(frozen=True, slots=True)
class Feed:
    """Some lines, newest first. `older`: where the next ones begin, None = these were the last.

    `newest`: which line is the first; another one once what is told of a line has changed.
    """

    lines: Sequence[Happening]
    older: str | None
    newest: str


_STUCK = Q(state__in=(DeliveryState.UNREADABLE, DeliveryState.FAILED))

DELIVERIES = Source("d", lambda: Delivery.objects.defer("body"), "received_at", of_deliveries)
STUCK_DELIVERIES = Source("d", lambda: Delivery.objects.filter(_STUCK).defer("body"), "received_at", of_deliveries)
JOURNAL = Source("j", lambda: Line.objects.all(), "at", of_journal)
ACCESS_LINES = Source("j", lambda: Line.objects.filter(event__in=ACCESS), "at", of_journal)
GIVEN = Source("j", lambda: Line.objects.filter(GAVE_ACCESS), "at", of_journal)
TROUBLES = Source("j", lambda: Line.objects.exclude(event__in=ACCESS), "at", of_journal)
BY_HAND = Source("s", lambda: StaffChange.objects.select_related("member"), "at", of_staff)
# What was done by hand for a person is told by `BY_HAND`, with whom and why.
WORK = Source(
    "a", lambda: AuditEntry.objects.filter(kind=Kind.WORK).exclude(did__in=acts.BY_HAND), "timestamp", of_audit
)
SETTINGS = Source(
    "a", lambda: AuditEntry.objects.filter(kind__in=(Kind.INTEGRATIONS, Kind.RULES)), "timestamp", of_audit
)
# Who signs in, and what becomes of accounts and tokens, is for the owner: it is in the audit log.
AUDIT = Source(
    "a",
    lambda: AuditEntry.objects.filter(kind__in=(Kind.WORK, Kind.INTEGRATIONS, Kind.RULES)).exclude(
        did__in=acts.BY_HAND
    ),
    "timestamp",
    of_audit,
)

FILTERS: Mapping[str, tuple[str | Promise, tuple[Source, ...]]] = {
    "": (_("Everything"), (DELIVERIES, JOURNAL, BY_HAND, AUDIT)),
    "deliveries": (_("Deliveries"), (DELIVERIES,)),
    "access": (_("Access"), (ACCESS_LINES,)),
    "given": (_("Access given"), (GIVEN,)),
    "troubles": (_("Troubles"), (STUCK_DELIVERIES, TROUBLES)),
    "staff": (_("By hand"), (BY_HAND, WORK)),
    "settings": (_("Settings"), (SETTINGS,)),
}
# The kinds of which one day's lines can be looked at: their only table knows its rows by their moments.
OF_A_DAY = ("access", "given")


def feed(kind: str, cursor: str = "", day: date | None = None) -> Feed:
    """The lines of one kind.

    Args:
        kind: a key of `FILTERS`.
        cursor: `Feed.older` of the page before; "" = from the newest on.
        day: only this one's, in the viewer's zone; for kinds of the journal alone (`OF_A_DAY`).
    """
    sources = FILTERS[kind][1]
    places = _read(cursor)
    tables = [[(source, row) for row in _rows(source, places, day)] for source in sources]
    # Merged, not sorted: where ids and moments of a table differ a little, its ids decide, and no row is passed over.
    found = list(heapq.merge(*tables, key=lambda one: getattr(one[1], one[0].at), reverse=True))
    shown = found[:SHOWN]
    return Feed(
        lines=_told(shown),
        older=_written(_after(sources, places, found, shown)) if len(found) > SHOWN else None,
        newest=_written({source.letter: row.pk for source, row in reversed(found)} | {"w": _waiting(shown)}),
    )


def _rows(source: Source, places: Mapping[str, int], day: date | None) -> list[Any]:
    rows = source.rows().order_by("-pk")
    if day is not None:
        rows = rows.filter((f"{source.at}__gte", begins(day)), (f"{source.at}__lt", is_over(day)))
    if source.letter in places:
        rows = rows.filter(pk__lt=places[source.letter])
    return list(rows[: SHOWN + 1])


def _told(shown: Sequence[tuple[Source, Any]]) -> list[Happening]:
    by_source: dict[str, tuple[Source, list[Any]]] = {}
    for source, row in shown:
        by_source.setdefault(source.letter, (source, []))[1].append(row)
    lines = [line for source, rows in by_source.values() for line in source.tell(rows)]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _waiting(shown: Sequence[tuple[Source, Any]]) -> int:
    """Deliveries that are not read yet: what is told of them will change, although nothing newer comes."""
    return sum(isinstance(row, Delivery) and row.state == DeliveryState.WAITING for _, row in shown)


def _after(
    sources: Sequence[Source],
    places: Mapping[str, int],
    found: Sequence[tuple[Source, Any]],
    shown: Sequence[tuple[Source, Any]],
) -> dict[str, int]:
    """Below which id each table goes on. What comes in meanwhile belongs to the first page."""
    last = {source.letter: row.pk for source, row in shown}
    first = {source.letter: row.pk + 1 for source, row in reversed(found)}
    return {
        source.letter: last.get(source.letter, places.get(source.letter, first.get(source.letter, 0)))
        for source in sources
    }


def _written(places: Mapping[str, int]) -> str:
    return ".".join(f"{letter}{place}" for letter, place in sorted(places.items()))


def _read(cursor: str) -> dict[str, int]:
    return {letter: int(place) for letter, place in re.findall(r"([a-z])(\d{1,18})", cursor)}
