"""Writing history from outcomes: what the site confirmed, what to try again, what needs a person."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.access.addresses import settle
from guestlist.access.happened import access_lines, stuck_line
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.access.schedule import MEMBER_RETRIES, member_retry
from guestlist.access.sitestate import request_row, settle_site, works
from guestlist.connections.models import Site
from guestlist.domain.help_topics import HelpTopic
from guestlist.journal.models import Line
from guestlist.journal.write import write
from guestlist.sites.contract import (
    AlreadyRight,
    Attempt,
    Done,
    Ensured,
    NeedsAttention,
    Outcome,
    RetryLater,
    Wanted,
    WantedGrant,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Claim:
    """A member that a lane job works on, as it was when it was claimed.

    Attributes:
        grant_ids: database id by ref of the grants in `wanted`.
    """

    site_id: str
    epoch: int
    member_id: int
    version: int
    attempts: int
    first_attempt_at: datetime | None
    wanted: Wanted
    grant_ids: Mapping[str, int]


def write_outcome(
    claim: Claim, ensured: Ensured, attempts: Sequence[Attempt], site: Site, state_lock: threading.Lock
) -> bool:
    """Store what came of a claim, if it still is this lane's. Returns whether the site as a whole works."""
    outcomes = [ensured.member, *ensured.grants.values()]
    with transaction.atomic():
        SiteRequest.objects.bulk_create(request_row(claim.site_id, claim.member_id, attempt) for attempt in attempts)
        member = _mine(claim)
        if member is not None:
            _write_member(member, claim, ensured)
            lines = _write_grants(claim, ensured.grants)
            _write_next(member, claim, outcomes)
            write([*lines, *_stuck(member)])
    decisive = next((outcome for outcome in outcomes if _is_site_wide(outcome)), ensured.member)
    with state_lock:
        # Several were at work when the first one met the site's trouble. It counts once, and what had been answered
        # before says nothing of now: only a probe does.
        return works(site) and settle_site(site, decisive)


def release(claim: Claim, attempts: Sequence[Attempt]) -> None:
    """Give a member back after an error of ours; what was sent may have reached the site."""
    broken = RetryLater("an error in Guestlist while talking to the site; its log has the details", unclear=True)
    with transaction.atomic():
        SiteRequest.objects.bulk_create(request_row(claim.site_id, claim.member_id, attempt) for attempt in attempts)
        member = _mine(claim)
        if member is not None:
            member.look_first = not member.remote_id
            _write_grants(claim, {wanted.ref: broken for wanted in claim.wanted.grants})
            _write_next(member, claim, [broken])
            write(_stuck(member))


def _mine(claim: Claim) -> Member | None:
    """The member, locked, if this lane still holds it."""
    return (
        Member.objects.select_for_update(no_key=True)
        .filter(pk=claim.member_id, epoch=claim.epoch, state=MemberState.WORKING)
        .first()
    )


def _is_site_wide(outcome: Outcome) -> bool:
    match outcome:
        case RetryLater():
            return outcome.site_down
        case NeedsAttention():
            return outcome.site_wide
        case _:
            return False


def _write_member(member: Member, claim: Claim, ensured: Ensured) -> None:
    match ensured.member:
        case Done(remote_id):
            member.remote_id, member.made_by_us, member.look_first = remote_id, True, False
        case AlreadyRight(remote_id):
            # Whom Guestlist made may be gone, and somebody who signed up by themselves may have the address by now.
            member.made_by_us = member.made_by_us and remote_id == member.remote_id
            member.remote_id, member.look_first = remote_id, False
        case RetryLater(unclear=unclear):
            member.look_first = member.look_first or unclear
        case NeedsAttention(site_wide=site_wide):
            # Refused by the site itself: whatever an earlier attempt did, the member is not there.
            member.look_first = member.look_first and site_wide
        case _:
            assert_never(ensured.member)
    if claim.wanted.person.remote_id not in (None, member.remote_id):
        _make_again(member)
    if isinstance(_welcome_outcome(claim.wanted, ensured), Done | AlreadyRight):
        member.welcomed = True
    if ensured.alerts:
        # Kept until there is something newer to say: a rebill sees less of the member than a search does.
        member.alert = "; ".join(ensured.alerts)
    settle(member, claim.wanted, ensured)


def _welcome_outcome(wanted: Wanted, ensured: Ensured) -> Outcome | None:
    """The outcome of the grant that asked for the new member's welcome mail: the first that may and was not refused."""
    outcomes = [ensured.grants.get(grant.ref) for grant in wanted.grants if grant.welcome != "never" and grant.live]
    return next((outcome for outcome in outcomes if not isinstance(outcome, NeedsAttention)), None)


def _make_again(member: Member) -> None:
    """The member that Guestlist knew is gone from the site: what else they should have is due again."""
    lasting = Q(until_on=None) | Q(until_on__gte=timezone.now().date())
    lost = member.grants.filter(lasting, state=GrantState.RIGHT, live=True).update(state=GrantState.DUE)
    if lost:
        member.version += 1


