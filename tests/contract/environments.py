"""What the contract suite needs of a site to test an adapter against: eyes and hands that are not the adapter's.

A platform joins by adding its environments to `ENVIRONMENTS` in `conftest.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from guestlist.sites.contract import Attempt, Connection, Platform, Site


@dataclass(frozen=True, slots=True)
class SeenMember:
    """A member as the site has it."""

    id: str
    email: str
    username: str
    first_name: str
    last_name: str


@dataclass(frozen=True, slots=True)
class SeenGrant:
    """A grant as the site has it. `until_on` None = for ever."""

    id: str
    ref: str
    member: str
    level: str
    live: bool
    until_on: date | None
    amount: str
    total: str


class Environment(Protocol):
    """One site, new and empty of members but for its staff.

    Attributes:
        level, other_level: two levels that can be granted.
        unknown_level: the id of none.
        page_size: how many members, or holdings, the adapter reads at a time.
    """

    platform: Platform
    level: str
    other_level: str
    unknown_level: str
    page_size: int

    def connection(self) -> Connection:
        """How to reach it."""
        ...

    def open(self, record: Callable[[Attempt], None] | None = None) -> Site:
        """The adapter, opened."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """What must appear in no record."""
        ...

    def members(self) -> list[SeenMember]:
        """All members."""
        ...

    def grants(self) -> list[SeenGrant]:
        """All grants, oldest first."""
        ...

    def access(self, email: str) -> Mapping[str, date | None]:
        """What the member with exactly this address can see now: level -> last day. None = for ever."""
        ...

    def mails(self, email: str) -> list[str]:
        """Kinds of mails sent to the address: "password", "welcome", ..."""
        ...

    def requests(self) -> int:
        """How many requests the site has seen."""
        ...

    def writes(self) -> int:
        """How many requests that change something the site has seen."""
        ...

    def add_member(self, email: str, username: str | None = None) -> str:
        """The owner adds a member by hand. Returns the id."""
        ...

    def change_email(self, member: str, email: str) -> None:
        """A member changes the address."""
        ...

    def delete_member(self, member: str) -> None:
        """The owner deletes a member."""
        ...

    def delete_grant(self, grant: str) -> None:
        """The owner deletes a grant."""
        ...

    def end_grant(self, grant: str) -> None:
        """The owner ends a grant by hand."""
        ...

    def move_end(self, grant: str, until_on: date) -> None:
        """The owner changes the last day of a grant by hand."""
        ...

    def add_grant(self, member: str, level: str) -> str:
        """The owner gives access for ever by hand. Returns the id."""
        ...

    def retire_level(self, level: str) -> None:
        """The owner takes a level away."""
        ...

    def revoke_credentials(self) -> None:
        """The credentials stop working."""
        ...

    def guard_password_mail(self) -> None:
        """Something at the site keeps programs from asking for the mail with a link to set a password."""
        ...

    def break_terms(self, level: str) -> None:
        """The level's terms become nonsense."""
        ...
