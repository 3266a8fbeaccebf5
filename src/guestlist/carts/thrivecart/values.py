"""Tolerant scalars: what ThriveCart's fields mean, whichever way they are written (reference thrivecart 1.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart.body import Node

# Control characters, and halves of surrogate pairs, which no database stores.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]+")
_WHOLE = re.compile(r"-?[0-9]{1,15}")
_DECIMAL = re.compile(r"(-?[0-9]{1,3}(?:,[0-9]{3})+|-?[0-9]{1,13})\.([0-9]{2})")
_UNIX = re.compile(r"([0-9]{9,10})(?:[0-9]{3})?(?:\.[0-9]*)?")
_NO = ("", "0", "false", "no")
_ID_LENGTH = 64

REPORT = (
    "Nothing was done. Compare with the transaction in ThriveCart; if ThriveCart really sends it like this, report it "
    "with this delivery, and replay it after an update."
)


def text(node: Node) -> str:
    """A scalar's text; "" where nothing is said (missing, null, the word "null", blank)."""
    if isinstance(node, bool):
        return "true" if node else "false"
    if not isinstance(node, str):
        return ""
    said = _UNPRINTABLE.sub(" ", node).strip()
    return "" if said == "null" else said


def quoted(said: str) -> str:
    """A value as shown in an error, shortened."""
    return f'"{said if len(said) <= 40 else said[:37] + "..."}"'


def moment(said: str) -> datetime | None:
    """A moment in UTC from unix seconds, ISO 8601 or `Y-m-d H:i:s` (UTC in every recording); None if it is none."""
    try:
        unix = _UNIX.fullmatch(said)
        at = datetime.fromtimestamp(int(unix[1]), UTC) if unix else datetime.fromisoformat(said)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    # "0000-00-00" and the like stand for "no date".
    return at.replace(microsecond=0) if 2000 <= at.year <= 2200 else None


@dataclass(frozen=True, slots=True)
class Fields:
    """A map of the body with the place it has there, so that an error can name it (`order.charges.0.amount`)."""

    values: Mapping[str, Node]
    path: str = ""

    def place(self, name: str) -> str:
        """The field as a person would write it."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, *names: str) -> str:
        """The first of these fields that says something; else ""."""
        return next((said for name in names if (said := text(self.values.get(name)))), "")

    def identifier(self, *names: str) -> str | None:
        """The first of these fields that names something; 0 and "false" name nothing.

        Raises:
            Unreadable: it is too long for an id.
        """
        for name in names:
            said = text(self.values.get(name))
            if said in _NO:
                continue
            if len(said) > _ID_LENGTH:
                raise Unreadable(self.place(name), f"{quoted(said)} is too long for an id", REPORT)
            return said
        return None

    def says(self, name: str) -> bool | None:
        """Yes or no; None where nothing is said."""
        said = self.text(name).lower()
        return said not in _NO if said else None

    def whole(self, *names: str) -> int | None:
        """The first of these fields that is a whole number from 0 up."""
        for name in names:
            said = self.text(name)
            if _WHOLE.fullmatch(said) and int(said) >= 0:
                return int(said)
        return None

    def minor(self, name: str) -> int | None:
        """An amount in minor units, as sent; from its twin `<name>_str` ("69.00") where only that can be read.

        Raises:
            Unreadable: something stands there that is no amount.
        """
        said = self.text(name)
        if _WHOLE.fullmatch(said):
            return int(said)
        # Two decimals are cents. A twin without them may be a currency that has no cents: that would be a guess.
        twin = _DECIMAL.fullmatch(self.text(f"{name}_str"))
        if twin:
            return int(twin[1].replace(",", "") + twin[2])
        if said:
            raise Unreadable(self.place(name), f"{quoted(said)} is no whole number of cents", REPORT)
        return None

    def moment(self, *names: str) -> datetime | None:
        """The first of these fields that is a moment."""
        return next((at for name in names if (at := moment(self.text(name)))), None)

    def below(self, name: str) -> Fields:
        """The map under a name; an empty one where there is none (an empty PHP map is sent as a list)."""
        node = self.values.get(name)
        return Fields(node if isinstance(node, dict) else {}, self.place(name))

    def rows(self, name: str) -> list[Fields]:
        """The maps of a list, which may have come as a map with numbers (or other names) as keys, or as one map."""
        node = self.values.get(name)
        if isinstance(node, dict) and not all(isinstance(row, dict) for row in node.values()):
            return [Fields(node, self.place(name))]
        return [
            Fields(row, f"{self.place(name)}.{key}") for key, row in _elements(node) if isinstance(row, dict) and row
        ]

    def words(self, name: str) -> list[str]:
        """The texts of a list, which may have come as a map or as one text with commas."""
        node = self.values.get(name)
        if isinstance(node, str):
            return [word for part in node.split(",") if (word := text(part))]
        return [word for _, element in _elements(node) if (word := text(element))]


def _elements(node: Node) -> list[tuple[str, Node]]:
    if isinstance(node, list):
        return [(str(index), element) for index, element in enumerate(node)]
    if isinstance(node, dict):
        # Sorted as numbers without making numbers of them: a key may have any length.
        numbered = all(key.isdecimal() for key in node)
        return sorted(node.items(), key=lambda pair: (len(pair[0]), pair[0])) if numbered else list(node.items())
    return []
