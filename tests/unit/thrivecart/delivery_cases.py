"""Deliveries of our own making: a file is a case. `fixtures/<event>.<name>.form|json`, the facts in `.facts.json`."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart import CART
from guestlist.domain.facts import Item
from guestlist.domain.periods import Period

FIXTURES = Path(__file__).parent / "fixtures"
SECRET = "K7Q2M9X4T1ZB"
RECEIVED_AT = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)


def cases() -> list[Path]:
    return sorted(file for file in FIXTURES.iterdir() if not file.name.endswith(".facts.json"))


def expected(case: Path) -> Path:
    return case.with_name(f"{case.stem}.facts.json")


def outcome(body: bytes) -> dict[str, Any]:
    """What a body is read as, the way the `.facts.json` files say it."""
    try:
        reading = CART.read(body, RECEIVED_AT)
    except Unreadable as error:
        return {"unreadable": {"field": error.field, "problem": error.problem}}
    return {"event": reading.event, "facts": [shown(fact) for fact in reading.facts]}


def shown(value: Any) -> Any:
    """A fact as JSON; fields that have their default are left out."""
    match value:
        case Item() | Period():
            return str(value)
        case datetime():
            return value.isoformat()
        case Enum():
            return value.value
        case tuple():
            return [shown(element) for element in value]
    if not dataclasses.is_dataclass(value):
        return value
    told = {field.name: (getattr(value, field.name), field.default) for field in dataclasses.fields(value)}
    return {name: shown(own) for name, (own, default) in told.items() if name == "kind" or own != default}


def as_form(tree: dict[str, Any]) -> bytes:
    """A tree as PHP would write it as a form."""
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in _fields("", tree)).encode()


def _fields(name: str, node: Any) -> list[tuple[str, str]]:
    if isinstance(node, dict):
        return [pair for key, below in node.items() for pair in _fields(f"{name}[{key}]" if name else key, below)]
    if isinstance(node, list):
        return [pair for index, below in enumerate(node) for pair in _fields(f"{name}[{index}]", below)]
    words = {None: "null", True: "true", False: "false"}
    return [(name, words[node] if node is None or isinstance(node, bool) else str(node))]
