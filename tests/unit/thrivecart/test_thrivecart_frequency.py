"""How often: words first, days only where the word is not known."""

from __future__ import annotations

import pytest

from guestlist.carts.thrivecart.frequency import frequency
from guestlist.carts.thrivecart.values import Fields


@pytest.mark.parametrize(
    ("word", "period"),
    [
        ("day", "1 day"),
        ("daily", "1 day"),
        ("week", "1 week"),
        ("Weekly", "1 week"),
        ("2 weeks", "2 weeks"),
        ("2-weekly", "2 weeks"),
        ("biweekly", "2 weeks"),
        ("bi-weekly", "2 weeks"),
        ("fortnight", "2 weeks"),
        ("every 2 weeks", "2 weeks"),
        ("month", "1 month"),
        ("monthly", "1 month"),
        ("quarter", "3 months"),
        ("quarterly", "3 months"),
        ("3 months", "3 months"),
        ("6 months", "6 months"),
        ("6month", "6 months"),
        ("6_monthly", "6 months"),
        ("semi-annually", "6 months"),
        ("year", "1 year"),
        ("yearly", "1 year"),
        ("annual", "1 year"),
    ],
)
def test_a_word_is_known_whatever_the_number_of_days_beside_it(word: str, period: str) -> None:
    assert str(frequency(Fields({"frequency": word, "frequency_days": "5"}))) == period


@pytest.mark.parametrize(
    ("days", "period"),
    [
        ("1", "1 day"),
        ("7", "1 week"),
        ("14", "2 weeks"),
        ("30", "1 month"),
        ("90", "3 months"),
        ("91", "3 months"),
        ("180", "6 months"),
        ("182", "6 months"),
        ("184", "6 months"),
        ("365", "1 year"),
        ("10", "10 days"),
        ("28", "28 days"),
    ],
)
@pytest.mark.parametrize("word", ["every full moon", "null", ""])
def test_days_are_a_hint_where_the_word_is_not_known(word: str, days: str, period: str) -> None:
    assert str(frequency(Fields({"frequency": word, "frequency_days": days}))) == period


@pytest.mark.parametrize("days", ["0", "-7", "null", "9999999", "a month", ""])
def test_nothing_is_made_up_where_neither_says_it(days: str) -> None:
    assert frequency(Fields({"frequency": "0 weeks", "frequency_days": days})) is None
