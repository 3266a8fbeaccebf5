"""What aligning past sales comes to, counted and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from guestlist.domain.facts import Item
from guestlist.fulfilment.foresight import Foreseen
from guestlist.fulfilment.levels_held import LevelChange, Turn
from guestlist.fulfilment.outdated import Cause, Outdated, OutdatedItem

SHOWN_TURNS = (Turn.LOSES, Turn.GAINS, Turn.CHANGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """What aligning would change, or (`done`) has changed.

    Attributes:
        outdated: the charges in scope that are decided otherwise than now, as they were found.
        charges, orders, people: how many these are, of how many orders and customers.
        looked_at: so many of the orders were looked at (or aligned).
        left: so many are still to come after these.
        next_after: the last order looked at, if there are more.
        gains, loses, changes, keeps: people's levels, each level counted by itself; `keeps` = other grants give the
            same, so that nothing changes.
        grants: how many grants change, too where the person's level does not.
        shown: some of the people, those who lose first.
    """

    cart: str | None
    item: str | None
    done: bool
    outdated: tuple[OutdatedItem, ...]
    charges: int
    orders: int
    people: int
    looked_at: int
    left: int
    next_after: int | None
    gains: int
    loses: int
    changes: int
    keeps: int
    grants: int
    shown: tuple[LevelChange, ...]

    @property
    def nothing(self) -> bool:
        """Whether everything is in line already."""
        return not self.outdated

    @property
    def command(self) -> str:
        """The command line for this scope, without `--yes`."""
        cart = f" --cart {self.cart}" if self.cart else ""
        return f"guestlist align{cart}" + (f" --item {self.item}" if self.item else "")

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "cart": self.cart,
            "item": self.item,
            "done": self.done,
            "outdated": [outdated_as_dict(found) for found in self.outdated],
            "charges": self.charges,
            "orders": self.orders,
            "people": self.people,
            "looked_at": self.looked_at,
            "left": self.left,
            "gains": self.gains,
            "loses": self.loses,
            "changes": self.changes,
            "keeps": self.keeps,
            "grants": self.grants,
            "shown": [_shown(change) for change in self.shown],
        }

    def as_text(self) -> str:
        """For people."""
        if self.nothing:
            return "Nothing to align: every sale was decided by the rules and level terms in force now."
        lines = list(outdated_in_words(self.outdated))
        for turn in SHOWN_TURNS:
            lines += self._turn_in_words(turn)
        if self.keeps:
            stay = "stayed as they were" if self.done else "would stay as they are"
            lines.append(f"{_levels(self.keeps)} {stay}, because other grants give the same.")
        if not (self.gains or self.loses or self.changes):
            lines.append("Nobody " + ("gained or lost" if self.done else "would gain or lose") + " anything.")
        lines.append(self._result())
        return "\n".join(lines)

    def _turn_in_words(self, turn: Turn) -> list[str]:
        count = {Turn.GAINS: self.gains, Turn.LOSES: self.loses, Turn.CHANGES: self.changes}.get(turn, 0)
        if not count:
            return []
        some = [change for change in self.shown if change.turn is turn]
        lines = [f"{_TITLES[turn]}: {count}"]
        for change in some:
            lines.append(f"  {change.place.email} {change}")
            lines += [f"      {why}" for why in _reasons(change)]
        if count > len(some):
            lines.append(f"  and {count - len(some)} more")
        return lines

    def _result(self) -> str:
        if self.done:
            orders = _count(self.looked_at, "order was", "orders were")
            return f"{orders} aligned. The sites follow as soon as a worker runs."
        return f"Nothing was changed. To do it: {self.command} --yes"


class Tally:
    """Counts what a walk over orders finds, and keeps some of it to be shown.

    Args:
        shown: keep at most so many of each kind.
    """

    def __init__(self, shown: int) -> None:
        self._most = shown
        self._turns: Counter[Turn] = Counter()
        self._grants = 0
        self._kept: dict[Turn, list[LevelChange]] = {turn: [] for turn in SHOWN_TURNS}

    def add(self, changes: Iterable[LevelChange]) -> None:
        """Count some changes."""
        for change in changes:
            self._turns[change.turn] += 1
            self._grants += len(change.grants)
            kept = self._kept.get(change.turn)
            if kept is not None and len(kept) < self._most:
                kept.append(change)

    def alignment(
        self,
        cart: str | None,
        item: Item | None,
        outdated: Outdated,
        *,
        looked_at: int,
        last: int,
        left: int,
        done: bool,
    ) -> Alignment:
        """What was counted, after looking at so many orders up to the last one, with so many left after it."""
        return Alignment(
            cart=cart,
            item=str(item) if item else None,
            done=done,
            outdated=outdated.items,
            charges=outdated.charges,
            orders=outdated.orders,
            people=outdated.people,
            looked_at=looked_at,
            left=left,
            next_after=last if left else None,
            gains=self._turns[Turn.GAINS],
            loses=self._turns[Turn.LOSES],
            changes=self._turns[Turn.CHANGES],
            keeps=self._turns[Turn.KEEPS],
            grants=self._grants,
            shown=tuple(change for turn in SHOWN_TURNS for change in self._kept[turn]),
        )


_TITLES = {
    Turn.GAINS: "Levels that somebody gains",
    Turn.LOSES: "Levels that somebody loses",
    Turn.CHANGES: "Levels that somebody keeps to another day",
}


def outdated_as_dict(found: OutdatedItem) -> dict[str, Any]:
    """JSON values."""
    return {
        "cart": found.cart,
        "item": found.item,
        "option": found.option,
        "cause": found.cause.value,
        "charges": found.charges,
    }


def outdated_in_words(items: Iterable[OutdatedItem]) -> Iterable[str]:
    """A line for each."""
    for found in items:
        option = f" option {found.option}" if found.option else ""
        charges = _count(found.charges, "charge", "charges")
        yield f"{found.item}{option} of cart {found.cart}: {charges} {_CAUSES[found.cause]}"


_CAUSES = {
    Cause.MAPPED: "from before a rule named it",
    Cause.RULE: "decided by another rule than today's",
    Cause.TERMS: "decided by other level terms than today's",
    Cause.REMOVED: "whose rule was removed: what they give would end",
}


def _reasons(change: LevelChange) -> list[str]:
    """Why, grant by grant."""
    return [f"order {one.order.external_id}, {one.item}: {_reason(one)}" for one in change.grants]


def _reason(one: Foreseen) -> str:
    return one.becomes.reason if one.planned else "the rules of today do not give it"


def _shown(change: LevelChange) -> dict[str, Any]:
    return {
        **change.as_dict(),
        "grants": [
            {
                "order": one.order.pk,
                "order_number": one.order.external_id,
                "cart": one.order.cart_id,
                "item": one.item,
                "charge": one.charge,
                "was_live": one.was.live if one.was else None,
                "was_until": one.was.until_on.isoformat() if one.was and one.was.until_on else None,
                "live": one.becomes.live,
                "until": one.becomes.until_on.isoformat() if one.becomes.until_on else None,
                "reason": _reason(one),
            }
            for one in change.grants
        ],
    }


def _levels(count: int) -> str:
    return _count(count, "level", "levels")


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
