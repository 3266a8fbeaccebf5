"""What the sandbox sites have for the buyers of the access table, on any date, and what they should have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from e2e.access_rows import COMPANY
from e2e.access_walk import SANDBOX_NAMES, Walk, members_of
from guestlist.sandbox.site.server import SandboxSite


@dataclass(frozen=True)
class Found:
    """A buyer at a site.

    Attributes:
        held: level -> last day.
        told_twice: transactions that have another one's reference.
    """

    addresses: list[str]
    held: dict[int, str | None]
    complete: int
    told_twice: int


class Judge:
    """Looks into the sites, on any date."""

    def __init__(self, site: SandboxSite) -> None:
        self._site = site
        self._state = cache(self._look)

    def _look(self, site: str, on: str) -> dict[str, Any]:
        name = SANDBOX_NAMES[site]
        self._site.switch(name=name, now=f"{on}T12:00:00+00:00")
        return self._site.state(name)

    def found(self, walk: Walk) -> Found:
        """What the site has for the buyer of a row, on the row's date."""
        state = self._state(walk.row.site, walk.row.on)
        members = members_of(walk, state)
        ids = {member["id"] for member in members}
        made = [each for each in state["transactions"] if each["user_id"] in ids]
        return Found(
            addresses=[member["email"] for member in members],
            held={entry["membership"]: entry["until"] for member in members for entry in member["access"]},
            complete=sum(each["status"] == "complete" and each["membership_id"] != COMPANY for each in made),
            told_twice=len(made) - len({each["trans_num"] for each in made}),
        )


def expected(walk: Walk, found: Found) -> Found:
    """What the row says, with the companions' level.

    Where it says nothing of the address, and where nobody needs to be a member, any one is right.
    """
    company: dict[int, str | None] = {COMPANY: None} if walk.companions else {}
    held = {**walk.row.held, **company}
    addresses = found.addresses[:1]
    if walk.row.address is not None and (held or walk.row.complete):
        addresses = [walk.life.addresses[walk.row.address]]
    return Found(addresses, held, walk.row.complete, told_twice=0)
