"""From a raw body to one tree, whether ThriveCart sent a form with PHP brackets or JSON.

Which of the two it is, is told by looking: the Content-Type is the sender's claim. The two encodings of one event give
trees that read alike (reference thrivecart 1.3): every scalar is a text, also a JSON number, so an id of 18 digits
never passes through a float; a PHP list is a list in JSON and a map with the keys "0", "1", ... in a form.
"""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

from guestlist.carts.contract import Unreadable

Node = str | bool | None | list["Node"] | dict[str, "Node"]

# What may stand before the first field: a byte order mark and white space.
LEADING = "\ufeff \t\r\n"
_LEADING_BYTES = LEADING.encode()


class Number(str):
    """The text of a JSON number: a value like any other text, but no secret word."""

    __slots__ = ()


# Control characters inside strings are let through: ThriveCart's own replies carry them raw (reference 1.3).
JSON = json.JSONDecoder(strict=False, parse_int=Number, parse_float=Number, parse_constant=Number)

_BRACKETED = re.compile(r"([^\[]+)((?:\[[^\]]*\])+).*", re.DOTALL)
_STEP = re.compile(r"\[([^\]]*)\]")
# `name[]` appends. Such an element is named by its place in the body, behind all that carry an index of their own.
_APPENDED = 1_000_000


def is_json(body: bytes) -> bool:
    """Whether the body is meant to be JSON."""
    return body.lstrip(_LEADING_BYTES)[:1] in (b"{", b"[")


def as_text(body: bytes) -> str:
    """The body's text; a byte that is no UTF-8 becomes U+FFFD, so one bad letter in a name spoils nothing else."""
    return body.decode("utf-8", "replace").lstrip(LEADING)


def decode(body: bytes) -> dict[str, Node]:
    """The body as a tree.

    Raises:
        Unreadable: it is neither a form nor a JSON object.
    """
    if is_json(body):
        return _json(as_text(body))
    text = as_text(body).rstrip("\r\n")
    if not text:
        raise Unreadable("body", "it is empty", "An empty delivery is the cart's test of the address: nothing to do.")
    if "=" not in text:
        raise Unreadable("body", "it is neither a form nor JSON", _NOT_THRIVECART)
    return _form(text)


def _json(text: str) -> dict[str, Node]:
    try:
        tree = JSON.decode(text)
    except (ValueError, RecursionError) as error:
        where = f" after {error.pos} characters" if isinstance(error, json.JSONDecodeError) else ""
        raise Unreadable("body", f"it begins like JSON and cannot be read as JSON{where}", _NOT_THRIVECART) from None
    if not isinstance(tree, dict):
        raise Unreadable("body", "it is a JSON list and not an object with an event", _NOT_THRIVECART)
    return tree


def _form(text: str) -> dict[str, Node]:
    # Read as PHP reads it, the last of equal names wins. A general library took three minutes over 37,000 times
    # `a[]=1`; this takes a time in proportion to the body.
    root: dict[str, Node] = {}
    for position, (name, value) in enumerate(parse_qsl(text, keep_blank_values=True)):
        *path, last = [step or str(_APPENDED + position) for step in _steps(name)]
        branch = root
        for step in path:
            below = branch.get(step)
            if not isinstance(below, dict):
                below = branch[step] = {}
            branch = below
        branch[last] = value
    return root


def _steps(name: str) -> list[str]:
    bracketed = _BRACKETED.fullmatch(name)
    return [bracketed[1], *_STEP.findall(bracketed[2])] if bracketed else [name]


_NOT_THRIVECART = (
    "It may not come from ThriveCart: look at who sent it. If ThriveCart's own page shows this delivery, report it "
    "with this body."
)
