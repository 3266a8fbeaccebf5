"""What the door must know of a body before it stores it: the hot path, so no full decoding of forms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

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


def peek(body: bytes) -> Peek:
    """Find the secret and the customer. Never raises, whatever the bytes.

    The secret must be a text in a field of its own at the top: a JSON `true` or number, or a PHP array, is none. Of
    several, the last counts, as PHP and JSON readers have it.
    """
    return _peek_json(body) if is_json(body) else _peek_form(body)


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
