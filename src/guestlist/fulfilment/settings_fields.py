"""Reads the single values of a settings file. Each refusal says what is wrong and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from enum import Enum
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

from guestlist.domain.facts import Item
from guestlist.domain.periods import Period, Unit
from guestlist.domain.rules import Access, parse_access
from guestlist.fulfilment.settings_values import Secret

E = TypeVar("E", bound=Enum)

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+\]|[\w-]{1,63}(\.[\w-]{1,63})*\.?")
_URL_REMEDY = 'Write the address of the site\'s front page, like "https://academy.example.com".'
_LONGEST = {Unit.DAYS: 36_500, Unit.WEEKS: 5_200, Unit.MONTHS: 1_200, Unit.YEARS: 100}


def wrong(problem: str, remedy: str) -> NoReturn:
    """Refuse a value.

    Raises:
        PydanticCustomError: of type "settings", with both texts in its context.
    """
    raise PydanticCustomError("settings", "{problem}", {"problem": problem, "remedy": remedy})


def did_you_mean(word: str, known: Collection[str]) -> str:
    """'Did you mean "x"? ' (with the blank at its end) when something known is close, else nothing."""
    close = difflib.get_close_matches(word, known, 1)
    return f'Did you mean "{close[0]}"? ' if close else ""


def described(value: object) -> str:
    """A value of the wrong type as its writer would name it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'the text "{shortened(value)}"'
        case int() | float():
            return f"the number {shortened(str(value))}"
        case list():
            return "a list"
        case dict():
            return "a table"
        case date() | time():
            return "a date or time"
        case _:
            return "something else"


def shortened(text: str) -> str:
    """A text fit for a message."""
    return text if len(text) <= 60 else text[:57] + "..."


def read_text(value: object, *, longest: int) -> str:
    """A text without control characters or blanks at its ends."""
    if not isinstance(value, str):
        wrong(f"must be text, not {described(value)}", "Put it between quotation marks.")
    if not value.strip():
        wrong("is empty", "Write a value, or leave the line out.")
    if _CONTROL.search(value):
        wrong("has a line break or another control character in it", "Write it on one line, without them.")
    if value != value.strip():
        wrong("begins or ends with a blank", "Remove the blanks between the quotation marks and the text.")
    if len(value) > longest:
        wrong(f"is {len(value)} characters long; at most {longest} are possible", "Check what was pasted here.")
    return value


def read_id(value: object) -> str:
    """The id of a cart or site: part of its web address, so plain letters only."""
    text = read_text(value, longest=64)
    if not _ID.fullmatch(text):
        wrong(f'"{text}" is no id', 'Use letters a-z, digits, "-" and "_" only, at most 64, like "shop".')
    return text


def read_remote_id(value: object) -> str:
    """An id that a cart or site gave (a level, a pricing option); numbers may stand without quotation marks."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return read_text(value, longest=64)


def read_item(value: object) -> Item:
    """`product-12`."""
    remedy = "Write product-N, bump-N, upsell-N or downsell-N; the type is part of the id."
    if not isinstance(value, str):
        wrong(f"must be text, not {described(value)}", remedy)
    text = read_text(value, longest=80)
    try:
        item = Item.parse(text)
    except ValueError:
        wrong(f'"{text}" is no item', remedy)
    if str(item) != text:
        # Some events write it so, but one rule must have one name.
        wrong(f'"{text}" is not how an item is written here', f'Write "{item}".')
    return item


def read_access(value: object) -> Access:
    """One of the words, or a length of at most a hundred years."""
    remedy = 'Use auto, forever, paid-period, level-terms, or a length like "90 days" or "12 months".'
    if not isinstance(value, str):
        wrong(f"must be text, not {described(value)}", remedy)
    try:
        access = parse_access(value)
    except ValueError:
        wrong(
            f'"{shortened(value)}" is not known here',
            did_you_mean(value, ["auto", "forever", "paid-period", "level-terms"]) + remedy,
        )
    if isinstance(access, Period) and access.count > _LONGEST[access.unit]:
        wrong(f'"{value}" is more than a hundred years', 'Use "forever" for access without an end.')
    return access


def one_of(words: type[E]) -> Callable[[object], E]:
    """A reader for one of an enumeration's words."""

    def read(value: object) -> E:
        return words(read_word(value, [str(word.value) for word in words]))

    return read


