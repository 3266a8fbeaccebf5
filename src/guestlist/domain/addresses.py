"""E-mail addresses and names in running text: found as a whole, and taken out."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from urllib.parse import quote

ERASED = "(erased)"


def encoded(word: str) -> str:
    """An address or a name as it stands in a form or in an internet address."""
    return quote(word, safe="")


def names_one(words: Collection[str], text: str) -> bool:
    """Whether a text has one of the addresses or names. Whoever is joe@shop.test is not named by billyjoe@shop.test."""
    return bool(words) and _any_of(frozenset(words)).search(text) is not None


def without(words: Collection[str], text: str) -> str:
    """A text that has none of the addresses or names any more; upper and lower case are the same."""
    return _any_of(frozenset(words)).sub(ERASED, text) if words else text


@lru_cache(maxsize=16)
def _any_of(words: frozenset[str]) -> re.Pattern[str]:
    forms = {form for word in words for form in (word, encoded(word))}
    listed = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<![\w.+-])(?:{listed})(?![\w-]|\.\w)", re.IGNORECASE)
