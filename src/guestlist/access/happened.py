"""What an outcome means for the person, as lines of the journal."""

from __future__ import annotations

from django.utils import timezone

from guestlist.access.models import Grant, Member
from guestlist.journal.models import Event, Line
from guestlist.sites.contract import AlreadyRight, Done, Outcome, WantedGrant


def access_lines(site_id: str, grant: Grant, wish: WantedGrant, outcome: Outcome) -> list[Line]:
    """What the site confirmed of a grant that still says what was confirmed before."""
    event = _event(grant, wish, outcome)
    if event is None:
        return []
    return [
        Line(
            at=timezone.now(),
            event=event,
            site=site_id,
            member=grant.member_id,
            grant=grant.pk,
            order=grant.order_id,
            level=wish.level,
            until_on=wish.until_on,
        )
    ]


def stuck_line(member: Member, grant: Grant | None = None) -> Line:
    """From now on only a person can help the member; with the grant that it is for, if it is for one."""
    return Line(
        at=timezone.now(),
        event=Event.STUCK,
        site=member.site_id,
        member=member.pk,
        grant=grant.pk if grant else None,
        order=grant.order_id if grant else None,
        words=grant.problem if grant else member.reason,
    )


def _event(grant: Grant, wish: WantedGrant, outcome: Outcome) -> Event | None:
    if not isinstance(outcome, Done | AlreadyRight):
        return None
    if not wish.live:
        return Event.ENDED if grant.confirmed_live else None
    if grant.confirmed_live is None:
        return Event.GIVEN
    if not grant.confirmed_live or grant.remote_id not in ("", outcome.remote_id):
        return Event.RESTORED
    return Event.CHANGED if grant.confirmed_until_on != wish.until_on else None
