"""What staff do by hand for a member: the commands beneath `guestlist members`."""

from __future__ import annotations

import getpass
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from guestlist.cli.console import AsJson, boot, counted, print_json, print_paragraph
from guestlist.cli.errors import CommandError
from guestlist.cli.person import print_access, what_was_done

if TYPE_CHECKING:
    from guestlist.access.queries import DoneByHand

Email = Annotated[str, typer.Argument(help="E-mail address; upper and lower case are the same.")]
Site = Annotated[str, typer.Option(help="The site's id, as the settings have it.")]
OneLevel = Annotated[str, typer.Option(help="The level's id at the site.")]
AnyLevel = Annotated[str, typer.Option(help="The level's id at the site; left out: all levels.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last day of access (UTC).")
]
Forever = Annotated[bool, typer.Option("--forever", help="Access without an end.")]
Why = Annotated[str, typer.Option(help="The reason, for whoever asks later.")]
By = Annotated[str, typer.Option(help="Who does it; left out: the user of the operating system.", show_default=False)]


def grant(
    email: Email,
    site: Site,
    level: OneLevel,
    why: Why,
    until: Until = None,
    forever: Forever = False,
    first_name: Annotated[str, typer.Option(help="For a person who is not known yet.")] = "",
    last_name: Annotated[str, typer.Option(help="For a person who is not known yet.")] = "",
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Give a person a level by hand. Orders and refunds never change it; somebody not known yet becomes a member."""
    until_on = _until(until, forever=forever)
    _change("grant", email, site, level, until_on, by, why, first_name, last_name, as_json=as_json)


def extend(
    email: Email,
    site: Site,
    level: OneLevel,
    why: Why,
    until: Until = None,
    forever: Forever = False,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Lengthen the access that a person has to a level, beside what their orders give."""
    _change("extend", email, site, level, _until(until, forever=forever), by, why, as_json=as_json)


def revoke(email: Email, site: Site, why: Why, level: AnyLevel = "", by: By = "", as_json: AsJson = False) -> None:
    """Take away what was given up to now, later charges of the same orders included; a new order gives access again."""
    _change("revoke", email, site, level, None, by, why, as_json=as_json)


def hold(email: Email, site: Site, why: Why, level: AnyLevel = "", by: By = "", as_json: AsJson = False) -> None:
    """Keep a person out, whatever is bought, until they are released."""
    _change("hold", email, site, level, None, by, why, as_json=as_json)


def release(email: Email, site: Site, why: Why, level: AnyLevel = "", by: By = "", as_json: AsJson = False) -> None:
    """Take back a hold or a revocation: whatever else is given counts again."""
    _change("release", email, site, level, None, by, why, as_json=as_json)


def resend_password(email: Email, site: Site, by: By = "", as_json: AsJson = False) -> None:
    """Have the site mail the person a link to set a password."""
    boot()
    from guestlist.access.sitestate import close_sites
    from guestlist.access.staff import resend_password_mail
    from guestlist.access.staff_refusals import StaffRefused
    from guestlist.accounts import acts, audit
    from guestlist.sites.contract import NeedsAttention, RetryLater

    try:
        outcome = resend_password_mail(site, email, _who(by))
    except StaffRefused as error:
        raise CommandError(error.problem, error.remedy) from None
    finally:
        close_sites()
    match outcome:
        case RetryLater(reason=reason):
            raise CommandError(reason, "Try again later.")
        case NeedsAttention(reason=reason, remedy=remedy):
            raise CommandError(reason, remedy)
    audit.record(None, acts.PASSWORD_MAILED, None, site=site, email=email, said_by=_who(by))
    if as_json:
        print_json({"email": email, "site": site, "asked_for": True})
    else:
        print_paragraph(f"The site {site} says that it sends {email} the mail with the link.")


def try_again(
    email: Annotated[str | None, typer.Argument(help="Only this person; left out: everybody who is stuck.")] = None,
    site: Annotated[str | None, typer.Option(help="Only at this site.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have stuck members tried again at once, for instance after you mended what they waited for."""
    boot()
    from guestlist.access.staff import try_members_again
    from guestlist.access.staff_refusals import StaffRefused
    from guestlist.accounts import acts, audit

    try:
        count = try_members_again(site, email)
    except StaffRefused as error:
        raise CommandError(error.problem, error.remedy) from None
    audit.record(None, acts.TRIED_AGAIN, None, site=site, email=email, count=count)
    if as_json:
        print_json({"members": count})
    elif count:
        print(f"{counted(count, 'member is', 'members are')} tried again as soon as a worker runs.")
    else:
        print("Nobody is stuck.")


def _until(until: datetime | None, *, forever: bool) -> date | None:
    if (until is not None) == forever:
        raise typer.BadParameter("Say how long: either --until YYYY-MM-DD or --forever.")
    return until.date() if until is not None else None


def _who(by: str) -> str:
    if by.strip():
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise CommandError("The operating system does not say who you are.", "Name yourself with --by NAME.") from None


def _change(
    act: str,
    email: str,
    site: str,
    level: str,
    until_on: date | None,
    by: str,
    why: str,
    first_name: str = "",
    last_name: str = "",
    *,
    as_json: bool,
) -> None:
    boot()
    from django.db import transaction

    from guestlist.access.queries import done_by_hand
    from guestlist.access.staff import change
    from guestlist.access.staff_refusals import StaffRefused
    from guestlist.accounts import acts, audit
    from guestlist.domain.staff import Act

    done_words = {
        Act.GRANT: acts.GRANTED,
        Act.EXTEND: acts.EXTENDED,
        Act.REVOKE: acts.REVOKED,
        Act.HOLD: acts.HELD,
        Act.RELEASE: acts.RELEASED,
    }
    who = _who(by)
    until_written = until_on.isoformat() if until_on is not None else None
    detail = {"site": site, "email": email, "level": level, "until": until_written, "why": why, "said_by": who}
    try:
        with transaction.atomic():
            row = change(
                site,
                email,
                Act(act),
                level=level,
                until_on=until_on,
                who=who,
                why=why,
                first_name=first_name,
                last_name=last_name,
            )
            audit.record(None, done_words[Act(act)], None, **detail)
    except StaffRefused as error:
        raise CommandError(error.problem, error.remedy) from None
    done = done_by_hand(row)
    if as_json:
        print_json(done)
    else:
        _print_done(done, site)


def _print_done(done: DoneByHand, site: str) -> None:
    print_paragraph(f"{done.person.email} at {site}: {what_was_done(done.change)}, by {done.change.who}.")
    for member in done.person.members:
        if done.change in member.staff_changes:
            print_access(member)
    print("The site is brought in line as soon as a worker runs; `guestlist wait` waits for it.")
