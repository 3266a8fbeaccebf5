"""How long something took, in words."""

from __future__ import annotations

from django import template

from guestlist.dashboard.overview.chart import in_words

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in their largest unit; – where nothing was measured."""
    return "–" if seconds is None else in_words(seconds)
