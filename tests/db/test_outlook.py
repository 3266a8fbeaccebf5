"""What a rule comes to, by example: the samples go through the real plan, and a real order gives the same."""

from __future__ import annotations

from datetime import date

import pytest

from factories import rule
from guestlist.domain.periods import Period
from guestlist.domain.rules import Target
from guestlist.domain.terms import FOREVER, LevelTerms
from guestlist.fulfilment.outlook import Sale, outlook

TERMS = {
    Target("academy", "8"): LevelTerms(period=Period.parse("1 month")),
    Target("academy", "9"): LevelTerms(period=Period.parse("1 year")),
    Target("academy", "10"): FOREVER,
}
PAID_ON = date(2026, 3, 3)


def told(sale: Sale, *grants: str, **choices: object) -> dict[str, list[str]]:
    made = rule("product-12", *(grants or ("academy/8",)), **choices)
    return {
        example.happens: [
            "ended" if level.ended else "unknown" if level.unknown else str(level.until_on or "for ever")
            for level in example.levels
        ]
        for example in outlook(made, TERMS, [sale], PAID_ON)
    }


def test_a_subscription_paid_on_3_march_gives_access_until_6_april() -> None:
    found = told(Sale.SUBSCRIPTION)
    assert found["Pays a monthly subscription on 3 March"] == ["2026-04-06"]
    assert found["Pays again on 3 April"] == ["2026-05-06"]
    assert found["Cancels on 10 March"] == ["2026-04-03"]
    assert found["The payment of 3 April fails"] == ["2026-04-06"]
    assert found["Pauses on 10 March"] == ["2026-04-03"]
    assert found["Gets all the money back on 10 March"] == ["ended"]
    assert found["Gets part of the money back on 10 March"] == ["2026-04-06"]


@pytest.mark.parametrize(
    ("choices", "happens", "result"),
    [
        ({"grace_days": 0}, "Pays a monthly subscription on 3 March", "2026-04-03"),
        ({"access": "forever"}, "Pays a monthly subscription on 3 March", "for ever"),
        ({"access": "90 days"}, "Pays a monthly subscription on 3 March", "2026-06-01"),
        ({"on_cancel": "now"}, "Cancels on 10 March", "ended"),
        ({"on_cancel": "keep"}, "Cancels on 10 March", "2026-04-06"),
        ({"on_failed_payment": "suspend"}, "The payment of 3 April fails", "ended"),
        ({"on_failed_payment": "keep"}, "The payment of 3 April fails", "for ever"),
        ({"on_pause": "now"}, "Pauses on 10 March", "ended"),
        ({"on_refund": "keep"}, "Gets all the money back on 10 March", "2026-04-06"),
        ({"on_partial_refund": "revoke"}, "Gets part of the money back on 10 March", "ended"),
    ],
)
def test_each_choice_shows_in_its_example(choices: dict[str, object], happens: str, result: str) -> None:
    assert told(Sale.SUBSCRIPTION, **choices)[happens] == [result]


def test_what_is_paid_once_lasts_as_each_level_says() -> None:
    found = told(Sale.ONCE, "academy/9", "academy/10", "academy/77")
    assert found["Buys once on 3 March"] == ["2027-03-03", "for ever", "unknown"]
    assert found["Gets all the money back on 10 March"] == ["ended", "ended", "ended"]


@pytest.mark.parametrize(
    ("after", "result"), [("forever", "for ever"), ("period-end", "2026-06-03"), ("level-terms", "2026-06-03")]
)
def test_a_plan_of_payments_tells_what_comes_after_the_last(after: str, result: str) -> None:
    found = told(Sale.PLAN, after_last_payment=after)
    assert found["Makes the first of 3 monthly payments on 3 March"] == ["2026-04-06"]
    assert found["Makes the last of 3 payments"] == [result]


def test_the_end_of_a_month_keeps_to_the_calendar() -> None:
    made = rule("product-12", "academy/8", grace_days=0)
    first, again, *_ = outlook(made, TERMS, [Sale.SUBSCRIPTION], date(2026, 1, 31))
    assert (first.levels[0].until_on, again.levels[0].until_on) == (date(2026, 2, 28), date(2026, 3, 31))
