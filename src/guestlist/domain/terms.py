"""A membership level's own terms, as its site states them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from guestlist.domain.periods import Period


@dataclass(frozen=True, slots=True)
class LevelTerms:
    """How long one purchase of the level lasts by itself.

    At most one of the two is set; neither = for ever.

    Attributes:
        period: so long after the purchase ("expires after 1 year"; a recurring level: one of its periods).
        until_on: until this date, whenever it was bought.
    """

    period: Period | None = None
    until_on: date | None = None

    def __post_init__(self) -> None:
        if self.period is not None and self.until_on is not None:
            raise ValueError("a level's terms are a period or a date, not both")

    def until(self, start: date) -> date | None:
        """The last day of access for a purchase on `start`; None = for ever."""
        return self.period.after(start) if self.period else self.until_on

    def __str__(self) -> str:
        if self.period:
            return f"{self.period} from the purchase"
        return f"until {self.until_on}" if self.until_on else "for ever"


FOREVER = LevelTerms()


@dataclass(frozen=True, slots=True)
class Level:
    """A membership level as the site lists it."""

    id: str
    title: str
    terms: LevelTerms
