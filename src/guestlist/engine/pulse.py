"""What happened lately, day by day: orders placed, access given and ended, and how long buyers waited for it.

Days are added up from counts by quarter of an hour, which a worker keeps up to date, and from what it has not counted
yet. So no query grows with the number of orders, and each viewer has the days of their own zone.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from guestlist.engine.models import Counted, TallyMark

# Where the steps of waiting end, in seconds. The step after the last one has no end; step 0 is what was not measured.
STEP_ENDS = (
    *(0.2, 0.4, 0.7, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0),
    *(90.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0, 28800.0, 86400.0),
    *(172800.0, 345600.0, 604800.0),
)
# Rows that are younger are not counted yet: one with a smaller id may still be in a transaction that is not over.
SETTLED = timedelta(seconds=60)
AT_ONCE = 10_000

# Each gives id, when it was written down, what, when that happened, and step of the rows after an id.
# An order counts on the day on which it was placed: what is replayed or arrives late is no order of today. One that is
# learned later to be older yet stays where it was counted.
_ORDERS = """
    SELECT id, created_at AS written_at, placed_at AS at, 0 AS step,
           CASE mode WHEN 'live' THEN 'orders' WHEN 'test' THEN 'test-orders' ELSE '' END AS what
      FROM orders_order WHERE id > %(after)s ORDER BY id LIMIT %(most)s
"""
# A buyer waits from the moment that the delivery arrived which the grant was planned by. Where none was (an order that
# was aligned later), from the moment that it was planned. Access given by hand is nobody's order. Months that are over
# are written to the site, too, and give nobody anything (`journal.models.GAVE_ACCESS`).
_JOURNAL = """
    SELECT line.id, line.at AS written_at, line.at,
           CASE WHEN line.event IN ('ended', 'stuck') OR line.gave THEN line.event ELSE '' END AS what,
           CASE WHEN line.gave AND line."order" IS NOT NULL AND began.at IS NOT NULL
                THEN 1 + width_bucket(extract(epoch FROM line.at - began.at)::float8, %(ends)s::float8[])
                ELSE 0 END AS step
      FROM (SELECT *, event = 'given' AND coalesce(until_on >= (at AT TIME ZONE 'UTC')::date, true) AS gave
              FROM journal_line WHERE id > %(after)s ORDER BY id LIMIT %(most)s) line
      LEFT JOIN LATERAL (
           SELECT coalesce(arrived.received_at, planned.created_at) AS at
             FROM access_grant planned
             LEFT JOIN LATERAL (
                  SELECT delivery.received_at
                    FROM orders_fact fact JOIN inbox_delivery delivery ON delivery.id = fact.delivery_id
                   WHERE fact.order_id = planned.order_id AND fact.created_at <= planned.created_at
                     AND fact.created_at > planned.created_at - interval '1 minute'
                   ORDER BY fact.created_at DESC LIMIT 1
             ) arrived ON true
            WHERE planned.id = line."grant" AND line.gave
      ) began ON true
"""
_SOURCES = {"orders": _ORDERS, "journal": _JOURNAL}

_COUNT_UP = """
    WITH fresh AS ({source}),
    settled AS (
        SELECT * FROM fresh
         WHERE id < coalesce((SELECT min(id) FROM fresh WHERE written_at >= %(until)s), (SELECT max(id) + 1 FROM fresh))
    ),
    stored AS (
        INSERT INTO engine_tally AS known (begins_at, what, step, count)
        SELECT date_bin('15 minutes', at, 'epoch'::timestamptz), what, step, count(*)
          FROM settled WHERE what <> '' GROUP BY 1, 2, 3
        ON CONFLICT (begins_at, what, step) DO UPDATE SET count = known.count + excluded.count
    )
    SELECT max(id), count(*) FROM settled
"""
_COUNTED = """
    SELECT (begins_at AT TIME ZONE %(zone)s)::date, what, step, sum(count)::bigint
      FROM engine_tally WHERE begins_at >= %(since)s GROUP BY 1, 2, 3
