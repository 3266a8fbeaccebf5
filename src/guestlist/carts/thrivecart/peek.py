"""What the door must know of a body before it stores it: the hot path, so no full decoding of forms."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from urllib.parse import quote, unquote_to_bytes

from guestlist.carts.contract import Peek
from guestlist.carts.thrivecart.body import JSON, LEADING, Node, as_text, is_json
from guestlist.carts.thrivecart.values import text

SECRET = "thrivecart_secret"  # noqa: S105 - the field's name
# Best first. The e-mail address is in every event that has a customer at all (reference 1.5).
_CUSTOMER = ("customer[email]", "customer_id", "customer[id]", "order_id", "order[id]")


def in_hex(number: int, digits: int) -> str:
    """A pattern for a number in hexadecimal digits of either case. (Spelt out: a flag makes the search slow.)"""
    return "".join(char if char.isdigit() else f"[{char}{char.upper()}]" for char in f"{number:0{digits}x}")


def percent(name: str) -> str:
    """A pattern for a field's name in a form, where each character may be percent-encoded."""
    return "".join(f"(?:{re.escape(char)}|%{in_hex(ord(char), 2)})" for char in name)


_FIELDS = re.compile("&({})=([^&]*)".format("|".join(percent(name) for name in (SECRET, *_CUSTOMER))).encode())
_BEFORE = LEADING.encode()
_CUSTOMER_PLAIN = [(name.encode(), quote(name).encode(), quote(name).lower().encode()) for name in _CUSTOMER]
_SPELT_OUT = re.compile(b"%(?:2[5dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aAcCfF]|6[1-9a-fA-F]|7[0-9aAeE])")


def peek(body: bytes) -> Peek:
    """Find the secret and the customer. Never raises, whatever the bytes.

    The secret must be a text in a field of its own at the top: a JSON `true` or number, or a PHP array, is none. Of
    several, the last counts, as PHP and JSON readers have it.
    """
    if is_plain_form(body):
        return _peek_plain_form(body)
    return _peek_json(body) if is_json(body) else _peek_form(body)


@functools.lru_cache(maxsize=1)  # `peek` and `blank` ask one after the other
def is_plain_form(body: bytes) -> bool:
    """Whether words can be searched as they are: a form in which no letter, digit or `_-.~%` is percent-encoded.

    So ThriveCart writes its forms. The brackets go first: they are nearly all of the percent signs.
    """
    bare = body.replace(b"%5B", b"[").replace(b"%5D", b"]")
    return body[:1].isalpha() and b"\\" not in body and not _SPELT_OUT.search(bare)


def _peek_plain_form(body: bytes) -> Peek:
    fields = b"&" + body.rstrip(b"\r\n")
    customer = next((said.lower() for names in _CUSTOMER_PLAIN if (said := text(_last(fields, names)))), "")
    return Peek(_last(fields, (SECRET.encode(),)), customer)


def _last(fields: bytes, names: Sequence[bytes]) -> str | None:
    """The value of the last field with one of these names."""
    begin, name = max((fields.rfind(b"&" + name + b"="), name) for name in names)
    if begin < 0:
        return None
    value = fields[begin + len(name) + 2 :].partition(b"&")[0]
    return unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")


def _peek_form(body: bytes) -> Peek:
    found = {
        unquote_to_bytes(name).decode(): unquote_to_bytes(value.replace(b"+", b" ")).decode("utf-8", "replace")
        for name, value in _FIELDS.findall(b"&" + body.lstrip(_BEFORE).rstrip(b"\r\n"))
    }
    return Peek(found.get(SECRET), _customer(found))


def _peek_json(body: bytes) -> Peek:
    try:
        tree: Node = JSON.decode(as_text(body))
    except (ValueError, RecursionError):
        return Peek(None, "")
    if not isinstance(tree, dict):
        return Peek(None, "")
    found = {name: tree.get(name) for name in ("customer_id", "order_id")}
    for name in ("customer", "order"):
        inner = tree.get(name)
        if isinstance(inner, dict):
            found |= {f"{name}[{key}]": inner.get(key) for key in ("email", "id")}
    return Peek(_secret(tree.get(SECRET)), _customer(found))


def _secret(node: Node) -> str | None:
    # Exactly str: a JSON number is kept as a kind of str. Half a surrogate pair has no bytes to compare, so it is none.
    if type(node) is not str or any("\ud800" <= char <= "\udfff" for char in node):
        return None
    return node


def _customer(found: Mapping[str, Node]) -> str:
    return next((said.lower() for name in _CUSTOMER if (said := text(found.get(name)))), "")
