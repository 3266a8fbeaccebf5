"""The site's clock: the machine's, or moved to another date on which it then runs on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells the site's time (UTC, whole seconds as the site stores them)."""

    def __init__(self, now: datetime | None = None) -> None:
        self._shift = timedelta()
        self.move_to(now)

    def now(self) -> datetime:
        """The site's now."""
        return (datetime.now(UTC) + self._shift).replace(microsecond=0)

    def move_to(self, moment: datetime | None) -> None:
        """Make it `moment` now; None = the machine's time again."""
        self._shift = moment - datetime.now(UTC) if moment else timedelta()

    @property
    def moved(self) -> bool:
        """Whether the site lives on another date than the machine."""
        return bool(self._shift)