def read_word(value: object, known: Collection[str]) -> str:
    """One of the known words."""
    remedy = f"Use one of: {', '.join(known)}."
    if not isinstance(value, str):
        wrong(f"must be text, not {described(value)}", remedy)
    if value not in known:
        wrong(f'"{shortened(value)}" is not known here', did_you_mean(value, known) + remedy)
    return value


def whole_number(lowest: int, highest: int) -> Callable[[object], int]:
    """A reader for a whole number within bounds."""

    def read(value: object) -> int:
        remedy = f"Write a whole number from {lowest} to {highest}, without quotation marks."
        if not isinstance(value, int) or isinstance(value, bool):
            wrong(f"must be a whole number, not {described(value)}", remedy)
        if not lowest <= value <= highest:
            wrong(f"{value} is too {'small' if value < lowest else 'large'}", remedy)
        return value

    return read


def read_yes_or_no(value: object) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        wrong(f"must be true or false, not {described(value)}", "Write true or false, without quotation marks.")
    return value


def read_url(value: object) -> str:
    """The address of a site's front page, without a slash at its end."""
    text = read_text(value, longest=500)
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no port shows only when asked for
    except ValueError:
        wrong("is no web address", _URL_REMEDY)
    if "@" in parts.netloc:
        wrong("has a user name or password in it", "Write credentials into the fields made for them. " + _URL_REMEDY)
    if parts.scheme not in ("http", "https"):
        wrong(f'"{shortened(text)}" does not begin with https:// or http://', _URL_REMEDY)
    host = parts.netloc.removesuffix(f":{parts.port}")
    if not _HOST.fullmatch(host) or len(host) > 253:
        wrong(f'"{shortened(text)}" names no host', _URL_REMEDY)
    if "?" in text or "#" in text:
        wrong(f'"{shortened(text)}" has a "?" or "#" in it', _URL_REMEDY)
    path = parts.path.removesuffix("/")
    if re.search(r"//|\\|%|\s", path) or {".", ".."} & set(path.split("/")):
        wrong(f'"{shortened(text)}" has more in its path than plain folders', _URL_REMEDY)
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def read_secret(value: object, info: ValidationInfo) -> Secret:
    """A secret in plain text, or `{ env = "NAME" }`, read from the environment at once. Never quoted in a message."""
    if isinstance(value, dict):
        return _secret_from(value, info.context["environ"] if info.context else {})
    if not isinstance(value, str):
        kind = described(value)
        wrong(f"must be text, not {kind}", 'Put it between quotation marks, or write { env = "NAME" }.')
    if not value.strip():
        wrong("is empty", 'Write the secret, or { env = "NAME" } to take it from an environment variable.')
    return Secret(read_text(value, longest=1000))


def _secret_from(table: Mapping[str, Any], environ: Mapping[str, str]) -> Secret:
    unknown = sorted(set(table) - {"env"})
    if unknown:
        wrong(f'"{shortened(unknown[0])}" is not known in this table', 'Write { env = "NAME" } and nothing else in it.')
    name = table.get("env")
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):
        wrong("names no environment variable", 'Write { env = "NAME" } with letters, digits and "_" in the name.')
    value = environ.get(name, "")
    if not value.strip():
        state = "empty" if name in environ else "not set"
        wrong(f"the environment variable {name} is {state}", f"Set {name} to the secret and run this again.")
    if _CONTROL.search(value) or value != value.strip():
        wrong(
            f"the environment variable {name} has a line break, another control character, or blanks at its ends",
            f"Set {name} to the secret alone.",
        )
    return Secret(value, env=name)
