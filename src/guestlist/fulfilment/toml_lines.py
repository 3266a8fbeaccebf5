"""On which line of a TOML text each key and value stands.

`tomllib` checks and reads the text but tells no positions, so this walks the text once more. It relies on the text
being valid: it only has to know where strings, comments and brackets begin and end, never whether they are right.
"""

from __future__ import annotations

import re
import tomllib

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
# Multi-line strings first; a closing run of quotes may hold up to two that belong to the text.
_STRING = re.compile(
    r"""
      "{3} (?: \\. | [^\\] )*? "{3} "{0,2}
    | '{3} .*? '{3} '{0,2}
    | " (?: \\. | [^"\\\n] )* "
    | ' [^'\n]* '
    """,
    re.DOTALL | re.VERBOSE,
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]+")


class TomlLines:
    """The lines of one valid TOML text."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._lines: dict[Path, int] = {(): 1}
        self._tables: dict[Path, int] = {}  # array of tables -> index of its newest table
        self._read_document()

    def line(self, path: Path) -> int:
        """The line of a place, or of the nearest thing around it that is in the text."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def _read_document(self) -> None:
        table: Path = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._pair(table)
            self._skip_blank()

    def _header(self) -> Path:
        """`[a.b]` or `[[a.b]]`; gives the path of the table that begins here."""
        line = self._line
        opening = "[[" if self._text.startswith("[[", self._at) else "["
        self._take(opening)
        *parents, last = self._dotted_key()
        self._take("]" * len(opening))
        path: Path = ()
        for part in parents:
            path = (*path, part)
            self._note(path, line)
            if path in self._tables:
                path = (*path, self._tables[path])
        path = (*path, last)
        self._note(path, line)
        if opening == "[[":
            self._tables[path] = self._tables.get(path, -1) + 1
        if path in self._tables:
            path = (*path, self._tables[path])
            self._note(path, line)
        return path

    def _pair(self, table: Path) -> None:
        """`a.b = value`."""
        line, path = self._line, table
        for part in self._dotted_key():
            path = (*path, part)
            self._note(path, line)
        self._take("=")
        self._value(path)

    def _value(self, path: Path) -> None:
        self._skip_blank()
        first = self._text[self._at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            self._match(_STRING if first in "\"'" else _SCALAR)

    def _array(self, path: Path) -> None:
        self._take("[")
        index = 0
        while not self._at_closing("]"):
            element = (*path, index)
            self._note(element, self._line)
            self._value(element)
            index += 1
        self._take("]")

    def _inline_table(self, path: Path) -> None:
        self._take("{")
        while not self._at_closing("}"):
            self._pair(path)
        self._take("}")

    def _at_closing(self, bracket: str) -> bool:
        self._skip_blank()
        if self._text.startswith(",", self._at):
            self._take(",")
            self._skip_blank()
        return self._text.startswith(bracket, self._at)

    def _dotted_key(self) -> list[str]:
        parts = [self._key()]
        self._skip_blank()
        while self._text.startswith(".", self._at):
            self._take(".")
            parts.append(self._key())
            self._skip_blank()
        return parts

    def _key(self) -> str:
        self._skip_blank()
        if self._text[self._at] in "\"'":
            # Quoted keys may hold escapes; the real parser knows them all.
            return str(tomllib.loads(f"key = {self._match(_STRING)}")["key"])
        return self._match(_BARE_KEY)

    def _note(self, path: Path, line: int) -> None:
        self._lines.setdefault(path, line)

    def _skip_blank(self) -> None:
        self._match(_BLANK)

    def _take(self, token: str) -> None:
        self._skip_blank()
        self._at += len(token)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"line {self._line} is not valid TOML")
        self._at = found.end()
        self._line += found[0].count("\n")
        return found[0]
