"""Usernames for members that Guestlist makes.

WordPress drops characters that it does not like without a word, so that two people could end up with one username
(reference section 4). These are made so that its cleaning changes nothing, and so that a member found after an unclear
answer can be recognised as made by Guestlist.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata

MAX_LENGTH = 60
_MARK_LENGTH = 6
_RETRY_MARK_LENGTH = 4
_NAME_LENGTH = MAX_LENGTH - _MARK_LENGTH - _RETRY_MARK_LENGTH - 2
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_OTHERS = re.compile(r"[^a-z0-9._-]+")
_OURS = re.compile(rf"[a-z0-9._-]+-[0-9a-z]{{{_MARK_LENGTH}}}(-[0-9a-z]{{{_RETRY_MARK_LENGTH}}})?")


def username(email: str) -> str:
    """The username for an address; always the same for the same address, in whatever case it is written."""
    local = email.strip().lower().partition("@")[0]
    letters = unicodedata.normalize("NFKD", local).encode("ascii", "ignore").decode()
    name = _OTHERS.sub("", letters)[:_NAME_LENGTH].strip("._-")
    return f"{name or 'member'}-{_mark(email)}"


def another_username(email: str) -> str:
    """A further username for the address, for when the first one was refused."""
    return f"{username(email)}-{''.join(secrets.choice(_ALPHABET) for _ in range(_RETRY_MARK_LENGTH))}"


def is_ours(found: str, email: str) -> bool:
    """Whether a member with this username and address was made by Guestlist."""
    first = username(email)
    return found == first or (found.startswith(f"{first}-") and len(found) == len(first) + 1 + _RETRY_MARK_LENGTH)


def has_our_form(found: str) -> bool:
    """Whether a username looks like one that Guestlist made, for whatever address."""
    return _OURS.fullmatch(found) is not None


def _mark(email: str) -> str:
    number = int.from_bytes(hashlib.sha256(email.strip().lower().encode()).digest()[:8])
    mark = ""
    for _ in range(_MARK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        mark += _ALPHABET[digit]
    return mark
