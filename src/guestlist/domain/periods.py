"""Calendar periods: "1 month", "90 days"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dateutil.relativedelta import relativedelta


class Unit(StrEnum):
    """Calendar units a period is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


_TEXT = re.compile(r"([1-9][0-9]{0,3}) (day|week|month|year)s?")


@dataclass(frozen=True, slots=True)
class Period:
    """A number of calendar units. Months and years keep to the calendar: 31 January + 1 month = 28 February."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f"a period lasts at least one {self.unit}, not {self.count}")

    def __str__(self) -> str:
        return f"{self.count} {self.unit.value if self.count != 1 else self.unit.value[:-1]}"

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read "90 days" or "1 month".

        Raises:
            ValueError: the text is not a number and a unit.
        """
        match = _TEXT.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f'"{text}" is no period: write a number and days, weeks, months or years, like "90 days"')
        return cls(int(match[1]), Unit(match[2] + "s"))

    def after(self, start: date, *, anchor: date | None = None) -> date:
        """The date one period after `start`.

        `anchor` is the day the agreement began. Monthly billing that began on the 31st charges on 28 February and
        then again on 31 March, so a charge on a shortened month's last day goes back to the anchor's day.
        """
        try:
            end: date = start + relativedelta(**{self.unit.value: self.count})  # type: ignore[arg-type]
        except (OverflowError, ValueError):
            return date.max  # "9999 years" at a site means: practically for ever
        if anchor is None or self.unit not in (Unit.MONTHS, Unit.YEARS):
            return end
        on_last_day = start.day == calendar.monthrange(start.year, start.month)[1]
        if on_last_day and anchor.day > start.day:
            return end.replace(day=min(anchor.day, calendar.monthrange(end.year, end.month)[1]))
        return end
