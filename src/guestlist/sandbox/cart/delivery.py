"""One delivery, in the encodings that ThriveCart uses."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event with its body: maps, lists and texts only, since ThriveCart sends every scalar as a text."""

    event: str
    body: dict[str, Any]

    def without(self, *places: str) -> Delivery:
        """The same with fields left out, as older accounts and other surfaces send it: `order.future_charges`."""
        body = copy.deepcopy(self.body)
        for place in places:
            *above, name = place.split(".")
            node = body
            for step in above:
                node = node[step]
            del node[name]
        return Delivery(self.event, body)

    def as_form(self) -> bytes:
        """`application/x-www-form-urlencoded` with PHP brackets. An empty list vanishes, as PHP leaves it out."""
        return urlencode([pair for name, value in self.body.items() for pair in _pairs(name, value)]).encode()

    def as_json(self) -> bytes:
        """JSON; also there numbers and booleans are texts."""
        return json.dumps(self.body).encode()


def _pairs(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _pairs(f"{name}[{key}]", below)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _pairs(f"{name}[{index}]", below)
    else:
        yield name, value
