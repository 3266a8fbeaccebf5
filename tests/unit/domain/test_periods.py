from datetime import date

import pytest

from guestlist.domain.periods import Period


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("90 days", "2026-01-01", "2026-04-01"),
        ("2 weeks", "2026-02-20", "2026-03-06"),
        ("1 month", "2026-01-31", "2026-02-28"),
        ("1 month", "2028-01-31", "2028-02-29"),
        ("12 months", "2026-11-22", "2027-11-22"),
        ("1 year", "2028-02-29", "2029-02-28"),
    ],
)
def test_adding_a_period_keeps_to_the_calendar(text, start, end):
    assert Period.parse(text).after(date.fromisoformat(start)) == date.fromisoformat(end)


@pytest.mark.parametrize(
    "text", ["", "month", "0 days", "-1 days", "1.5 months", "3 fortnights", "10000 days", "1month"]
)
def test_a_text_that_is_no_period_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="90 days"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("start", "anchor", "end"),
    [
        ("2026-02-28", "2026-01-31", "2026-03-31"),  # back to the day the agreement began on
        ("2026-04-30", "2026-01-31", "2026-05-31"),
        ("2026-02-28", "2026-01-30", "2026-03-30"),
        ("2026-02-28", "2026-01-28", "2026-03-28"),  # not shortened: the 28th it stays
        ("2026-03-05", "2026-01-31", "2026-04-05"),  # paid late: reckoned from the payment
        ("2026-02-28", None, "2026-03-28"),
    ],
)
def test_a_charge_on_a_shortened_month_goes_back_to_the_anchor(start, anchor, end):
    anchored = date.fromisoformat(anchor) if anchor else None
    assert Period.parse("1 month").after(date.fromisoformat(start), anchor=anchored) == date.fromisoformat(end)


@pytest.mark.parametrize(("text", "words"), [("1 month", "1 month"), ("1 months", "1 month"), ("90 day", "90 days")])
def test_a_period_reads_as_a_person_would_write_it(text, words):
    assert str(Period.parse(text)) == words
