"""Membership levels and their terms, from `GET /memberships` (reference section 2)."""

from __future__ import annotations

import html
from collections.abc import Mapping
from datetime import date
from typing import Any

from guestlist.domain.periods import Period, Unit
from guestlist.domain.terms import FOREVER, Level, LevelTerms


def level(item: Mapping[str, Any]) -> Level:
    """Read one membership.

    Raises:
        ValueError: its terms, or its id, cannot be read. The message names the level.
    """
    title = html.unescape(str(item.get("title") or "")).strip()
    number = str(item.get("id", ""))
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f'a level without an id ("{title}")')
    try:
        return Level(id=number, title=title or f"Level {number}", terms=_terms(item))
    except ValueError as error:
        raise ValueError(f'level {number} "{title}": {error}') from error


def _terms(item: Mapping[str, Any]) -> LevelTerms:
    kind = item.get("period_type")
    if kind != "lifetime":
        return LevelTerms(period=_period(item.get("period"), kind))
    match item.get("expire_type"):
        case "none" | "" | None:
            return FOREVER
        case "delay":
            return LevelTerms(period=_period(item.get("expire_after"), item.get("expire_unit")))
        case "fixed":
            return LevelTerms(until_on=date.fromisoformat(str(item.get("expire_fixed"))[:10]))
        case other:
            raise ValueError(f'it expires in a way that is not known here ("{other}")')


def _period(count: object, unit: object) -> Period:
    try:
        return Period(int(str(count)), Unit(str(unit)))
    except ValueError as error:
        raise ValueError(f'"{count} {unit}" is no period') from error
