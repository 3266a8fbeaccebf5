"""The words in what sites answer, as they may be shown to people."""

from __future__ import annotations

import html
import re

_UNSEEN = re.compile(r"<!--.*?(?:-->|\Z)|<(script|style)\b.*?(?:</\1\s*>|\Z)", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
# Inside JSON the line ends are written as \n.
_BLANK = re.compile(r"\r?\n[ \t]*\r?\n|(?:\\r)?\\n(?:\\r)?\\n")
_FRAMES = re.compile(r"Stack trace:|#0 ")


def plain(text: str) -> str:
    """The words of an HTML page, or of a sentence with HTML in it, on one line and without a stack trace."""
    words = " ".join(html.unescape(_TAG.sub(" ", _UNSEEN.sub(" ", text))).split())
    return _FRAMES.split(words, maxsplit=1)[0].strip()


def before_trace(text: str) -> str:
    """What comes before the first blank line, where PHP's stack traces with their server paths begin."""
    return _BLANK.split(text, maxsplit=1)[0].strip()
