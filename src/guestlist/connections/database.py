"""Short stages of database work, with nothing held in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def database_stage() -> Iterator[None]:
    """Give this thread's connection back to the pool at the end.

    Lanes wait for sites most of the time; a thread that waits must not keep a connection from one that works.
    """
    try:
        yield
    finally:
        release_connection()


def release_connection() -> None:
    """Give this thread's connection back before something that may take long; the next query takes another one."""
    if not connection.in_atomic_block:
        connection.close()
