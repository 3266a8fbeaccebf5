"""What people have of a level, all their grants together, before and after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from guestlist.access.models import Grant
from guestlist.fulfilment.foresight import Foreseen, Given, Place, given_by


class Have(StrEnum):
    """Whether somebody has a level."""

    NOTHING = "nothing"
    UNTIL = "until"
    FOREVER = "forever"
    UNKNOWN = "unknown"  # how long cannot be said before the site's levels are read


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody has of a level; `until_on` is the last day, for `Have.UNTIL` only."""

    have: Have
    until_on: date | None = None

    def __str__(self) -> str:
        match self.have:
            case Have.UNTIL:
                return f"until {self.until_on}"
            case Have.FOREVER:
                return "for ever"
            case Have.UNKNOWN:
                return "for as long as the level's terms say, which are not known yet"
            case Have.NOTHING:
                return "no access"


NOTHING = Held(Have.NOTHING)


class Turn(StrEnum):
    """What becomes of somebody's level."""

    GAINS = "gains"
    LOSES = "loses"
    CHANGES = "changes"  # has it before and after, to another day
    KEEPS = "keeps"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelChange:
    """What becomes of one person's level.

    Attributes:
        grants: the grants of which something would change.
        through: the order numbers (or "by hand") of grants that are left as they are and give the level, too.
    """

    place: Place
    level: str
    before: Held
    after: Held
    grants: tuple[Foreseen, ...]
    through: tuple[str, ...]

    @property
    def turn(self) -> Turn:
        """In one word."""
        if self.before == self.after:
            return Turn.KEEPS
        if self.before == NOTHING:
            return Turn.GAINS
        return Turn.LOSES if self.after == NOTHING else Turn.CHANGES

    def __str__(self) -> str:
        level = f"level {self.level} at {self.place.site}"
        match self.turn:
            case Turn.GAINS:
                return f"gains {level} {self.after}"
            case Turn.LOSES:
                return f"loses {level} (had it {self.before})"
            case Turn.CHANGES:
                return f"keeps {level}, but {self.after} instead of {self.before}{self._through()}"
            case Turn.KEEPS:
                return f"keeps {level} {self.after}{self._through()}" if self.after != NOTHING else f"has no {level}"

    def _through(self) -> str:
        return f" (through {', '.join(self.through)})" if self.through else ""

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "email": self.place.email,
            "site": self.place.site,
            "level": self.level,
            "change": self.turn.value,
            "had": self.before.have.value,
            "had_until": self.before.until_on.isoformat() if self.before.until_on else None,
            "has": self.after.have.value,
            "until": self.after.until_on.isoformat() if self.after.until_on else None,
            "words": str(self),
            "through": list(self.through),
        }


def held(given: Iterable[Given], today: date) -> Held:
    """What grants of one level give together: access lasts while any of them does."""
    live = [one for one in given if one.live and not one.missing and (one.until_on is None or one.until_on >= today)]
    dates = [one.until_on for one in live if one.until_on is not None]
    known = [one for one in live if not one.blocked]
    if any(one.until_on is None for one in known):
        return Held(Have.FOREVER)
    if dates:
        return Held(Have.UNTIL, max(dates))
    return Held(Have.UNKNOWN) if live else NOTHING


def level_changes(foreseen: Iterable[Foreseen], today: date) -> list[LevelChange]:
    """What becomes of each level of each person that something is foreseen for; also where it comes to nothing.

    Grants that nothing is foreseen for (of other orders, or given by hand) stay as they are and count with the others.
    """
    by_level: defaultdict[tuple[tuple[str, int | None, str], str], list[Foreseen]] = defaultdict(list)
    for one in foreseen:
        by_level[one.place.key, one.level].append(one)
    others = _others([one for together in by_level.values() for one in together])
    return [
        _level_change(together, others[together[0].place.member, level], today)
        for (_, level), together in by_level.items()
    ]


def _others(foreseen: Sequence[Foreseen]) -> defaultdict[tuple[int | None, str], list[Grant]]:
    members = {one.place.member for one in foreseen if one.place.member}
    mine = {one.grant for one in foreseen if one.grant}
    found: defaultdict[tuple[int | None, str], list[Grant]] = defaultdict(list)
    for grant in Grant.objects.filter(member__in=members, live=True).select_related("order").order_by("id"):
        if grant.pk not in mine:
            found[grant.member_id, grant.level].append(grant)
    return found


def _level_change(together: Sequence[Foreseen], others: Sequence[Grant], today: date) -> LevelChange:
    rest = [(grant, given_by(grant)) for grant in others]
    stays = [given for _, given in rest]
    helping = [grant for grant, given in rest if held([given], today) != NOTHING]
    return LevelChange(
        place=together[0].place,
        level=together[0].level,
        before=held([*stays, *(one.was for one in together if one.was is not None)], today),
        after=held([*stays, *(one.becomes for one in together)], today),
        grants=tuple(one for one in together if one.changes),
        through=tuple(dict.fromkeys(_named(grant) for grant in helping)),
    )


def _named(grant: Grant) -> str:
    return f"order {grant.order.external_id}" if grant.order else "what was given by hand"
