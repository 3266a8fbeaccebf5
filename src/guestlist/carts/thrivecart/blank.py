"""Taking secrets out of a body before it is stored.

The secret word is all that proves a delivery, so a stored body that still has it could be used to forge others
(reference thrivecart 0.2). Everything else stays byte for byte, so the kept body can be read and replayed.

The door waits for this, so it is done by patterns, without decoding the body.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Sequence

from guestlist.carts.thrivecart.body import JSON, is_json
from guestlist.carts.thrivecart.peek import SECRET, in_hex, is_plain_form, percent

BLANK = "(blanked)"
# Shorter words stand in ordinary text by chance: only the field that carries them is blanked.
_SHORTEST = 4

# What may follow in the name (brackets) is short; without a limit a body of nothing but names would take minutes.
_FORM_FIELD = re.compile(f"({percent(SECRET)}[^=&]{{0,200}}=)[^&]*")
_PLAIN_WORD = re.compile("[A-Za-z0-9]+")
# A name follows `{` or `,` and stands in quotes that no backslash precedes, which nothing inside a string does.
_WHITE = "[ \t\r\n]*"
_JSON_NAME = "".join(rf"(?:{char}|\\u{in_hex(ord(char), 4)})" for char in SECRET)
_JSON_FIELD = re.compile(rf'[{{,]{_WHITE}"{_JSON_NAME}"{_WHITE}:{_WHITE}')
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^\s\[\]{}:,"]++', re.DOTALL)
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def blank(body: bytes, secrets: Sequence[str]) -> bytes:
    """The body with each secret blanked out, otherwise byte for byte. Never raises.

    Every field named `thrivecart_secret`, at any depth, loses its value. Each of `secrets` is also taken out wherever
    else it stands: plain, percent-encoded or JSON-escaped.
    """
    words = tuple(sorted({word for word in secrets if len(word) >= _SHORTEST}, key=len, reverse=True))
    if is_plain_form(body) and (blanked := _plain_form(body, words)) is not None:
        return blanked
    text = body.decode("latin-1")  # One character per byte, whatever the bytes are.
    text = _json(text, words) if is_json(body) else _form(text, words)
    return text.encode("latin-1")


def _plain_form(body: bytes, words: tuple[str, ...]) -> bytes | None:
    """A plain form, blanked by plain search; None = the secret's field is not where ThriveCart puts it."""
    name = SECRET.encode()
    begin = body.find(name)
    value = begin + len(name) + 1
    at_top = (begin == 0 or body[begin - 1 : begin] == b"&") and body[value - 1 : value] == b"="
    if begin < 0 or not at_top or body.find(name, value) >= 0 or not all(map(_PLAIN_WORD.fullmatch, words)):
        return None
    end = body.find(b"&", value)
    body = body[:value] + BLANK.encode() + (body[end:] if end >= 0 else b"")
    for word in words:
        body = body.replace(word.encode(), BLANK.encode())
    return body


def _form(text: str, words: tuple[str, ...]) -> str:
    text = _FORM_FIELD.sub(rf"\1{BLANK}", text)
    return _words(words).sub(BLANK, text) if words else text


def _json(text: str, words: tuple[str, ...]) -> str:
    kept: list[str] = []
    position = 0
    while field := _JSON_FIELD.search(text, position):
        kept += text[position : field.end()], f'"{BLANK}"'
        try:
            position = JSON.raw_decode(text, field.end())[1]
        except (ValueError, RecursionError):
            position = len(text)  # Broken JSON: nobody can say where the value ends.
    text = "".join([*kept, text[position:]])
    if not words or not _words(words).search(text):
        return text
    return _JSON_TOKEN.sub(lambda token: _token(token[0], words), text)


def _token(token: str, words: tuple[str, ...]) -> str:
    """A JSON string or bare value without secrets, still valid JSON."""
    if token.startswith('"'):
        # An escape that is no secret is stepped over as a whole, so that no half of it stays behind.
        token = _words_or_escape(words).sub(lambda found: found["escape"] or BLANK, token)
    return f'"{BLANK}"' if _words(words).search(token) else token


def _in_bytes(word: str) -> str:
    return word.encode("utf-8", "surrogatepass").decode("latin-1")


@functools.lru_cache(maxsize=256)
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_spellings(word) for word in words))


@functools.lru_cache(maxsize=256)
def _words_or_escape(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"{_words(words).pattern}|(?P<escape>\\(?:u[0-9A-Fa-f]{{4}}|.))", re.DOTALL)


def _spellings(word: str) -> str:
    """A pattern for every way to write a word: each character plain, percent-encoded (also twice) or JSON-escaped."""
    return "".join(f"(?:{'|'.join(_ways(char))})" for char in word)


def _ways(char: str) -> list[str]:
    # Each way begins with a plain character where it can: then the search leaps from one such character to the next.
    encoded = [(re.escape(byte), f"%(?:25)*{in_hex(ord(byte), 2)}") for byte in _in_bytes(char)]
    ways = list(encoded[0]) if len(encoded) == 1 else ["".join(f"(?:{plain}|{percent})" for plain, percent in encoded)]
    units = struct.iter_unpack(">H", char.encode("utf-16-be", "surrogatepass"))
    # JSON inside JSON doubles the backslash.
    ways.append("".join(rf"\\\\{{0,3}}u{in_hex(unit, 4)}" for (unit,) in units))
    if char in _SHORT_ESCAPES:
        ways.append(re.escape(_SHORT_ESCAPES[char]))
    return [*ways, r"\+"] if char == " " else ways
