import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.sites.memberpress.money import amount


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (2900, "USD", "29.00"),
        (5, "EUR", "0.05"),
        (0, "usd", "0.00"),
        (123456789, "GBP", "1234567.89"),
        (2900, "JPY", "2900.00"),
        (1000000, "KRW", "1000000.00"),
        (99000, "VND", "99000.00"),
        (1234, "KWD", "1.234"),
        (100, "", "1.00"),
    ],
)
def test_minor_units_become_the_decimal_string_of_the_currency(minor: int, currency: str, expected: str) -> None:
    assert amount(minor, currency) == expected


@given(st.integers(0, 10**15), st.sampled_from(["USD", "JPY", "KWD"]))
def test_amounts_never_have_commas_signs_or_exponents(minor: int, currency: str) -> None:
    assert re.fullmatch(r"\d+\.\d{2,3}", amount(minor, currency))
