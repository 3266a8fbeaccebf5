"""Adding to the journal, in the transaction of what it tells, and taking out a person who is erased."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.utils import timezone

from guestlist.journal.models import Event, Line


def write(lines: Iterable[Line]) -> None:
    """Add lines."""
    Line.objects.bulk_create(lines)


def site_line(event: Event, site_id: str, words: str = "") -> Line:
    """A line about a site as a whole."""
    return Line(at=timezone.now(), event=event, site=site_id, words=words)


def forget_members(member_ids: Collection[int]) -> int:
    """Take out all lines about members who are erased. Returns how many."""
    deleted, _ = Line.objects.filter(member__in=member_ids).delete()
    return deleted
