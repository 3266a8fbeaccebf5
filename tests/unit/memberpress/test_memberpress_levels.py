from datetime import date
from typing import Any

import pytest

from guestlist.domain.periods import Period, Unit
from guestlist.domain.terms import FOREVER, LevelTerms
from guestlist.sites.memberpress.levels import level


def item(**fields: Any) -> dict[str, Any]:
    """A membership as the site lists it: numbers as strings, unused fields with stale values."""
    return {
        "id": 8,
        "title": "Gold",
        "period": "1",
        "period_type": "lifetime",
        "expire_type": "none",
        "expire_after": "1",
        "expire_unit": "days",
        "expire_fixed": "",
        **fields,
    }


@pytest.mark.parametrize(
    ("fields", "terms"),
    [
        ({}, FOREVER),
        ({"expire_type": ""}, FOREVER),
        (
            {"expire_type": "delay", "expire_after": "1", "expire_unit": "years"},
            LevelTerms(period=Period(1, Unit.YEARS)),
        ),
        (
            {"expire_type": "delay", "expire_after": 90, "expire_unit": "days"},
            LevelTerms(period=Period(90, Unit.DAYS)),
        ),
        ({"expire_type": "fixed", "expire_fixed": "2027-06-30"}, LevelTerms(until_on=date(2027, 6, 30))),
        ({"period_type": "months"}, LevelTerms(period=Period(1, Unit.MONTHS))),
        ({"period_type": "weeks", "period": "2"}, LevelTerms(period=Period(2, Unit.WEEKS))),
        ({"period_type": "years", "expire_type": "delay"}, LevelTerms(period=Period(1, Unit.YEARS))),
    ],
)
def test_terms_are_read_from_the_fields_that_count(fields: dict[str, Any], terms: LevelTerms) -> None:
    read = level(item(**fields))
    assert (read.id, read.title, read.terms) == ("8", "Gold", terms)


@pytest.mark.parametrize(
    "fields",
    [
        {"expire_type": "fixed"},
        {"expire_type": "fixed", "expire_fixed": "soon"},
        {"expire_type": "delay", "expire_after": "0"},
        {"expire_type": "delay", "expire_unit": "fortnights"},
        {"expire_type": "moonrise"},
        {"period_type": "months", "period": ""},
        {"period_type": None},
    ],
)
def test_terms_that_cannot_be_read_are_an_error_that_names_the_level(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match='level 8 "Gold"'):
        level(item(**fields))


def test_a_title_is_shown_as_people_see_it() -> None:
    assert level(item(title="Fish &amp; Chips")).title == "Fish & Chips"
    assert level(item(title="")).title == "Level 8"


def test_a_level_without_a_usable_id_is_an_error() -> None:
    with pytest.raises(ValueError, match="without an id"):
        level(item(id=None))
