"""How often a recurring item is charged, from ThriveCart's words."""

from __future__ import annotations

import re

from guestlist.carts.thrivecart.values import Fields
from guestlist.domain.periods import Period, Unit

_DAY, _WEEK, _MONTH, _YEAR = Unit.DAYS, Unit.WEEKS, Unit.MONTHS, Unit.YEARS

# Only "month" was ever recorded; the offer is daily, weekly, 2-weekly, monthly, quarterly, 6-monthly and yearly
# (reference thrivecart 1.6), so every usual word for these is known here.
_UNITS = {"day": (1, _DAY), "week": (1, _WEEK), "month": (1, _MONTH), "quarter": (3, _MONTH), "year": (1, _YEAR)}
_COUNTED = re.compile(r"(?:every |per |each |a )?(?:([1-9][0-9]{0,2}) ?)?(day|week|month|quarter|year)(?:s|ly)?")
_WORDS = {
    "daily": Period(1, _DAY),
    "biweekly": Period(2, _WEEK),
    "bi weekly": Period(2, _WEEK),
    "fortnight": Period(2, _WEEK),
    "fortnightly": Period(2, _WEEK),
    "every fortnight": Period(2, _WEEK),
    "every other week": Period(2, _WEEK),
    "half year": Period(6, _MONTH),
    "half yearly": Period(6, _MONTH),
    "biannual": Period(6, _MONTH),
    "biannually": Period(6, _MONTH),
    "semiannual": Period(6, _MONTH),
    "semi annual": Period(6, _MONTH),
    "semiannually": Period(6, _MONTH),
    "semi annually": Period(6, _MONTH),
    "annual": Period(1, _YEAR),
    "annually": Period(1, _YEAR),
}
_LONGEST_DAYS = 3660


def frequency(fields: Fields) -> Period | None:
    """The period between two charges.

    `frequency_days` is nominal (30 in a month of 31 days), so it counts only where the word says nothing known, and
    even then a number that stands for a calendar period is taken for that period.
    """
    known = from_word(fields.text("frequency"))
    return known or _from_days(fields.whole("frequency_days"))


def from_word(word: str) -> Period | None:
    """The period that a word names; None if it is not known."""
    plain = " ".join(re.split(r"[\s_-]+", word.lower()))
    counted = _COUNTED.fullmatch(plain)
    if counted is None:
        return _WORDS.get(plain)
    count, unit = _UNITS[counted[2]]
    return Period(count * int(counted[1] or 1), unit)


def _from_days(days: int | None) -> Period | None:
    match days:
        case None | 0:
            return None
        case 7 | 14:
            return Period(days // 7, _WEEK)
        case 30 | 31:
            return Period(1, _MONTH)
        case 90 | 91 | 92:
            return Period(3, _MONTH)
        case 365 | 366:
            return Period(1, _YEAR)
        case _ if 180 <= days <= 184:
            return Period(6, _MONTH)
        case _:
            return Period(days, _DAY) if days <= _LONGEST_DAYS else None
