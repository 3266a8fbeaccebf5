"""What Guestlist says about its work, in the viewer's language.

Reasons, remedies and summaries are made and stored in English, as the API and the command line show them, many of
them long before anybody asks for a page. `sayings` names the sentences that they are made from; here a sentence is
recognised as one of those, and said again in the language of the page. What is not recognised stays as it is: words
of a site or a person, and sentences of older versions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from django.utils.translation import get_language, gettext

from guestlist.dashboard.sayings import SAYINGS

# Where sentences, or the parts of one, are put together.
_SEAMS = (". ", "; ", ": ")
_VALUE = re.compile(r"\{(\w+)\}")
# What stands only for a day, a number, one word, or words with no brackets left open; other values are any text.
_TYPED: Mapping[str, re.Pattern[str]] = {
    "day": re.compile(r"\d{4}-\d\d-\d\d"),
    "count": re.compile(r"\d+"),
    "email": re.compile(r"[^\s@]+@[^\s@]+"),
    "invoice": re.compile(r"\S+"),
    "order": re.compile(r"\S+"),
    "terms": re.compile(r"[^()]*"),
    "who": re.compile(r"[^:;()]+"),
    "why": re.compile(r"[^()]*(\([^()]*\)[^()]*)*"),
}
_KEPT = 4096


def said(sentence: str) -> str:
    """A sentence in the language of the page."""
    return _said(sentence, get_language() or "en")


@lru_cache(maxsize=_KEPT)
def _said(sentence: str, language: str) -> str:
    if not sentence or language.startswith("en"):
        return sentence
    if (found := _recognised(sentence)) is not None:
        saying, values, end = found
        words = gettext(saying.words).format_map({name: _said(value, language) for name, value in values.items()})
        return (words[:1].upper() + words[1:] if sentence[0].isupper() else words) + end
    if (parts := _parted(sentence)) is not None:
        first, seam, rest = parts
        return f"{_said(first, language)}{seam}{_said(rest, language)}"
    return sentence


def _recognised(sentence: str) -> tuple[Saying, dict[str, str], str] | None:
    """The saying, its values, and the full stop that it was given."""
    # What was made to go on a sentence, or to be gone on with, may also be one.
    for end in ("", "."):
        said_so = sentence.removesuffix(end)
        for written in (said_so, said_so[:1].lower() + said_so[1:]) if sentence.endswith(end) else ():
            for saying in _sayings():
                values = saying.values_in(written)
                if values is not None:
                    return saying, values, end
    return None


def _parted(sentence: str) -> tuple[str, str, str] | None:
    """Two parts and what is between them: behind the first part that is recognised, else at the first seam."""
    found = [
        (sentence[: at.start()] + seam[: seam == ". "], seam[seam == ". " :], sentence[at.end() :])
        for seam in _SEAMS
        for at in re.finditer(re.escape(seam), sentence)
    ]
    return next((parts for parts in found if _recognised(parts[0]) is not None), found[0] if found else None)


@dataclass(frozen=True)
class Saying:
    """A sentence with places for values.

    Attributes:
        words: the sentence, its values as `{name}`.
        texts: what stands before, between and behind the values.
        names: the values' names, in order.
    """

    words: str
    texts: tuple[str, ...]
    names: tuple[str, ...]

    def values_in(self, sentence: str) -> dict[str, str] | None:
        """The values with which this was said; None = it was something else."""
        if not self.names:
            return {} if sentence == self.words else None
        values = list(self._between(sentence))
        if len(values) != len(self.names):
            return None
        pairs = dict(zip(self.names, values, strict=True))
        typed = (pattern.fullmatch(pairs[name]) for name, pattern in _TYPED.items() if name in pairs)
        return pairs if all(typed) else None

    def _between(self, sentence: str) -> Iterator[str]:
        """What stands between the texts, each at the first place where it can be."""
        first, *middle, last = self.texts
        if not (sentence.startswith(first) and sentence.endswith(last)):
            return
        at, ends = len(first), len(sentence) - len(last)
        for text in middle:
            found = sentence.find(text, at, ends)
            if found < 0:
                return
            yield sentence[at:found]
            at = found + len(text)
        if at <= ends:
            yield sentence[at:ends]


@cache
def _sayings() -> tuple[Saying, ...]:
    """Those that say most come first: a short one may also fit into a longer one."""
    made = [_saying(words) for words in SAYINGS]
    return tuple(sorted(made, key=lambda each: -sum(map(len, each.texts))))


def _saying(words: str) -> Saying:
    first, *rest = _VALUE.split(words)
    return Saying(words=words, texts=(first, *rest[1::2]), names=tuple(rest[::2]))
