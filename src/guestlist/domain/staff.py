"""What staff do by hand, and how it stands above what events say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import assert_never


class Act(StrEnum):
    """What somebody of the staff can do for a member."""

    GRANT = "grant"  # give a level: a grant of its own
    EXTEND = "extend"  # lengthen what the member has: another grant of its own
    REVOKE = "revoke"  # take away what was given so far, further charges of the same orders included
    HOLD = "hold"  # no access, whatever is bought, until released
    RELEASE = "release"  # take back a revocation or a hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One act.

    Attributes:
        level: "" = every level of the site.
    """

    act: Act
    level: str
    at: datetime
    who: str
    why: str


def in_force(changes: Iterable[Change]) -> list[Change]:
    """The holds and revocations that nobody has released, oldest first.

    Args:
        changes: the member's acts at the site, oldest first.
    """
    standing: list[Change] = []
    for change in changes:
        match change.act:
            case Act.HOLD | Act.REVOKE:
                standing.append(change)
            case Act.RELEASE:
                standing = [other for other in standing if change.level not in ("", other.level)]
            case Act.GRANT | Act.EXTEND:
                pass
            case _:
                assert_never(change.act)
    return standing


def denial(level: str, begun_at: datetime, until_on: date | None, changes: Iterable[Change]) -> Change | None:
    """The act that keeps a grant from giving access, the latest where there are several; None = nobody denied it.

    A hold counts for every grant, a revocation for those that began before it, so that a new purchase gives access
    again while a rebill of an old one does not. What was over by the day of the act is left as it was: there is no
    access to take away, and at the site its money would count as given back.

    Args:
        begun_at: when the grant's order was placed, or when staff gave it.
        until_on: the grant's last day; None = for ever.
        changes: the member's acts at the site, oldest first.
    """
    for change in reversed(in_force(changes)):
        if change.level not in ("", level) or (until_on is not None and until_on < change.at.date()):
            continue
        if change.act is Act.HOLD or begun_at <= change.at:
            return change
    return None


def given_in_words(change: Change, until_on: date | None) -> str:
    """Why a grant exists that staff gave.

    Args:
        until_on: its last day; None = for ever.
    """
    how = "extended" if change.act is Act.EXTEND else "given"
    access = f"access until {until_on}" if until_on else "access for ever"
    return f"{how} by hand on {change.at.date()} by {change.who} ({change.why}): {access}"


def denied_in_words(change: Change) -> str:
    """Who denies it, since when and why."""
    what = "on hold since" if change.act is Act.HOLD else "revoked on"
    return f"{what} {change.at.date()}, by {change.who} ({change.why})"
