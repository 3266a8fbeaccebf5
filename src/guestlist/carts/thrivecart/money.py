"""Amounts of a charge, rebill or refund row, in minor units."""

from __future__ import annotations

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart.values import REPORT, Fields


def net_minor(row: Fields) -> int | None:
    """The net amount: as said, else what the gross amount leaves after tax; None where neither is said.

    Raises:
        Unreadable: one of the amounts is none.
    """
    said, gross = row.minor("amount"), row.minor("amount_gross")
    return said if said is not None or gross is None else gross - (row.minor("tax_paid") or 0)


def gross_minor(row: Fields) -> int:
    """The amount with tax: as said, else reckoned from the net amount and the tax; 0 where no amount is said.

    Raises:
        Unreadable: one of the amounts is none.
    """
    said = row.minor("amount_gross")
    return said if said is not None else (row.minor("amount") or 0) + (row.minor("tax_paid") or 0)


def moved_minor(row: Fields) -> int:
    """The net amount of an event that is about money.

    Raises:
        Unreadable: no amount is said, or it is none.
    """
    amount = net_minor(row)
    if amount is None:
        raise Unreadable(row.place("amount"), "it does not say how much money it is about", REPORT)
    return amount
