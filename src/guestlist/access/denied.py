"""What staff decided, put above what was planned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from guestlist.access.models import Grant, GrantState, StaffChange
from guestlist.domain.staff import Act, Change, denial, denied_in_words


def changes_of(members: Collection[int]) -> defaultdict[int, list[Change]]:
    """What staff did for these members, oldest first, by the member's id; a member without any has an empty list.

    Who means to write grants by it reads it with the members locked: a staff change locks its member, too.
    """
    found: defaultdict[int, list[Change]] = defaultdict(list)
    for row in StaffChange.objects.filter(member__in=members).order_by("id"):
        found[row.member_id].append(as_change(row))
    return found


def as_change(row: StaffChange) -> Change:
    """A stored act as the domain knows it."""
    return Change(act=Act(row.act), level=row.level, at=row.at, who=row.who, why=row.why)


def despite_denial(
    planned_live: bool,
    planned_reason: str,
    level: str,
    begun_at: datetime,
    until_on: date | None,
    changes: Sequence[Change],
) -> tuple[bool, str]:
    """Whether a grant gives access, and why, once what staff decided stands above what was planned."""
    denied = denial(level, begun_at, until_on, changes) if planned_live else None
    if denied is None:
        return planned_live, planned_reason
    return False, f"{planned_reason}; {denied_in_words(denied)}"


def begun_at(grant: Grant) -> datetime:
    """When a grant's order was placed, or when staff gave it."""
    if grant.order is not None:
        return grant.order.placed_at
    if grant.staff_change is None:
        raise ValueError(f"grant {grant.pk} has neither an order nor a staff change")
    return grant.staff_change.at


def stand(grant: Grant, changes: Iterable[Change]) -> None:
    """Make a grant say what is planned unless staff denied it, and set the state that follows."""
    may_be_ended = grant.state == GrantState.DUE and not grant.live and grant.confirmed_live is True
    grant.live, grant.reason = despite_denial(
        grant.planned_live, grant.planned_reason, grant.level, begun_at(grant), grant.until_on, list(changes)
    )
    if grant.live and grant.confirmed_live is False and not grant.remote_id:
        # It ended before the site had it, so it is made there as if for the first time, welcome mail and all.
        grant.confirmed_at = grant.confirmed_live = grant.confirmed_until_on = None
    if grant.live and may_be_ended:
        # Should the site show it ended, it was a lane that ended it; its worker may have died over it.
        grant.look_first = True
    if not grant.live:
        right = grant.confirmed_live is False
    else:
        right = grant.confirmed_live is True and grant.confirmed_until_on == grant.until_on
    if grant.live and grant.blocked:
        grant.state = GrantState.BLOCKED
    elif not right or grant.state != GrantState.RIGHT:
        # What is not right stays so until the site has shown it, also if it is to be as it was confirmed before: a lane
        # may have been at work meanwhile, and may have died over it, or met trouble that is to be settled.
        grant.state = GrantState.DUE
