"""The kinds of drift, and each in words. Pure: compares one grant with what the site shows of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from guestlist.sites.contract import Holding


class Kind(StrEnum):
    """What can be different at the site."""

    GONE = "gone"  # somebody deleted it
    MEMBER_GONE = "member-gone"  # its member does not exist any more
    OTHER_MEMBER = "other-member"
    OTHER_LEVEL = "other-level"
    ENDED = "ended"  # ended there by hand
    REVIVED = "revived"  # should be ended, and gives access
    OTHER_DATE = "other-date"
    DOUBLE = "double"  # there once more
    UNKNOWN = "unknown"  # has Guestlist's mark, and this Guestlist does not know it


# Mended by ending a holding at the site; the others by the lane, which makes the grant true again.
ENDED_AT_SITE = frozenset({Kind.OTHER_LEVEL, Kind.DOUBLE, Kind.UNKNOWN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a grant should be at its site.

    Attributes:
        what: where the grant comes from, in words ("order 7001, product-12").
        level: the level's id; `title`: its name there, "" = not known.
    """

    ref: str
    remote_id: str
    member: str
    email: str
    level: str
    title: str
    live: bool
    until_on: date | None
    what: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference in words, and what mending it means."""

    kind: Kind
    words: str
    remedy: str


def difference(expected: Expected, found: Holding | None, today: date) -> Difference | None:
    """How what the site shows of a grant differs from what it should be; None = it does not.

    What is over is missed by nobody: its member may have asked to be forgotten. Only access that lasts counts there.

    Args:
        found: None = the site has nothing of it.
        today: in UTC.
    """
    if not expected.live:
        return _revived(expected, found) if found is not None and found.live else None
    if _is_over(expected.until_on, today) and (found is None or not _gives_access(found, today)):
        return None
    named = f"{expected.email}, {_level(expected.level, expected.title)} ({expected.what})"
    if found is None:
        return Difference(
            Kind.GONE,
            f"{named}: somebody deleted transaction {expected.remote_id} at the site; it should give access "
            f"{until(expected.until_on)}.",
            "It is made again.",
        )
    if found.email is None:
        return Difference(
            Kind.MEMBER_GONE,
            f"{named}: the member {expected.member} does not exist at the site any more; access should last "
            f"{until(expected.until_on)}.",
            "The member is made again, with all access, and the site mails them a link to set a password.",
        )
    if found.member != expected.member:
        return Difference(
            Kind.OTHER_MEMBER,
            f"{named}: somebody gave transaction {found.remote_id} to member {found.member} ({found.email}).",
            "It is ended there and made for the right member.",
        )
    if found.level != expected.level:
        return Difference(
            Kind.OTHER_LEVEL,
            f"{named}: somebody moved transaction {found.remote_id} to level {found.level or '(none)'}.",
            "It is ended there and made for the right level.",
        )
    return _other_state(expected, found, named)


def double(expected: Expected, found: Holding) -> Difference:
    """The site has a grant a second time."""
    return Difference(
        Kind.DOUBLE,
        f"{expected.email}, {_level(expected.level, expected.title)} ({expected.what}): the site has it twice; "
        f"transaction {found.remote_id} is one too many.",
        f"Transaction {found.remote_id} is ended.",
    )


def unknown(found: Holding) -> Difference:
    """A holding with Guestlist's mark that no grant explains."""
    who = found.email or f"member {found.member}"
    return Difference(
        Kind.UNKNOWN,
        f"{who}, level {found.level or '(none)'}: transaction {found.remote_id} ({found.ref}) has Guestlist's mark, "
        f"but this Guestlist does not know it. It gives access {until(found.until_on)}. It comes from a restored "
        "backup, or from another Guestlist that serves this site too.",
        "It is ended. If another Guestlist serves this site, do not mend it.",
    )


def _gives_access(found: Holding, today: date) -> bool:
    return found.live and found.email is not None and not _is_over(found.until_on, today)


def _is_over(last_day: date | None, today: date) -> bool:
    return last_day is not None and last_day < today


def until(last_day: date | None) -> str:
    """`until 2027-01-03`, or `for ever`."""
    return f"until {last_day}" if last_day else "for ever"


def _revived(expected: Expected, found: Holding) -> Difference:
    return Difference(
        Kind.REVIVED,
        f"{expected.email}, {_level(expected.level, expected.title)} ({expected.what}): it should be ended, but "
        f"somebody set transaction {found.remote_id} to {found.status} at the site, {until(found.until_on)}.",
        "It is ended again.",
    )


def _other_state(expected: Expected, found: Holding, named: str) -> Difference | None:
    if not found.live:
        return Difference(
            Kind.ENDED,
            f"{named}: somebody set transaction {found.remote_id} to {found.status} at the site; it should give "
            f"access {until(expected.until_on)}.",
            "It gives access again. If it shall stay ended, revoke the access in Guestlist instead.",
        )
    if found.until_on != expected.until_on:
        return Difference(
            Kind.OTHER_DATE,
            f"{named}: somebody changed the last day of transaction {found.remote_id}: it gives access "
            f"{until(found.until_on)} and should {until(expected.until_on)}.",
            f"It gives access {until(expected.until_on)} again.",
        )
    return None


def _level(level: str, title: str) -> str:
    return f"{title} ({level})" if title else f"level {level}"
