"""A person where others' rows mention them, such as what somebody of the staff wrote: taken out there."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Model, Q, QuerySet

from guestlist.access.models import Grant, GrantState, Member, SiteRequest, StaffChange
from guestlist.access.reconcile.models import Drift
from guestlist.accounts import audit
from guestlist.domain.addresses import encoded, without
from guestlist.journal.models import ACCESS, Line
from guestlist.people.whose import Whose


def forget_mentions(found: Whose) -> None:
    """Take a person's addresses and whole names out of what is about others; what is theirs is erased as a whole."""
    words = found.called
    _clear(words, Member.objects.exclude(pk__in=found.members), "alert", "reason", "remedy")
    # What staff did is told again by the grants that it concerns.
    about = {row.member_id for row in _clear(words, StaffChange.objects.exclude(member__in=found.members), "why")}
    _clear(words, Grant.objects.filter(member__in=about), "reason", "planned_reason")
    _clear(words, Grant.objects.exclude(state=GrantState.RIGHT), "problem", "remedy")
    _clear(words, Drift.objects.all(), "words", "remedy", "problem")
    _clear(words, Line.objects.exclude(event__in=ACCESS), "words")
    _forget_requests(found)
    audit.erase(words)


def _forget_requests(found: Whose) -> None:
    """Requests about a site as a whole, such as a page of its members; cut off, it may tell the names alone."""
    of_nobody = SiteRequest.objects.filter(member=None)
    for form in {form for word in found.called for form in (word, encoded(word))}:
        of_nobody.filter(Q(excerpt__icontains=form) | Q(path__icontains=form)).delete()
    for first, last in found.names:
        of_nobody.filter(excerpt__icontains=first).filter(excerpt__icontains=last).delete()


def _clear(words: Collection[str], rows: QuerySet[Any], *fields: str) -> list[Any]:
    """Take the words out of these fields; the rows that had one."""
    named = Q()
    for word in words:
        for field in fields:
            named |= Q((f"{field}__icontains", word))
    found: list[Model] = list(rows.filter(named)) if named else []
    for row in found:
        for field in fields:
            setattr(row, field, without(words, getattr(row, field)))
        row.save(update_fields=fields)
    return found
