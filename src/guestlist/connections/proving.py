"""Proves that a site can be reached and lets us in, by reading its levels, before its settings are saved."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from guestlist.domain.help_topics import HelpTopic
from guestlist.sites.contract import Attempt, Connection, Levels, NeedsAttention, RetryLater
from guestlist.sites.registry import all_platforms

# A site that hangs takes its whole timeout; several are asked side by side.
SIDE_BY_SIDE = 8

_ABOUT_CREDENTIALS = (
    HelpTopic.WRONG_CREDENTIALS,
    HelpTopic.HEADER_STRIPPED,
    HelpTopic.APPLICATION_PASSWORDS_DISABLED,
    HelpTopic.USER_WITHOUT_RIGHT,
)

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of asking a site for its levels, and the requests it took."""

    result: Levels | RetryLater | NeedsAttention
    attempts: tuple[Attempt, ...]

    @property
    def refused_credentials(self) -> bool:
        """The site answered, and it was the credentials that it did not accept."""
        if isinstance(self.result, NeedsAttention) and self.result.help is not None:
            return self.result.help in _ABOUT_CREDENTIALS
        return bool(self.attempts) and self.attempts[-1].status in (401, 403)


def prove(kind: str, connection: Connection) -> Proof:
    """Ask one site for its levels. Never inside a transaction."""
    attempts: list[Attempt] = []
    site = all_platforms()[kind].open(connection, record=attempts.append)
    try:
        result = site.levels()
    finally:
        site.close()
    return Proof(result, tuple(attempts))


def prove_all(sites: Mapping[K, tuple[str, Connection]]) -> dict[K, Proof]:
    """Ask several sites, each given as platform kind and connection, side by side."""
    if not sites:
        return {}
    with ThreadPoolExecutor(min(len(sites), SIDE_BY_SIDE), thread_name_prefix="prove") as threads:
        proofs = threads.map(lambda way: prove(*way), sites.values())
        return dict(zip(sites, proofs, strict=True))
