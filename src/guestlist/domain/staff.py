"""What staff do by hand, and how it stands above what events say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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


def denial(level: str, begun_at: datetime, changes: Iterable[Change]) -> Change | None:
    """The act that keeps a grant from giving access; None = nobody denied it.

    A hold counts for every grant, a revocation for those that began before it, so that a new purchase gives access
    again while a rebill of an old one does not.

    Args:
        begun_at: when the grant's order was placed, or when staff gave it.
        changes: the member's acts at the site, oldest first.
    """
    in_force: dict[tuple[Act, str], Change] = {}
    for change in changes:
        match change.act:
            case Act.HOLD | Act.REVOKE:
                in_force[change.act, change.level] = change
            case Act.RELEASE:
                in_force = {key: other for key, other in in_force.items() if change.level not in ("", key[1])}
            case Act.GRANT | Act.EXTEND:
                pass
    for (act, denied), change in in_force.items():
        if denied in ("", level) and (act is Act.HOLD or begun_at <= change.at):
            return change
    return None
