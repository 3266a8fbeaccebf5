"""Sentences as they are stored, shown with days as the page writes them; an order's items in the order of the sale."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.template import Context, Template
from django.utils import timezone, translation
from django.utils.safestring import SafeString

from guestlist.dashboard.templatetags.guestlist import ago
from guestlist.domain.terms import LevelTerms
from guestlist.orders.queries import ItemView


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):  # whatever language the test before was answered in
        yield


def shown(sentence: object) -> str:
    return Template("{{ sentence|said }}").render(Context({"sentence": sentence}))


def test_days_in_a_stored_sentence_are_written_as_the_page_writes_them() -> None:
    told = "bought on 2026-11-23: access until 2027-12-31, and (2026-01-05)."

    assert shown(told) == "bought on 23 Nov 2026: access until 31 Dec 2027, and (5 Jan 2026)."
    with translation.override("de"):
        assert "2026" in shown(told)
        assert "2026-11-23" not in shown(told)
        assert shown(told) != "bought on 23 Nov 2026: access until 31 Dec 2027, and (5 Jan 2026)."


@pytest.mark.parametrize(
    "text",
    [
        "on 2026-13-40",
        "2026-02-30",
        "2026-11-23T10:00:00Z",
        "INV-2026-11-23",
        "2026-11-23-4",
        "12026-11-23",
        "ada.2026-11-23@example.com",
        "2026-11-23@example.com",
        "2026-11-23.ada@example.com",
        "2026-11-23+ada@example.com",
        "/exports/2026-11-23",
        "report.2026-11-23",
        "",
    ],
)
def test_what_is_no_day_of_a_sentence_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_a_sentence_is_escaped_once() -> None:
    assert shown("<b>2026-11-23</b>") == "&lt;b&gt;23 Nov 2026&lt;/b&gt;"
    assert shown(SafeString("a &amp; b on 2026-11-23")) == "a &amp; b on 23 Nov 2026"


def test_a_levels_terms_are_a_sentence_and_none_is_nothing() -> None:
    assert shown(LevelTerms(until_on=date(2027, 12, 31))) == "until 31 Dec 2027"
    assert shown(None) == ""


def test_products_come_first_then_bumps_upsells_and_downsells() -> None:
    sold = ("bump-1", "downsell-1", "product-2", "product-12", "upsell-9", "bump-0")
    items = [ItemView(item=item, name=item, charges=[]) for item in sold]

    told = Template("{% for item in items|products_first %}{{ item.name }} {% endfor %}").render(
        Context({"items": items})
    )

    assert told.split() == ["product-2", "product-12", "bump-1", "bump-0", "upsell-9", "downsell-1"]


@pytest.mark.parametrize(
    ("past", "english", "german"),
    [
        (timedelta(seconds=59), "just now", "gerade eben"),
        (timedelta(minutes=1), "1 minute ago", "vor 1 Minute"),
        (timedelta(hours=23, minutes=59), "23 hours ago", "vor 23 Stunden"),
        (timedelta(days=2), "2 days ago", "vor 2 Tagen"),
    ],
)
def test_how_long_ago_something_was_is_said_in_its_largest_unit(past: timedelta, english: str, german: str) -> None:
    at = timezone.now() - past
    assert english in ago(at)
    with translation.override("de"):
        assert german in ago(at)


def test_what_was_more_than_a_week_ago_has_its_day() -> None:
    at = timezone.now() - timedelta(days=8)
    assert f">{at.day} {at:%b %Y}</time>" in ago(at)