"""
_FRESH = """
    SELECT (at AT TIME ZONE %(zone)s)::date, what, step, count(*)
      FROM ({source}) fresh WHERE at >= %(since)s AND what <> '' GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day in the viewer's zone.

    Attributes:
        half, most: within how many seconds half of the buyers had their access, and 95 of 100; None = nobody got any.
    """

    on: date
    orders: int = 0
    test_orders: int = 0
    given: int = 0
    ended: int = 0
    stuck: int = 0
    half: float | None = None
    most: float | None = None


def count_up() -> int:
    """Count what is new and settled, some at a time. Returns how many rows there were; 0 = all is counted."""
    return sum(_count_up(table, source) for table, source in _SOURCES.items())


def _count_up(table: str, source: str) -> int:
    TallyMark.objects.get_or_create(table=table)
    with transaction.atomic(), connection.cursor() as cursor:
        mark = TallyMark.objects.select_for_update(skip_locked=True).filter(table=table).first()
        if mark is None:
            return 0  # another worker is at it
        until = timezone.now() - SETTLED
        cursor.execute(_COUNT_UP.format(source=source), {**_rows_after(mark.last_id), "until": until})
        last, count = cursor.fetchone()
        if last is not None:
            TallyMark.objects.filter(pk=table).update(last_id=last)
    return int(count)


def last_days(count: int) -> list[Day]:
    """The last days in the zone that is active, oldest first; the last one is today."""
    zone = timezone.get_current_timezone()
    today = timezone.localdate()
    first = today - timedelta(days=count - 1)
    found = _counts(datetime.combine(first, time.min, tzinfo=zone), str(zone))
    return [_day(on, found.get(on, {})) for on in (first + timedelta(days=n) for n in range(count))]


def _counts(since: datetime, zone: str) -> Mapping[date, Mapping[tuple[str, int], int]]:
    """By day, what and step."""
    found: defaultdict[date, defaultdict[tuple[str, int], int]] = defaultdict(lambda: defaultdict(int))
    marks = dict(TallyMark.objects.values_list("table", "last_id"))
    values = {"zone": zone, "since": since}
    queries: list[tuple[str, dict[str, Any]]] = [(_COUNTED, values)]
    queries += [
        (_FRESH.format(source=source), {**values, **_rows_after(marks.get(table, 0))})
        for table, source in _SOURCES.items()
    ]
    with connection.cursor() as cursor:
        for query, given in queries:
            cursor.execute(query, given)
            for on, what, step, number in cursor.fetchall():
                found[on][what, step] += number
    return found


def _rows_after(last_id: int) -> dict[str, Any]:
    return {"after": last_id, "most": AT_ONCE, "ends": list(STEP_ENDS)}


def _day(on: date, counts: Mapping[tuple[str, int], int]) -> Day:
    sums: defaultdict[str, int] = defaultdict(int)
    for (what, _), count in counts.items():
        sums[what] += count
    waits = sorted((step, count) for (what, step), count in counts.items() if what == Counted.GIVEN and step)
    return Day(
        on=on,
        orders=sums[Counted.ORDERS],
        test_orders=sums[Counted.TEST_ORDERS],
        given=sums[Counted.GIVEN],
        ended=sums[Counted.ENDED],
        stuck=sums[Counted.STUCK],
        half=quantile(waits, 0.50),
        most=quantile(waits, 0.95),
    )


def quantile(waits: Iterable[tuple[int, int]], share: float) -> float | None:
    """Within how many seconds that share was served, from (step, count) in order of the steps; None = nobody."""
    steps = list(waits)
    if not steps:
        return None
    up_to = list(itertools.accumulate(count for _, count in steps))
    wanted = share * up_to[-1]
    place = bisect_left(up_to, wanted)
    step, count = steps[place]
    begins = STEP_ENDS[step - 2] if step > 1 else 0.0
    ends = STEP_ENDS[min(step - 1, len(STEP_ENDS) - 1)]
    return begins + (ends - begins) * (wanted - (up_to[place] - count)) / count
