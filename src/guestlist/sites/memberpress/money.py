"""Amounts as MemberPress writes them."""

from __future__ import annotations

from decimal import Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_NO_MINOR_UNIT = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def amount(minor: int, currency: str) -> str:
    """A decimal string such as "29.00". Always with decimals: a comma or a bare number may be refused."""
    code = currency.upper()
    digits = 0 if code in _NO_MINOR_UNIT else 3 if code in _THOUSANDTHS else 2
    return f"{Decimal(minor).scaleb(-digits):.{max(digits, 2)}f}"
