"""What staff cannot do, and why not: checked before anything is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from email_validator import EmailNotValidError, validate_email

from guestlist.access.denied import begun_at
from guestlist.access.models import Grant, Member
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.domain.staff import Act, Change, denial, denied_in_words, in_force

LONGEST_WHO = 200
LONGEST_WHY = 2000
LONGEST_NAME = 200
LONGEST_LEVEL = 64


class StaffRefused(Exception):
    """What somebody of the staff asked for cannot be done.

    Attributes:
        field: what of it is to blame: site, email, level, until, who, why, first_name or last_name.
        problem: what is wrong.
        remedy: what to do about it.
    """

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class NotKnown(StaffRefused):
    """The site or the person is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks for. `level` "" = every level of the site; `until_on` None = for ever, or does not apply."""

    site: Site
    email: str
    act: Act
    level: str
    until_on: date | None
    who: str
    why: str
    first_name: str
    last_name: str

    @property
    def what(self) -> str:
        """The level, or all of them, in words."""
        return f"level {self.level}" if self.level else "all levels"


def known_site(site_id: str) -> Site:
    """A connected site.

    Raises:
        StaffRefused: it is disconnected; NotKnown: there is none.
    """
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        listed = ", ".join(Site.objects.filter(active=True).order_by("id").values_list("id", flat=True)) or "none yet"
        raise NotKnown("site", f'There is no site "{site_id}".', f"The sites are: {listed}.")
    if not site.active:
        raise StaffRefused("site", f"The site {site_id} is disconnected.", "Connect it again in the settings first.")
    return site


def check_words(asked: Asked) -> None:
    """Refuse what needs no look at the member: words, lengths, dates, levels."""
    if not asked.why:
        raise StaffRefused("why", "Nothing says why.", "Say why, in words: whoever asks later will read it.")
    if not asked.who:
        raise StaffRefused("who", "Nothing says who does this.", "Name the person.")
    limits = (("who", LONGEST_WHO), ("why", LONGEST_WHY), ("level", LONGEST_LEVEL))
    for field, longest in (*limits, ("first_name", LONGEST_NAME), ("last_name", LONGEST_NAME)):
        if len(getattr(asked, field)) > longest:
            raise StaffRefused(field, f"This is longer than {longest} characters.", "Say it shorter.")
    if asked.act in (Act.GRANT, Act.EXTEND) and not asked.level:
        raise StaffRefused("level", "No level is named.", f"{_listed_levels(asked.site)}")
    if asked.until_on is not None and asked.until_on < datetime.now(UTC).date():
        raise StaffRefused("until", f"{asked.until_on} is in the past.", "Name today (UTC) or a later day.")


def check_level(asked: Asked, grants: Sequence[Grant], changes: Sequence[Change]) -> None:
    """Refuse a level that the site does not have; what the member has or is denied is always a level to end."""
    if not asked.level or asked.site.levels_read_at is None or asked.level in level_titles(asked.site.levels):
        return
    ends = asked.act not in (Act.GRANT, Act.EXTEND)
    if ends and (any(g.level == asked.level for g in grants) or any(c.level == asked.level for c in changes)):
        return
    problem = f"The site {asked.site.pk} has no published level {asked.level} that can be read."
    raise StaffRefused("level", problem, _listed_levels(asked.site))


def check_address(email: str) -> None:
    """Refuse an address that a site would refuse for a new member: WordPress takes plain letters only."""
    try:
        checked = validate_email(email, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise StaffRefused(
            "email",
            f"{email} is no address that a site takes: {error}",
            "Look for a slip of the keys.",
        ) from None
    if not email.isascii():
        raise StaffRefused(
            "email", f"A site takes no address with such letters as in {email}.", f"Write it as {checked.ascii_email}."
        )


def check_gift(asked: Asked, grants: Sequence[Grant]) -> None:
    """Refuse to give by hand what was given by hand: somebody asks twice."""
    mine = [grant for grant in grants if grant.level == asked.level and grant.live and grant.staff_change is not None]
    _check_longer(asked, [grant.until_on for grant in mine])


def check_extension(asked: Asked, grants: Sequence[Grant]) -> None:
    """Refuse to extend what is not there, or lasts as long already."""
    mine = [grant for grant in grants if grant.level == asked.level and grant.live]
    if any(grant.blocked for grant in mine):
        raise StaffRefused(
            "level",
            f"How long {asked.email} has level {asked.level} is not known yet: the site's levels are not read.",
            "Try again once they are; `guestlist status` shows it.",
        )
    lasts = [grant.until_on for grant in mine]
    latest = max((day for day in lasts if day is not None), default=None)
    if None not in lasts and (latest is None or latest < datetime.now(UTC).date()):
        past = f"; the last day was {latest}" if latest else ""
        raise StaffRefused(
            "level", f"{asked.email} does not have level {asked.level} now{past}.", "Grant it instead of extending it."
        )
    _check_longer(asked, lasts)


def _check_longer(asked: Asked, lasts: Sequence[date | None]) -> None:
    """Refuse what would last no longer than something does."""
    if None in lasts:
        raise StaffRefused("level", f"{asked.email} has level {asked.level} for ever.", "There is nothing to extend.")
    latest = max((day for day in lasts if day is not None), default=None)
    if asked.until_on is not None and latest is not None and latest >= asked.until_on:
        raise StaffRefused(
            "until", f"{asked.email} has level {asked.level} until {latest} already.", "Name a later day."
        )


def check_revocation(asked: Asked, grants: Sequence[Grant], changes: Sequence[Change]) -> None:
    """Refuse to revoke what is not there.

    What is merely on hold can be revoked, and so can what is over: further charges of its order would give access.
    """
    without_holds = [change for change in changes if change.act is not Act.HOLD]
    for grant in grants:
        named = asked.level in ("", grant.level)
        if named and grant.planned_live and denial(grant.level, begun_at(grant), None, without_holds) is None:
            return
    raise StaffRefused(
        "level" if asked.level else "email",
        f"There is nothing to revoke: no grant of Guestlist's gives {asked.email} {_any(asked)} at {asked.site.pk}.",
        "`guestlist members show` says what there was. To keep out what may be bought later, hold it.",
    )


def check_hold(asked: Asked, changes: Sequence[Change]) -> None:
    """Refuse to hold what is on hold."""
    for held in in_force(changes):
        if held.act is Act.HOLD and held.level in ("", asked.level):
            scope = f"level {held.level}" if held.level else "every level"
            raise StaffRefused(
                "level" if asked.level else "email",
                f"{asked.email} at {asked.site.pk}: {scope} is {denied_in_words(held)}.",
                "There is nothing more to hold; release it to give access again.",
            )


def check_release(asked: Asked, changes: Sequence[Change]) -> None:
    """Refuse to release what nobody denied, and one level of what was denied as a whole."""
    standing = in_force(changes)
    named = [change for change in standing if asked.level in ("", change.level)]
    whole = [change for change in standing if change.level == ""]
    held = [change for change in whole if change.act is Act.HOLD]
    if asked.level and (held or (whole and not named)):
        change = (held or whole)[-1]
        raise StaffRefused(
            "level",
            f"{asked.email} at {asked.site.pk}: every level is {denied_in_words(change)}.",
            "Release all levels (name none); then hold or revoke those that stay denied.",
        )
    if not named:
        raise StaffRefused(
            "level" if asked.level else "email",
            f"There is nothing to release: {asked.what} of {asked.email} at {asked.site.pk}: neither held nor revoked.",
            "`guestlist members show` says how things stand.",
        )


def nobody(site: Site, email: str) -> NotKnown:
    """Nobody with this address is known at the site."""
    elsewhere = Member.objects.filter(email_key=email.lower()).order_by("site_id").values_list("site_id", flat=True)
    if known := ", ".join(elsewhere):
        return NotKnown("email", f"{email} is not known at the site {site.pk}.", f"They are known at: {known}.")
    return NotKnown("email", f"Nobody with the address {email} is known.", "Look for a slip of the keys.")


def _any(asked: Asked) -> str:
    return f"level {asked.level}" if asked.level else "a level"


def _listed_levels(site: Site) -> str:
    titles = level_titles(site.levels)
    listed = ", ".join(f"{level} ({title})" if title else level for level, title in titles.items())
    return f"The site's levels are: {listed}." if listed else "The site's levels were not read yet; see the site."
