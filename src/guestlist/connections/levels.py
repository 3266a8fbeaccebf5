"""A site's levels and their terms as JSON: in `Site.levels`, and in the decisions that keep a level's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from guestlist.domain.periods import Period, Unit
from guestlist.domain.terms import Level, LevelTerms


def levels_to_json(levels: Iterable[Level]) -> list[dict[str, Any]]:
    """Levels in the shape of `Site.levels`: `[{"id", "title", "terms"}]`; without the NUL that PostgreSQL refuses."""
    return [
        {"id": level.id, "title": level.title.replace("\0", ""), "terms": terms_to_dict(level.terms)}
        for level in levels
    ]


def levels_from_json(stored: Iterable[Mapping[str, Any]]) -> tuple[Level, ...]:
    """Read `Site.levels`."""
    return tuple(Level(row["id"], row["title"], terms_from_dict(row["terms"])) for row in stored)


def terms_to_dict(terms: LevelTerms) -> dict[str, str]:
    """`{"period": "1 year"}`, `{"until_on": "2027-01-31"}`, or `{}` for ever."""
    if terms.period is not None:
        return {"period": str(terms.period)}
    return {"until_on": terms.until_on.isoformat()} if terms.until_on is not None else {}


def terms_from_dict(stored: Mapping[str, str]) -> LevelTerms:
    """Read what `terms_to_dict` gave."""
    period, until_on = stored.get("period"), stored.get("until_on")
    return LevelTerms(
        period=_period(period) if period is not None else None,
        until_on=date.fromisoformat(until_on) if until_on is not None else None,
    )


def _period(text: str) -> Period:
    # Not Period.parse: a site may have levels that last longer than anybody would be allowed to write.
    count, unit = text.split(" ")
    return Period(int(count), Unit(unit.removesuffix("s") + "s"))