def _write_grants(claim: Claim, outcomes: Mapping[str, Outcome]) -> list[Line]:
    """Write what came of grants, by ref; the journal's lines about what the site confirmed.

    One that a new event changed meanwhile is settled anew, and the old wish's trouble is none of its own.
    """
    lines: list[Line] = []
    ids = [claim.grant_ids[ref] for ref in outcomes]
    wanted = {grant.ref: grant for grant in (*claim.wanted.grants, *claim.wanted.kept)}
    for grant in Grant.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"):
        wish = wanted[grant.ref]
        lines += access_lines(claim.site_id, grant, wish, outcomes[grant.ref])
        told = _note(grant, wish, outcomes[grant.ref])
        # Right is what was asked for only to see that it is still there.
        still = grant.state in (GrantState.DUE, GrantState.RIGHT)
        if still and (grant.live, grant.until_on) == (wish.live, wish.until_on):
            grant.state, grant.problem, grant.remedy = told
        grant.save(update_fields=_FROM_OUTCOMES)
    return lines


_FROM_OUTCOMES = (
    *("remote_id", "look_first", "confirmed_at", "confirmed_live", "confirmed_until_on"),
    *("state", "problem", "remedy"),
)


def _note(grant: Grant, wish: WantedGrant, outcome: Outcome) -> tuple[GrantState, str, str]:
    """Note what the site said; state, problem and remedy that follow unless the grant was changed meanwhile."""
    match outcome:
        case Done(remote_id) | AlreadyRight(remote_id):
            grant.remote_id, grant.look_first = remote_id, False
            grant.confirmed_at = timezone.now()
            grant.confirmed_live, grant.confirmed_until_on = wish.live, wish.until_on
            return GrantState.RIGHT, "", ""
        case RetryLater(reason=reason, unclear=unclear):
            grant.look_first = grant.look_first or unclear
            return GrantState.DUE, reason, ""
        case NeedsAttention(reason=reason, remedy=remedy, site_wide=site_wide):
            return GrantState.DUE if site_wide else GrantState.ATTENTION, reason, remedy
        case _:
            assert_never(outcome)


def _write_next(member: Member, claim: Claim, outcomes: Sequence[Outcome]) -> None:
    """Decide when, or whether, the member is worked on again."""
    now = timezone.now()
    stuck = next((o for o in outcomes if isinstance(o, NeedsAttention) and not o.site_wide), None)
    retry = next((o for o in outcomes if isinstance(o, RetryLater) and not o.site_down), None)
    known_help = member.help
    member.reason, member.remedy, member.help = "", "", ""
    if any(_is_site_wide(outcome) for outcome in outcomes):
        # The site's trouble is not the member's: it waits untouched, no attempt is used up.
        member.state, member.due_at = MemberState.DUE, now
        member.reason = "waiting until the site works again"
    elif member.version != claim.version:
        # A new event came meanwhile: a new series of tries begins, and the old trouble says nothing of it.
        member.state, member.attempts, member.first_attempt_at = MemberState.DUE, 0, None
        member.due_at = now + _rest(outcomes)
    elif retry is not None:
        member.attempts = claim.attempts + 1
        member.first_attempt_at = claim.first_attempt_at or now
        member.due_at = member_retry(member.attempts, member.first_attempt_at, now, retry.after)
        member.state = MemberState.DUE if member.due_at else MemberState.ATTENTION
        member.reason, member.help = retry.reason, retry.help or ""
        if member.due_at is None:
            member.remedy = "Guestlist tried for five days. See to the cause and try again."
            member.help = member.help or HelpTopic.MEMBER_STUCK
            log.warning("member_given_up", site=claim.site_id, member=member.pk, reason=retry.reason)
    elif isinstance(outcomes[0], NeedsAttention):
        member.state, member.due_at = MemberState.ATTENTION, None
        member.reason, member.remedy = outcomes[0].reason, outcomes[0].remedy
        member.help = outcomes[0].help or HelpTopic.MEMBER_STUCK
    else:
        member.state, member.due_at, member.attempts, member.first_attempt_at = MemberState.IDLE, None, 0, None
        left = Grant.objects.filter(member=member.pk, state__in=(GrantState.ATTENTION, GrantState.DUE))
        states = {state: words for state, *words in left.order_by("-id").values_list("state", "problem", "remedy")}
        if GrantState.DUE in states:  # changed, and changed back to what was confirmed, while it was worked on
            member.state, member.due_at = MemberState.DUE, now
        elif words := states.get(GrantState.ATTENTION):
            member.state = MemberState.ATTENTION
            member.reason, member.remedy = words
            member.help = (stuck.help if stuck else known_help) or HelpTopic.MEMBER_STUCK
    if stuck is not None and member.state == MemberState.ATTENTION:
        log.warning("member_needs_attention", site=claim.site_id, member=member.pk, reason=stuck.reason)
    member.save()


def _stuck(member: Member) -> list[Line]:
    return [stuck_line(member)] if member.state == MemberState.ATTENTION else []


def _rest(outcomes: Sequence[Outcome]) -> timedelta:
    """How long the site has to be left alone with this member, because it may still be at work on what was unclear."""
    unclear = [one for one in outcomes if isinstance(one, RetryLater) and one.unclear]
    return timedelta(seconds=max((one.after or MEMBER_RETRIES[0] for one in unclear), default=0))
