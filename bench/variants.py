"""What a list offers on its own page: each way to sort, each filter's choices, words to search for, the next page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

DAY = "2026-03-03"
# Of a filter's choices so many are tried together with another filter's: all pairs would be thousands.
PAIRED = 5


@dataclass
class Offered:
    """What stands on a page: its links, its static files, and the fields of the form that filters it."""

    links: list[str] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    choices: dict[str, list[str]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    days: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.offered = Offered()
        self._filters = False
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        match tag:
            case "form":
                self._filters = told.get("method", "get").lower() == "get"
            case "a":
                self.offered.links.append(told.get("href", ""))
            case "link" | "script" | "img" | "use":
                address = told.get("href") or told.get("src") or ""
                if address.startswith("/static/"):
                    self.offered.files.add(address.partition("#")[0])
            case "select" if self._filters:
                self._select = told.get("name", "")
                self.offered.choices[self._select] = []
            case "option" if self._select and told.get("value"):
                self.offered.choices[self._select].append(told["value"])
            case "input" if self._filters and told.get("name"):
                {"text": self.offered.texts, "search": self.offered.texts, "date": self.offered.days}.get(
                    told.get("type", "text"), []
                ).append(told["name"])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._filters = False
        elif tag == "select":
            self._select = ""


def offered(page: str) -> Offered:
    """Read a page."""
    reader = _Reader()
    reader.feed(page)
    return reader.offered


def variants(address: str, found: Offered, words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(name, address) of each: sorted, one filter, some two filters at once, and a filter with each way to sort.

    Args:
        words: to search for.
    """
    sorts = sorted({link for link in found.links if "sort=" in link})
    for link in sorts:
        yield "sorted", urljoin(address, link)
    single = [(name, value) for name, values in found.choices.items() for value in values]
    single += [(name, DAY) for name in found.days]
    searched = [(name, word) for name in found.texts for word in words]
    for pair in single:
        yield "filtered", _with(address, pair)
    for pair in searched:
        yield "searched", _with(address, pair)
    some = [pair for name in dict(single) for pair in _spread([each for each in single if each[0] == name])]
    for one, other in itertools.combinations([*some, *searched], 2):
        if one[0] != other[0]:
            yield "two filters", _with(address, one, other)
    for link, pair in itertools.product(sorts, single):
        yield "sorted and filtered", _with(urljoin(address, link), pair)


def _spread(choices: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A few of them from the first to the last."""
    if len(choices) <= PAIRED:
        return list(choices)
    return [choices[round(place * (len(choices) - 1) / (PAIRED - 1))] for place in range(PAIRED)]


def next_page(address: str, found: Offered) -> str | None:
    """The link to the rows that follow."""
    return next((urljoin(address, link) for link in found.links if "after=" in link or "older=" in link), None)


def _with(address: str, *pairs: tuple[str, str]) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{urlencode([*parse_qsl(parts.query), *pairs])}"
