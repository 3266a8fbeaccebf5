"""A person's address where others' rows mention it, such as what somebody of the staff wrote: taken out there."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

from django.db.models import Model, Q, QuerySet

from guestlist.access.models import Grant, Member, SiteRequest, StaffChange
from guestlist.accounts.models import AuditEntry, User
from guestlist.journal.models import ACCESS, Line

ERASED = "(erased)"


def without(addresses: Collection[str], text: str) -> str:
    """A text in which the addresses are not named any more."""
    for address in sorted(addresses, key=len, reverse=True):
        text = re.sub(re.escape(address), ERASED, text, flags=re.IGNORECASE)
    return text


def forget_mentions(addresses: Collection[str], *, besides: Collection[int]) -> None:
    """Take the addresses out of what is about others.

    Args:
        besides: the person's own members, who are erased as a whole.
    """
    _clear(addresses, Member.objects.exclude(pk__in=besides).exclude(alert=""), "alert")
    # What staff did is told again by the grants that it concerns.
    about = {row.member_id for row in _clear(addresses, StaffChange.objects.exclude(member__in=besides), "why")}
    _clear(addresses, Grant.objects.filter(member__in=about), "reason", "planned_reason", "problem")
    _clear(addresses, Line.objects.exclude(event__in=ACCESS), "words")
    for address in addresses:
        # Requests about a site as a whole, such as a page of its members.
        named = Q(excerpt__icontains=address) | Q(path__icontains=address)
        SiteRequest.objects.filter(named, member=None).delete()
    _clear_audit_log(set(addresses) - set(User.objects.filter(email__in=addresses).values_list("email", flat=True)))


def _clear(addresses: Collection[str], rows: QuerySet[Any], *fields: str) -> list[Any]:
    """Take the addresses out of these fields; the rows that named one."""
    named = Q()
    for address in addresses:
        for field in fields:
            named |= Q((f"{field}__icontains", address))
    found: list[Model] = list(rows.filter(named)) if named else []
    for row in found:
        for field in fields:
            setattr(row, field, without(addresses, getattr(row, field)))
        row.save(update_fields=fields)
    return found


def _clear_audit_log(addresses: Collection[str]) -> None:
    """As far as nobody of the staff has the address: what staff did stays with whoever did it."""
    _clear(addresses, AuditEntry.objects.all(), "did", "object_repr")
    for address in addresses:
        for entry in AuditEntry.objects.filter(additional_data__icontains=address):
            entry.additional_data = json.loads(without(addresses, json.dumps(entry.additional_data)))
            entry.save(update_fields=["additional_data"])
