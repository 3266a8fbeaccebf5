"""How PHP reads what a client sends: request parameters, truth, numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import qs_codec

_INTEGER = re.compile(r"\s*([+-]?\d+)")
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*")


def parameters(encoded: str) -> dict[str, Any]:
    """A query string or form body. A raw `+` is a space; `a[b]=c` nests."""
    if not encoded:
        return {}
    if "[" in encoded or "%5b" in encoded.lower():
        return dict(qs_codec.decode(encoded))
    return dict(parse_qsl(encoded, keep_blank_values=True))


def text(value: Any) -> str:
    """A value turned into a string: true is "1", false and null are ""."""
    if value is None or value is False:
        return ""
    if value is True:
        return "1"
    if isinstance(value, Mapping | list):
        return "Array"
    return str(value)


def truthy(value: Any) -> bool:
    """Not `empty()`. The string "false" is true: this is how mails get sent that nobody wanted."""
    return value not in (None, False, 0, "", "0") and value != [] and value != {}


def integer(value: Any) -> int:
    """`(int)`: the leading digits, else 0."""
    match = _INTEGER.match(text(value))
    return int(match[1]) if match else 0


def is_numeric(value: Any) -> bool:
    """`is_numeric()`: a number or a string that is wholly one."""
    if isinstance(value, bool) or value is None:
        return False
    return isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
