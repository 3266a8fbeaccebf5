"""Mending drift. What the site shows is written into the grants, so that the lane sees what there is to do.

Only what is Guestlist's is touched: its grants, and holdings with its mark.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from guestlist.access.desire import lock_members, wake
from guestlist.access.models import Grant, GrantState, Member
from guestlist.access.reconcile.compare import AT_REST, Found
from guestlist.access.reconcile.drift import ENDED_AT_SITE, Kind
from guestlist.access.reconcile.models import Drift, Reconciliation
from guestlist.connections.database import release_connection
from guestlist.sites.contract import AlreadyRight, Done, Site

BUSY = "Somebody works on the member at this moment; look again later."


def keep(run: Reconciliation, found: Found) -> Drift:
    """Write down a difference."""
    grant, holding = found.grant, found.holding
    return Drift.objects.create(
        reconciliation=run,
        kind=found.difference.kind.value,
        grant_id=grant.pk if grant else None,
        member_id=grant.member_id if grant else None,
        email=grant.member.email if grant else (holding and holding.email) or "",
        level=grant.level if grant else (holding and holding.level) or "",
        remote_id=holding.remote_id if holding else (grant.remote_id if grant else ""),
        words=found.difference.words,
        remedy=found.difference.remedy,
    )


def mend(site: Site, together: Sequence[tuple[Found, Drift]]) -> None:
    """Mend the differences of one member, or a single one that is no member's.

    What is too much is ended at the site; the rest is left to the lane.
    """
    ended = [(found, drift) for found, drift in together if _ended(site, found, drift)]
    to_lane = [(found, drift) for found, drift in ended if found.grant and found.difference.kind is not Kind.DOUBLE]
    handed = not to_lane or _handed_over([found for found, _ in to_lane])
    for pair in ended:
        _note(pair[1], "" if handed or pair not in to_lane else BUSY)


def _ended(site: Site, found: Found, drift: Drift) -> bool:
    """End a holding that is too much; True also where none is."""
    if found.difference.kind not in ENDED_AT_SITE or found.holding is None:
        return True
    release_connection()
    outcome = site.end(found.holding)
    if isinstance(outcome, Done | AlreadyRight):
        return True
    _note(drift, outcome.reason)
    return False


def _note(drift: Drift, problem: str) -> None:
    drift.problem = problem
    drift.mended_at = None if problem else timezone.now()
    drift.save(update_fields=["problem", "mended_at"])


def _handed_over(all_found: Sequence[Found]) -> bool:
    """Write what the site shows into one member's grants and make the member due; False = they changed meanwhile."""
    first = all_found[0].grant
    if first is None:
        return False
    with transaction.atomic():
        lock_members({first.member})
        member = Member.objects.get(pk=first.member_id)
        if member.state not in AT_REST or member.version != first.member.version:
            return False
        now = timezone.now()
        for found in all_found:
            if found.grant is not None:
                _write(Grant.objects.get(pk=found.grant.pk), found, now)
        wake({member})
    return True


def _write(grant: Grant, found: Found, now: datetime) -> None:
    holding = found.holding
    if found.difference.kind is Kind.OTHER_LEVEL:
        # What was moved is ended by now, so there is nothing that the grant could go on with.
        grant.remote_id, grant.look_first, holding = "", True, None
    elif found.difference.kind is Kind.REVIVED and holding is not None and not grant.remote_id:
        grant.remote_id = holding.remote_id  # nobody here knew of it
    grant.confirmed_at = now
    grant.confirmed_live = holding is not None and holding.live
    grant.confirmed_until_on = holding.until_on if holding is not None else None
    grant.state, grant.problem, grant.remedy = GrantState.DUE, "", ""
    grant.save()
