"""Charts as plain numbers: a template draws them as SVG. Bars by day, each with what it says when pointed at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.engine.pulse import Day

WIDTH, HEIGHT = 560, 200
# The rows are labelled on the right, beside today: where a chart is wider than its place, that end is seen first.
LEFT, RIGHT, BOTTOM, TOP = 12, 52, 26, 8
# Shares of a day's width that its bars take.
FILLED = 0.64
# Each day has a label as long as there are no more days than this.
LABELS = 7
# Waiting is drawn by its logarithm, from a tenth of a second on: seconds and hours are both to be seen.
SHORTEST = 0.1
WAITS = (1.0, 10.0, 60.0, 600.0, 3600.0, 43200.0, 432000.0)


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle; `part` is "first" or "second", `says` is its tooltip."""

    x: float
    y: float
    width: float
    height: float
    part: str
    says: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at a place of an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn."""

    bars: Sequence[Bar]
    rows: Sequence[Mark]
    columns: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def waiting_chart(days: Sequence[Day]) -> Chart | None:
    """How long buyers waited, half of them and 95 of 100; None = nobody got access in these days."""
    longest = max((day.most for day in days if day.most is not None), default=None)
    if longest is None:
        return None
    marks = [wait for wait in WAITS if wait <= longest] or [WAITS[0]]
    top = max(longest, marks[-1]) * 1.1

    def height(seconds: float) -> float:
        return _room() * math.log(max(seconds, SHORTEST * 1.1) / SHORTEST) / math.log(top / SHORTEST)

    bars = []
    for index, day in enumerate(days):
        if day.half is None or day.most is None:
            continue
        says = _("%(day)s: half within %(half)s, 95 of 100 within %(most)s") % {
            "day": _short(day),
            "half": in_words(day.half),
            "most": in_words(day.most),
        }
        bars.append(_bar(index, len(days), height(day.most), "second", says))
        bars.append(_bar(index, len(days), height(day.half), "first", says))
    rows = [Mark(_floor() - height(mark), in_words(mark)) for mark in marks]
    return Chart(bars, rows, _columns(days))


def volume_chart(days: Sequence[Day]) -> Chart | None:
    """Orders, and access given, beside each other; None = there was nothing in these days."""
    most = max((max(day.orders, day.given) for day in days), default=0)
    if not most:
        return None
    step = _step(most)
    top = step * math.ceil(most / step)
    bars = []
    for index, day in enumerate(days):
        orders = ngettext("%(count)s order", "%(count)s orders", day.orders) % {"count": day.orders}
        given = _("access given %(count)s times") % {"count": day.given}
        says = f"{_short(day)}: {orders}, {given}"
        bars.append(_bar(index, len(days), _room() * day.orders / top, "second", says, half=0))
        bars.append(_bar(index, len(days), _room() * day.given / top, "first", says, half=1))
    rows = [
        Mark(_floor() - _room() * count / top, formats.number_format(count, use_l10n=True, force_grouping=True))
        for count in range(0, top + 1, step)
    ]
    return Chart([bar for bar in bars if bar.height], rows, _columns(days))


def in_words(seconds: float) -> str:
    """A time of waiting, in its largest unit: 0.4 s, 12 s, 3 min, 2 h, 5 d."""
    if seconds < 10:
        rounded = round(seconds, 1) if seconds < 3 else round(seconds)
        places = 0 if rounded == int(rounded) else 1
        return _("%(number)s s") % {"number": formats.number_format(rounded, decimal_pos=places)}
    for unit, text in ((86400, _("%(number)s d")), (3600, _("%(number)s h")), (60, _("%(number)s min"))):
        if seconds >= unit:
            return text % {"number": round(seconds / unit)}
    return _("%(number)s s") % {"number": round(seconds)}


def _bar(index: int, days: int, height: float, part: str, says: str, *, half: int | None = None) -> Bar:
    """A bar of a day, over its whole width, or over its left (0) or right (1) half."""
    each = (WIDTH - LEFT - RIGHT) / days
    x, width = LEFT + each * (index + (1 - FILLED) / 2), each * FILLED
    if half is not None:
        width /= 2
        x += width * half
    return Bar(round(x, 1), round(_floor() - height, 1), round(width, 1), round(height, 1), part, says)


def _columns(days: Sequence[Day]) -> list[Mark]:
    each = (WIDTH - LEFT - RIGHT) / len(days)
    every = math.ceil(len(days) / LABELS)
    # Counted from today, which always has its label.
    labelled = [index for index in range(len(days)) if (len(days) - 1 - index) % every == 0]
    return [Mark(round(LEFT + each * (index + 0.5), 1), _short(days[index])) for index in labelled]


def _short(day: Day) -> str:
    return formats.date_format(day.on, _("j M"))


def _step(most: int) -> int:
    """A round number of which at most five reach the top."""
    size = int(10 ** max(0, math.floor(math.log10(most)) - 1))
    return next(step for step in (size, 2 * size, 5 * size, 10 * size, 20 * size, 50 * size) if most / step <= 5)


def _floor() -> int:
    return HEIGHT - BOTTOM


def _room() -> int:
    return HEIGHT - BOTTOM - TOP
