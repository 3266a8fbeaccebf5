"""Which errors are told in words, and in which."""

from __future__ import annotations


class CommandError(Exception):
    """A command cannot do what it was asked for.

    Args:
        problem: what is wrong.
        remedy: what to do about it; "" = nothing.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}\n{remedy}" if remedy else problem)


def explain(error: Exception) -> str | None:
    """The words for an error that is the user's to mend; None = a mistake in Guestlist, whose traceback is wanted.

    Guestlist's own error classes build their message with problem and remedy, so their text is what is told.
    """
    if type(error).__module__.startswith("guestlist."):
        return str(error)
    import psycopg
    from django.db import InterfaceError, OperationalError

    # Django's own connections raise its errors, the queue's raise the driver's.
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError):
        return (
            f"The database does not answer: {str(error).strip()}\n"
            "See that its server runs and is not full, and try again. Nothing was half done."
        )
    return None
