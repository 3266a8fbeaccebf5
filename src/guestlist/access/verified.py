"""What a person has at a site as the site confirmed it: being asked for gives nothing and ends nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from guestlist.access.grant_views import AccessState, Held, LevelAccess


class Standing(StrEnum):
    """What somebody has of a level, beside what they should have of it."""

    HAS = "has"
    COMING = "coming"  # should have it; the site has not confirmed it
    ENDING = "ending"  # should not have it any more; the site has not confirmed the end
    NONE = "none"
    UNKNOWN = "unknown"  # how long cannot be said yet: the site's levels were never read


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelStanding:
    """One level of a person at a site.

    Attributes:
        until_on: last day of what the site confirmed; None = for ever, or it confirmed nothing that lasts.
        changes: the site has confirmed another last day than the one that is wanted.
    """

    access: LevelAccess
    standing: Standing
    until_on: date | None
    changes: bool


def level_standings(access: Iterable[LevelAccess], grants: Iterable[Held], today: date) -> list[LevelStanding]:
    """All levels of a person at one site, by all their grants there."""
    by_level: dict[str, list[Held]] = {}
    for grant in grants:
        by_level.setdefault(grant.level, []).append(grant)
    return [_standing(one, by_level.get(one.level, []), today) for one in access]


def _standing(access: LevelAccess, grants: list[Held], today: date) -> LevelStanding:
    confirmed = lasting([(grant.confirmed_live, grant.confirmed_until_on) for grant in grants], today)
    until_on = latest(confirmed)
    wanted = access.state in (AccessState.FOREVER, AccessState.UNTIL)
    standing = Standing.COMING if wanted else Standing.NONE
    if confirmed:
        standing = Standing.HAS if wanted or access.state is AccessState.UNKNOWN else Standing.ENDING
    elif access.state is AccessState.UNKNOWN:
        standing = Standing.UNKNOWN
    return LevelStanding(
        access=access,
        standing=standing,
        until_on=until_on,
        changes=bool(confirmed) and wanted and until_on != access.until_on,
    )


def lasting(grants: Sequence[tuple[bool | None, date | None]], today: date) -> list[date | None]:
    """The last days of those of some grants (live, last day) that give access today; None = for ever."""
    return [until_on for live, until_on in grants if live and (until_on is None or until_on >= today)]


def latest(days: Sequence[date | None]) -> date | None:
    """The last day of access that lasts while any of these does; None = for ever, or there are none."""
    return None if None in days else max((day for day in days if day is not None), default=None)
