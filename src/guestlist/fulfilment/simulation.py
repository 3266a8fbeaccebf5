"""What an event would do, as data and in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guestlist.domain.facts import Fact, Ignored
from guestlist.domain.plan import Unmapped
from guestlist.fulfilment.address_foresight import AddressChange
from guestlist.fulfilment.foresight import Foreseen, Given
from guestlist.fulfilment.levels_held import LevelChange
from guestlist.orders.codec import fact_to_json


@dataclass(frozen=True, slots=True)
class GrantChange:
    """One grant as it would become."""

    foreseen: Foreseen

    @property
    def change(self) -> str:
        """ "new", "changed" or "unchanged"."""
        if self.foreseen.was is None:
            return "new"
        return "changed" if self.foreseen.changes else "unchanged"

    @property
    def why(self) -> str:
        """What would become of it and why, in one sentence."""
        was, becomes = self.foreseen.was, self.foreseen.becomes
        if was is None:
            return f"would {_gives(becomes)}: {becomes.reason}"
        if not self.foreseen.changes:
            return f"stays as it is, {_access(becomes)}: {becomes.reason}"
        return f"was {_access(was)}; would {_turns(was, becomes)}: {_news(was, becomes)}"

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        was, becomes, order = self.foreseen.was, self.foreseen.becomes, self.foreseen.order
        return {
            "change": self.change,
            "order": order.pk,
            "order_number": order.external_id,
            "email": self.foreseen.place.email,
            "item": self.foreseen.item,
            "charge": self.foreseen.charge,
            "site": self.foreseen.place.site,
            "level": self.foreseen.level,
            "until": becomes.until_on.isoformat() if becomes.until_on else None,
            "live": becomes.live,
            "reason": becomes.reason,
            "blocked": becomes.blocked if becomes.live else "",
            "was_until": was.until_on.isoformat() if was and was.until_on else None,
            "was_live": was.live if was else None,
            "why": self.why,
        }


@dataclass(frozen=True, slots=True)
class Simulation:
    """What an event would do.

    Attributes:
        fulfilled: False = its mode is not fulfilled by this cart, so no grant would change.
        grants: all grants of the orders that it is about, also those that would stay as they are.
        levels: what people would have of each level of which a grant would change, all their grants together.
        addresses: members whose customer would have another address.
        notes: what else there is to know, in words; why nothing would happen.
    """

    cart: str
    event: str
    facts: tuple[Fact, ...]
    fulfilled: bool
    grants: tuple[GrantChange, ...]
    levels: tuple[LevelChange, ...]
    addresses: tuple[AddressChange, ...]
    unmapped: tuple[Unmapped, ...]
    notes: tuple[str, ...]

    @property
    def would_change(self) -> bool:
        """Whether any grant or address would be another."""
        return any(grant.foreseen.changes for grant in self.grants) or any(one.changes for one in self.addresses)

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "cart": self.cart,
            "event": self.event,
            "would_change": self.would_change,
            "fulfilled": self.fulfilled,
            "facts": [
                {"kind": "ignored", "reason": fact.reason} if isinstance(fact, Ignored) else fact_to_json(fact)
                for fact in self.facts
            ],
            "grants": [grant.as_dict() for grant in self.grants],
            "access": [level.as_dict() for level in self.levels],
            "addresses": [address.as_dict() for address in self.addresses],
            "unmapped": [
                {"item": str(entry.item), "option": entry.option, "name": entry.name} for entry in self.unmapped
            ],
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """For people."""
        lines = [f"{self.event} at cart {self.cart}"]
        for grant in self.grants:
            foreseen = grant.foreseen
            lines.append(
                f"  {grant.change:9} {foreseen.place.site} level {foreseen.level} for {foreseen.place.email}"
                f" (order {foreseen.order.external_id}, {foreseen.item}, charge {foreseen.charge})"
            )
            lines.append(f"            {grant.why}")
        for entry in self.unmapped:
            option = f" option {entry.option}" if entry.option else ""
            lines.append(f"  unmapped  {entry.name} ({entry.item}{option}): no rule names it, so it gives nothing")
        lines += [f"  {note}" for note in self.notes]
        lines += [f"  Address: {address.words}" for address in self.addresses]
        lines += [f"  In all: {level.place.email} {level}" for level in self.levels]
        return "\n".join([*lines, *([] if self.would_change else ["Nothing would change."])])


def _access(given: Given) -> str:
    if not given.live:
        return "ended"
    if given.blocked:
        return "waiting for the site's levels to be read"
    return f"until {given.until_on}" if given.until_on else "for ever"


def _gives(given: Given) -> str:
    if not given.live:
        return "give nothing"
    if given.missing:
        return "need attention, because the site does not have the level"
    if given.blocked:
        return "wait until the site's levels are read"
    return f"give access until {given.until_on}" if given.until_on else "give access for ever"


def _turns(was: Given, becomes: Given) -> str:
    if not becomes.live:
        return "end at once"
    if not was.live or becomes.blocked:
        return _gives(becomes)
    return f"last until {becomes.until_on}" if becomes.until_on else "last for ever"


def _news(was: Given, becomes: Given) -> str:
    """What the new reason says that the old one did not."""
    added = becomes.reason.removeprefix(was.reason)
    return added.removeprefix("; ") if added and added != becomes.reason else becomes.reason
