"""Asking for a person to be erased: at once where that can be, else by the worker as soon as it can.

A request is a row, so it outlives whoever takes it; erasing it with the person is one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from django.db import transaction

from guestlist.access.staff_refusals import NotKnown
from guestlist.accounts import actor, acts, audit
from guestlist.accounts.models import Kind
from guestlist.domain.addresses import without
from guestlist.people.erase import Erased, NotYet, ask_to_end, erase, under_way
from guestlist.people.models import Erasure
from guestlist.people.whose import many_untold, whose

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A person who is to be erased. `waits_for`: for what, in words, with what to do; empty = it is done any moment."""

    email: str
    end_access: bool
    by: str
    asked_at: datetime
    waits_for: list[str]


def request_erasure(email: str, *, end_access: bool, why: str) -> Erased | None:
    """Have a person erased, in the name of whoever acts. Asked again, the latest request counts.

    Args:
        end_access: end what they have at the sites first, and wait until the sites have confirmed it; else it stays.
        why: for the audit log; their own addresses and names are taken out of it.

    Returns:
        What was erased; None = it waits, and the worker erases them.

    Raises:
        NotKnown: nothing is known of such a person.
        StaffRefused: access cannot be ended at a site.
    """
    who = actor.current()
    with transaction.atomic():
        found = whose(email)
        why = without(found.called, why)
        asked = {"end_access": end_access, "why": why, "by": who.by, "user_id": who.user_id}
        key = email.strip().lower()
        Erasure.objects.filter(email_key__in=found.addresses).exclude(email_key=key).delete()
        row, _ = Erasure.objects.update_or_create(email_key=key, defaults=asked)
        # After the request's row, as the worker locks them.
        ended = ask_to_end(email, who.by or actor.GUESTLIST, why) if end_access else 0
        # The worker has time to look through very many deliveries. Who is not known is told so at once.
        later = many_untold() and not found.nobody
        # Erasing locks orders, which nobody may wait for who has locked members.
        erased = None if later or ended else _finish(row)
        if erased is None:
            audit.write(Kind.WORK, acts.ERASURE_ASKED, None, end_access=end_access, why=why)
            log.info("erasure_waits", erasure=row.pk)
    return _finish_request(row.pk) if ended and not later else erased


def withdraw(email: str) -> bool:
    """Take a request back that still waits; what was ended meanwhile stays ended. Returns whether there was one."""
    with transaction.atomic():
        taken, _ = Erasure.objects.filter(email_key__in=whose(email).addresses).delete()
        if taken:
            audit.write(Kind.WORK, acts.ERASURE_WITHDRAWN, None)
    return bool(taken)


def waiting(email: str | None = None) -> list[Waiting]:
    """Who is to be erased and is not yet, the latest first; of one person only where an address is named."""
    rows = list(Erasure.objects.order_by("-pk"))
    if rows and email is not None:
        addresses = whose(email).addresses
        rows = [row for row in rows if row.email_key in addresses]
    return [
        Waiting(
            email=row.email_key,
            end_access=row.end_access,
            by=row.by,
            asked_at=row.asked_at,
            waits_for=under_way(whose(row.email_key), end_access=row.end_access),
        )
        for row in rows
    ]


def finish_requests() -> int:
    """Erase whoever can be erased by now. Several workers may do this at once. Returns how many were erased."""
    waiting_for_it = list(Erasure.objects.order_by("pk").values_list("pk", flat=True))
    return sum(_finish_request(pk) is not None for pk in waiting_for_it)


def _finish_request(pk: int) -> Erased | None:
    with transaction.atomic():
        row = Erasure.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if row is None:
            return None
        try:
            return _finish(row)
        except NotKnown:
            row.delete()  # erased under another address meanwhile
            return None


def _finish(row: Erasure) -> Erased | None:
    """Erase a person and the request, if that can be by now."""
    try:
        erased = erase(row.email_key, end_access=row.end_access)
    except NotYet:
        return None
    Erasure.objects.filter(email_key__in=erased.addresses).delete()
    audit.write(
        Kind.WORK,
        acts.ERASED,
        None,
        by=actor.Actor(by=row.by, user_id=row.user_id),
        orders=erased.orders,
        members=erased.members,
        deliveries=erased.deliveries,
        left_at_sites=erased.left_at_sites,
        why=row.why,
    )
    return erased
