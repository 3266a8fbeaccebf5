"""How WordPress cleans and judges user names and e-mail addresses (memberpress-api section 4)."""

from __future__ import annotations

import re
import unicodedata

_TAG = re.compile(r"<[^>]*>?")
_OCTET = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&.+?;")
_NOT_IN_USERNAME = re.compile(r"[^a-z0-9 _.\-@]", re.IGNORECASE)
_SPACES = re.compile(r"\s+")
_NOT_IN_SLUG = re.compile(r"[^a-z0-9_-]")

_LOCAL = re.compile(r"[a-zA-Z0-9!#$%&'*+/=?^_`{|}~.-]+")
_LABEL = re.compile(r"[a-zA-Z0-9-]+")

# Letters that do not fall apart into a plain letter and an accent.
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i",
    }
)  # fmt: skip


def username(sent: str) -> str:
    """The login name that is stored: accents, tags, entities and all but [a-z0-9 _.-@] fall away silently."""
    name = without_accents(without_tags(sent))
    name = _ENTITY.sub("", _OCTET.sub("", name))
    return _SPACES.sub(" ", _NOT_IN_USERNAME.sub("", name).strip())


def nicename(login: str) -> str:
    """The name in the author's address."""
    slug = login[:50].lower().replace(".", "-").replace(" ", "-")
    return re.sub(r"-+", "-", _NOT_IN_SLUG.sub("", slug)).strip("-")


def without_tags(sent: str) -> str:
    """Plain text of a name."""
    return _SPACES.sub(" ", _TAG.sub("", sent)).strip()


def without_accents(sent: str) -> str:
    """Latin letters without their accents; other scripts stay."""
    apart = unicodedata.normalize("NFKD", sent.translate(_LETTERS))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def is_email(sent: str) -> bool:
    """`is_email()`: no quoted local part, no UTF-8, no internationalised domain, at least one dot in the domain."""
    local, at, domain = sent.partition("@")
    if len(sent) < 6 or not at or not local or "@" in domain:
        return False
    if not _LOCAL.fullmatch(local) or ".." in domain or domain != domain.strip(" \t\n\r\0\x0b."):
        return False
    labels = domain.split(".")
    return len(labels) >= 2 and all(_LABEL.fullmatch(label) and label.strip("-") == label for label in labels)
