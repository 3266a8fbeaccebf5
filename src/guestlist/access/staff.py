"""What staff do by hand for one person at one site: written down with who, when and why, and never overwritten."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date
from typing import assert_never

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from guestlist.access.denied import as_change, changes_of, stand
from guestlist.access.desire import lock_members, read_levels_again, wake
from guestlist.access.finding import member_at, members_by_address
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest, StaffChange
from guestlist.access.sitestate import open_site, request_row
from guestlist.access.staff_refusals import (
    Asked,
    NotKnown,
    StaffRefused,
    check_address,
    check_extension,
    check_gift,
    check_hold,
    check_level,
    check_release,
    check_revocation,
    check_words,
    known_site,
    nobody,
)
from guestlist.access.stuck import try_again
from guestlist.connections.database import release_connection
from guestlist.domain.rules import WelcomeEmail
from guestlist.domain.staff import Act, Change, given_in_words
from guestlist.orders.models import Customer
from guestlist.sites.contract import Attempt, Outcome, Person
from guestlist.sites.registry import all_platforms

log = structlog.get_logger(__name__)


def change(
    site_id: str,
    email: str,
    act: Act,
    *,
    level: str,
    until_on: date | None,
    who: str,
    why: str,
    first_name: str = "",
    last_name: str = "",
) -> StaffChange:
    """Do something by hand for a person at a site, in one transaction; the site's lane then makes it true there.

    Args:
        email: a member's address at the site, now or formerly, or their address at a cart; in upper or lower case.
        level: "" = every level of the site (revoke, hold and release only).
        until_on: last day of what is granted or extended (UTC), None = for ever.
        first_name, last_name: used for a person who is not known yet.

    Raises:
        StaffRefused: it cannot be done; says why and what to do. NotKnown: no such site, or nobody there.
    """
    asked = Asked(
        site=known_site(site_id),
        email=email.strip(),
        act=act,
        level=level.strip(),
        until_on=until_on if act in (Act.GRANT, Act.EXTEND) else None,
        who=_plain(who),
        why=_plain(why),
        first_name=_plain(first_name),
        last_name=_plain(last_name),
    )
    check_words(asked)
    with transaction.atomic():
        # No order is locked: whoever plans one locks its members before it reads what staff decided, so it writes
        # its grants either before this, and they are brought in line here, or after this and by it.
        member = _member(asked)
        lock_members({member})
        grants = list(member.grants.select_related("order", "staff_change").order_by("id"))
        changes = changes_of([member.pk])[member.pk]
        _check(asked, grants, changes)
        row = StaffChange.objects.create(
            member=member,
            act=act,
            level=asked.level,
            until_on=asked.until_on,
            who=asked.who,
            why=asked.why,
            at=timezone.now(),
        )
        changes.append(as_change(row))
        if act in (Act.GRANT, Act.EXTEND):
            grants = [_grant_of(row, changes)]
        if _bring_in_line([grant for grant in grants if asked.level in ("", grant.level)], changes):
            wake({member})
    log.info("staff_change", site=site_id, member=member.pk, act=act.value, level=asked.level, who=asked.who)
    return row


def try_members_again(site_id: str | None = None, email: str | None = None) -> int:
    """Make members due now who need attention; with an address also one who waits for the next try.

    Returns:
        How many.

    Raises:
        StaffRefused: the site is not connected; NotKnown: there is none, or nobody with the address.
    """
    found = Member.objects.all() if email is None else members_by_address(email)
    waiting = Q(state=MemberState.ATTENTION)
    if site_id is not None:
        found = found.filter(site=known_site(site_id))
    if email is not None:
        if not found.exists():
            raise NotKnown("email", f"Nobody with the address {email} is known.", "Look for a slip of the keys.")
        waiting |= Q(state=MemberState.DUE, attempts__gt=0)
    return try_again(found.filter(waiting, site__active=True))


def resync(site_id: str, email: str, who: str) -> Member:
    """Have a site looked at anew for a member: what differs from what they should have is made right again.

    What somebody ended, moved or changed there by hand becomes as it should be, too.

    Raises:
        StaffRefused: the site is not connected; NotKnown: there is none, or nobody there.
    """
    site = known_site(site_id)
    member = member_at(site, email)
    if member is None:
        raise nobody(site, email.strip())
    read_levels_again({member})
    with transaction.atomic():
        lock_members({member})
        lasting = Q(until_on=None) | Q(until_on__gte=timezone.now().date())
        # Whatever was ended and gives access again would last; what is over by its date gives none in any case.
        settled = member.grants.filter(lasting, state=GrantState.RIGHT).exclude(remote_id="")
        settled.update(state=GrantState.DUE, look_first=True)
        wake({member})
    log.info("member_resync", site=site_id, member=member.pk, who=who)
    return member


def resend_password_mail(site_id: str, email: str, who: str) -> Outcome:
    """Have the site mail a member a link to set a password. The requests are kept; no transaction is open meanwhile.

    Raises:
        StaffRefused: the person is not a member there yet, or the site's platform cannot do it.
    """
    site = known_site(site_id)
    member = member_at(site, email)
    if member is None:
        raise nobody(site, email.strip())
    platform = all_platforms()[site.kind]
    if not platform.capabilities.can_resend_password_mail:
        raise StaffRefused("site", f"{platform.label} cannot be asked for that mail.", "Use the site's own way.")
    if not member.remote_id:
        raise StaffRefused(
            "email",
            f"{member.email} is not yet a member at the site {site_id}.",
            "`guestlist members show` says what the site waits for; a new member is sent the mail by itself.",
        )
    opened = open_site(site)
    release_connection()
    attempts: list[Attempt] = []
    person = Person(member.email, member.first_name, member.last_name, member.remote_id)
    try:
        outcome = opened.resend_password_mail(person, record=attempts.append)
    finally:
        SiteRequest.objects.bulk_create(request_row(site_id, member.pk, attempt) for attempt in attempts)
    log.info("password_mail_asked_for", site=site_id, member=member.pk, who=who, outcome=type(outcome).__name__)
    return outcome


def _check(asked: Asked, grants: Sequence[Grant], changes: Sequence[Change]) -> None:
    check_level(asked, grants, changes)
    match asked.act:
        case Act.GRANT:
            check_gift(asked, grants)
        case Act.EXTEND:
            check_extension(asked, grants)
        case Act.REVOKE:
            check_revocation(asked, grants, changes)
        case Act.HOLD:
            check_hold(asked, changes)
        case Act.RELEASE:
            check_release(asked, changes)
        case _:
            assert_never(asked.act)


def _member(asked: Asked) -> Member:
    """The member; made where somebody is given a level, or where a buyer is to be kept out of the site beforehand."""
    found = member_at(asked.site, asked.email)
    if found is not None:
        return found
    buyer = Customer.objects.filter(email_key=asked.email.lower()).order_by("-as_of").first()
    if asked.act is Act.GRANT:
        check_address(asked.email)
    elif asked.act is not Act.HOLD or buyer is None:
        raise nobody(asked.site, asked.email)
    made, _ = Member.objects.get_or_create(
        site=asked.site,
        email_key=asked.email.lower(),
        defaults={
            "email": asked.email,
            "first_name": asked.first_name or (buyer.first_name if buyer else ""),
            "last_name": asked.last_name or (buyer.last_name if buyer else ""),
        },
    )
    return made


def _grant_of(row: StaffChange, changes: Sequence[Change]) -> Grant:
    return Grant(
        member=row.member,
        site_id=row.member.site_id,
        staff_change=row,
        level=row.level,
        ref=f"gl-hand-{secrets.token_hex(12)}",
        until_on=row.until_on,
        planned_reason=given_in_words(changes[-1], row.until_on),
        charged_at=row.at,
        welcome=WelcomeEmail.NEW.value if row.act == Act.GRANT else WelcomeEmail.NEVER.value,
    )


def _bring_in_line(grants: Sequence[Grant], changes: Sequence[Change]) -> bool:
    """Write what grants say by what staff decided; tells whether any is another now."""
    changed = False
    for grant in grants:
        before = (grant.live, grant.reason)
        stand(grant, changes)
        if grant.pk is None or (grant.live, grant.reason) != before:
            grant.problem, grant.remedy = "", ""
            grant.save()
            changed = True
    return changed


def _plain(text: str) -> str:
    """One line without the NUL that PostgreSQL refuses."""
    return " ".join(text.replace("\0", " ").split())
