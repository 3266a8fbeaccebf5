"""Secrets at rest: encrypted with keys derived from GUESTLIST_SECRET_KEY (the first key writes, all keys read)."""

from __future__ import annotations

import base64
import functools
import os

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class SecretUnreadable(Exception):
    """A stored secret was encrypted with a key that is not in GUESTLIST_SECRET_KEY."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be decrypted: GUESTLIST_SECRET_KEY is not the key it was stored with. "
            "Set the key that was in use before (several may stand side by side, separated by commas), "
            "or enter the secrets again."
        )


def derive(key: str, purpose: str) -> bytes:
    """32 bytes for one purpose from one configured key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())


def configured_keys() -> list[str]:
    """The keys in GUESTLIST_SECRET_KEY, newest first."""
    keys = [key.strip() for key in os.environ.get("GUESTLIST_SECRET_KEY", "").split(",") if key.strip()]
    if not keys:
        raise RuntimeError("GUESTLIST_SECRET_KEY is empty; the engine sets it before anything else starts")
    return keys


@functools.lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive(key, "guestlist secrets at rest"))) for key in keys])


def encrypt(plain: str) -> str:
    """Encrypt for storage."""
    return _fernet(tuple(configured_keys())).encrypt(plain.encode()).decode()


def decrypt(stored: str) -> str:
    """Decrypt what `encrypt` gave.

    Raises:
        SecretUnreadable: no configured key fits.
    """
    try:
        return _fernet(tuple(configured_keys())).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise SecretUnreadable from None
