"""Days that a viewer types, as moments of their zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

# Near the ends of the calendar a day has no next one, or none in another zone.
_FIRST, _LAST = date(1970, 1, 1), date(9000, 1, 1)


def checked_day(day: date | None) -> date | None:
    """A day that orders may be of.

    Raises:
        ValidationError: it is none.
    """
    if day is not None and not _FIRST <= day <= _LAST:
        raise ValidationError(_("There is nothing of that day."))
    return day


def begins(day: date | None) -> datetime | None:
    """The first moment of a day in the viewer's zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()) if day is not None else None


def is_over(day: date | None) -> datetime | None:
    """The first moment after a day in the viewer's zone."""
    return begins(day + timedelta(days=1)) if day is not None else None
