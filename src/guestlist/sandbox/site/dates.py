"""What becomes of the dates a client sends (memberpress-api section 5, the two date tables).

`expires_at` goes through PHP's `strtotime`, and what that does not know becomes the first day of 1970; `created_at`
goes to MariaDB as it is, and what that does not know becomes the zero date.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from guestlist.sandbox.site import php

ZERO = "0000-00-00 00:00:00"
EPOCH = datetime(1970, 1, 1, 23, 59, 59, tzinfo=UTC)

_STAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_SLASHED = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})")
_RELATIVE = re.compile(r"([+-]?\d{1,4})\s*(day|week|month|year)s?", re.IGNORECASE)
_WORDS = {"now": 0, "today": 0, "tomorrow": 1, "yesterday": -1}
_MARIADB = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ](\d\d?):(\d\d?)(?::(\d\d?))?)?")


def expiry(sent: Any, now: datetime) -> datetime | None:
    """What is stored for a sent `expires_at`; None = lifetime.

    Always the last second of the day (UTC); the time of day that was sent is lost.
    """
    if sent is None or sent in ("", ZERO, ZERO[:10]):
        return None
    moment = _strtotime(php.text(sent).strip(), now) if isinstance(sent, str) else None
    return end_of_day(moment) if moment else EPOCH


def end_of_day(moment: date) -> datetime:
    """The last second of that day."""
    return datetime(moment.year, moment.month, moment.day, 23, 59, 59, tzinfo=UTC)


def creation(sent: Any, now: datetime) -> datetime | None:
    """What is stored for a sent `created_at`; None = the zero date. An offset is dropped, not converted."""
    if sent is None or sent == "":
        return now
    match = _MARIADB.match(sent) if isinstance(sent, str) else None
    if match is None:
        return None
    try:
        return datetime(*(int(part or 0) for part in match.groups()), tzinfo=UTC)  # type: ignore[arg-type, misc]
    except ValueError:
        return None


def shown(moment: datetime | None) -> str:
    """A moment as the site writes it: UTC without saying so; None = the zero date."""
    return ZERO if moment is None else moment.isoformat(" ", "seconds")[:19]


def _strtotime(sent: str, now: datetime) -> datetime | None:
    if sent.lower() in _WORDS:
        return now + timedelta(days=_WORDS[sent.lower()])
    if match := _RELATIVE.fullmatch(sent):
        return now + relativedelta(**{match[2].lower() + "s": int(match[1])})  # type: ignore[arg-type]
    if match := _SLASHED.fullmatch(sent):
        return _day(int(match[3]), int(match[1]), int(match[2]))
    match = _STAMP.fullmatch(sent)
    if match is None:
        return None
    day = _day(int(match[1]), int(match[2]), int(match[3]))
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    if day is None or hour > 24 or minute > 59 or second > 59:
        return None
    return day + timedelta(hours=hour, minutes=minute, seconds=second) - _offset(match[7])


def _day(year: int, month: int, day: int) -> datetime | None:
    # PHP lets 31 February run over into March, but knows no 13th month and no 32nd day.
    if not (year >= 1 and 1 <= month <= 12 and 1 <= day <= 31):
        return None
    return datetime(year, month, 1, tzinfo=UTC) + timedelta(days=day - 1)


def _offset(zone: str | None) -> timedelta:
    if zone is None or not zone.startswith(("+", "-")):
        return timedelta()
    digits = zone[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return ahead if zone.startswith("+") else -ahead
