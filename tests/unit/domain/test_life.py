"""Design section 4, row by row, for what ends and changes access: each row in several orders of arrival."""

import random
from datetime import date

import pytest

from factories import MONTH, event, line, placed, rebill, rule
from guestlist.domain.facts import (
    Completed,
    Paused,
    PaymentFailed,
    Refunded,
    Resumed,
    SubscriptionCancelled,
)
from guestlist.domain.history import fold
from guestlist.domain.periods import Period
from guestlist.domain.plan import Decided, PlannedGrant, plan
from guestlist.domain.rules import Target, rule_for
from guestlist.domain.terms import FOREVER, LevelTerms

LEVEL = Target("academy", "8")
YEAR = LevelTerms(period=Period.parse("1 year"))
NONE, EVER = "ended", "for ever"


def grants(facts, terms=FOREVER, **fields) -> list[PlannedGrant]:
    rules = [rule(item, "academy/8", **fields) for item in ("product-12", "bump-12", "upsell-3")]

    def decide(charge):
        found = rule_for(rules, charge.item, charge.option)
        return Decided(found, {LEVEL: terms}) if found else None

    return list(plan(fold(facts), decide).grants)


def result(facts, **fields) -> dict[str, str]:
    """Charge -> last day, judged for several orders of arrival at once."""
    seen = []
    for told in arrivals(facts):
        seen.append(
            {
                (f"{grant.item} " if str(grant.item) != "product-12" else "")
                + grant.charge_key.removeprefix("INV-9-"): (NONE if not grant.live else str(grant.until_on or EVER))
                for grant in grants(told, **fields)
            }
        )
    assert all(one == seen[0] for one in seen), seen
    return seen[0]


def arrivals(facts):
    shuffled = [random.Random(seed).sample(facts, len(facts)) for seed in range(3)]
    return [facts, facts[::-1], facts * 2, *shuffled]


ONCE = placed("2026-03-10", line("product-12", paid_minor=10_000, paid_gross_minor=12_000))
MONTHLY = placed("2026-03-10 05:00", line("product-12", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10"))
SECOND = rebill("2026-04-10", index=1, next_due_at="2026-05-10")
THIRD = rebill("2026-05-10", index=2, next_due_at="2026-06-10")
FUNNEL = placed(
    "2026-03-10",
    line("product-12", paid_minor=10_000),
    line("bump-12", paid_minor=1900),
    line("upsell-3", paid_minor=4900, frequency=MONTH, next_due_at="2026-04-10"),
)
PLAN = [
    placed(
        "2026-03-10", line("product-12", paid_minor=5000, frequency=MONTH, next_due_at="2026-04-10", payments_left=1)
    ),
    rebill("2026-04-10", index=1, payments_left=0, amount_minor=5000, amount_gross_minor=5000),
]
TRIAL = placed("2026-03-10", line("product-12", paid_minor=0, frequency=MONTH, next_due_at="2026-03-24"))
DEFERRED = [
    placed("2026-03-10", line("product-12", paid_minor=0, next_due_at="2026-03-24")),
    rebill("2026-03-24", index=1, amount_minor=9900, amount_gross_minor=9900),
]


def refund(at: str, amount: int, item: str = "product-12", **fields: object) -> Refunded:
    return event(Refunded, at, item, amount_minor=amount, **fields)


def cancel(at: str, end: str | None = None, **fields: object) -> SubscriptionCancelled:
    return event(SubscriptionCancelled, at, period_end_at=end, **fields)


@pytest.mark.parametrize(
    ("facts", "fields", "expected"),
    [
        # one-time
        ([ONCE, refund("2026-03-12", 10_000, amount_gross_minor=12_000)], {}, {"first": NONE}),
        ([ONCE, refund("2026-03-12", 12_000)], {}, {"first": NONE}),
        ([ONCE, refund("2026-03-12", 5000, amount_gross_minor=6000)], {}, {"first": EVER}),
        ([ONCE, refund("2026-03-12", 8333, amount_gross_minor=10_000)], {}, {"first": EVER}),
        ([ONCE, refund("2026-03-12", 10_000)], {"on_refund": "keep"}, {"first": EVER}),
        ([ONCE, refund("2026-03-12", 100)], {"on_partial_refund": "revoke"}, {"first": NONE}),
        ([ONCE, refund("2026-03-12", 10_000)], {"on_refund": "keep", "on_partial_refund": "revoke"}, {"first": EVER}),
        # partial refunds that add up, one of them told by both surfaces
        ([ONCE, refund("2026-03-12", 4000), refund("2026-03-13", 6000)], {}, {"first": NONE}),
        ([ONCE, refund("2026-03-12", 4000), refund("2026-03-13", 4000)], {}, {"first": EVER}),
        ([ONCE, refund("2026-03-12", 5000), refund("2026-03-12", 5000, event_id="77")], {}, {"first": EVER}),
        (
            [ONCE, refund("2026-03-12", 5000, event_id="78"), refund("2026-03-12", 5000, event_id="77")],
            {},
            {"first": NONE},
        ),
        # more than the net amount, the tax not told apart: a part of the gross one
        ([ONCE, refund("2026-03-12", 11_000)], {}, {"first": EVER}),
        ([ONCE, refund("2026-03-12", 11_000), refund("2026-03-13", 1000)], {}, {"first": NONE}),
        # the real charge of a deferred price
        ([*DEFERRED, refund("2026-04-01", 9900)], {}, {"first": NONE, "1": NONE}),
        # one item of several
        (
            [FUNNEL, refund("2026-03-12", 1900, "bump-12")],
            {},
            {"first": EVER, "bump-12 first": NONE, "upsell-3 first": "2026-04-13"},
        ),
        (
            [FUNNEL, refund("2026-03-12", 4900, "upsell-3")],
            {},
            {"first": EVER, "bump-12 first": EVER, "upsell-3 first": NONE},
        ),
        # a free item that is refunded for whatever reason; a refund of more than was ever paid
        ([placed("2026-03-10", line("product-12")), refund("2026-03-12", 500)], {}, {"first": NONE}),
        ([ONCE, refund("2026-03-12", 99_000)], {}, {"first": NONE}),
        # a refund that waits for its order
        ([refund("2026-03-12", 500)], {}, {}),
        # subscriptions: the charge that fits
        ([MONTHLY, SECOND, refund("2026-04-12", 2900)], {}, {"first": "2026-04-13", "1": NONE}),
        (
            [MONTHLY, SECOND, THIRD, refund("2026-04-12", 2900)],
            {},
            {"first": "2026-04-13", "1": NONE, "2": "2026-06-13"},
        ),
        (
            [MONTHLY, SECOND, THIRD, refund("2026-05-12", 2900, invoice_id="INV-9-1")],
            {},
            {"first": "2026-04-13", "1": NONE, "2": "2026-06-13"},
        ),
        (
            [MONTHLY, SECOND, THIRD, refund("2026-05-12", 2900), refund("2026-05-13", 2900)],
            {},
            {"first": "2026-04-13", "1": NONE, "2": NONE},
        ),
        (
            [MONTHLY, SECOND, refund("2026-04-12", 1450), refund("2026-04-13", 1450)],
            {},
            {"first": "2026-04-13", "1": NONE},
        ),
        ([MONTHLY, SECOND, THIRD, refund("2026-05-12", 8700)], {}, {"first": NONE, "1": NONE, "2": NONE}),
        (
            [MONTHLY, SECOND, refund("2026-04-12", 1450)],
            {"on_partial_refund": "revoke"},
            {"first": "2026-04-13", "1": NONE},
        ),
        (
            [TRIAL, rebill("2026-03-24", index=1, next_due_at="2026-04-24"), refund("2026-03-25", 2900)],
            {},
            {"first": "2026-03-27", "1": NONE},
        ),
        # a refund does not cancel: the next charge gives access again
        (
            [MONTHLY, SECOND, refund("2026-04-12", 2900), THIRD],
            {},
            {"first": "2026-04-13", "1": NONE, "2": "2026-06-13"},
        ),
        # a rebill whose order never came
        ([SECOND, refund("2026-04-12", 2900)], {}, {"1": NONE}),
        # payment plans
        ([*PLAN, refund("2026-04-12", 5000)], {}, {"first": "2026-04-13", "1": NONE}),
        ([*PLAN, refund("2026-04-12", 10_000)], {}, {"first": NONE, "1": NONE}),
    ],
)
def test_refunds(facts, fields, expected):
    assert result(facts, **fields) == expected


@pytest.mark.parametrize(
    ("facts", "fields", "expected"),
    [
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {}, {"first": "2026-04-10"}),
        ([MONTHLY, cancel("2026-03-20")], {}, {"first": "2026-04-10"}),
        ([MONTHLY, cancel("2026-03-20", "2026-04-15")], {}, {"first": "2026-04-15"}),
        ([MONTHLY, SECOND, cancel("2026-04-20", "2026-05-10")], {}, {"first": "2026-04-13", "1": "2026-05-10"}),
        ([MONTHLY, SECOND, cancel("2026-04-12", "2026-05-10")], {}, {"first": "2026-04-13", "1": "2026-05-10"}),
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {"on_cancel": "now"}, {"first": NONE}),
        ([MONTHLY, SECOND, cancel("2026-04-12")], {"on_cancel": "now"}, {"first": NONE, "1": NONE}),
        ([MONTHLY, SECOND, cancel("2026-04-20")], {"on_cancel": "now"}, {"first": "2026-04-13", "1": NONE}),
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {"on_cancel": "keep"}, {"first": "2026-04-13"}),
        # told again with another moment, and without the period's end
        ([MONTHLY, cancel("2026-03-20", "2026-04-10"), cancel("2026-03-21")], {}, {"first": "2026-04-10"}),
        # other kinds of access: at most until the period's end
        (
            [MONTHLY, SECOND, cancel("2026-04-20", "2026-05-10")],
            {"access": "forever"},
            {"first": "2026-05-10", "1": "2026-05-10"},
        ),
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {"access": "90 days"}, {"first": "2026-04-10"}),
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {"access": "10 days"}, {"first": "2026-03-20"}),
        ([MONTHLY, cancel("2026-03-20", "2026-04-10")], {"access": "level-terms"}, {"first": "2026-04-10"}),
        # a payment after it: they still pay
        ([MONTHLY, cancel("2026-04-09", "2026-04-10"), SECOND], {}, {"first": "2026-04-13", "1": "2026-05-13"}),
        (
            [MONTHLY, cancel("2026-04-09", "2026-04-10"), SECOND],
            {"on_cancel": "now"},
            {"first": "2026-04-13", "1": "2026-05-13"},
        ),
        # but not one that was given back
        (
            [MONTHLY, cancel("2026-04-09", "2026-04-10"), SECOND, refund("2026-04-11", 2900, invoice_id="INV-9-1")],
            {"access": "forever"},
            {"first": "2026-04-10", "1": NONE},
        ),
        ([MONTHLY, cancel("2026-03-20"), event(Resumed, "2026-03-25")], {"on_cancel": "now"}, {"first": "2026-04-13"}),
        # a plan that is paid up, whichever came first
        ([*PLAN, cancel("2026-04-11", "2026-05-10")], {}, {"first": "2026-04-13", "1": EVER}),
        ([*PLAN, cancel("2026-04-10", "2026-04-10")], {"on_cancel": "now"}, {"first": "2026-04-13", "1": EVER}),
        ([PLAN[0], cancel("2026-03-20", "2026-04-10")], {}, {"first": "2026-04-10"}),
        (
            [MONTHLY, SECOND, event(Completed, "2026-04-10"), cancel("2026-04-12")],
            {"on_cancel": "now"},
            {"first": "2026-04-13", "1": EVER},
        ),
        # trials and what was paid once
        ([TRIAL, cancel("2026-03-12", "2026-03-24")], {}, {"first": "2026-03-24"}),
        ([ONCE, cancel("2026-03-12")], {}, {"first": EVER}),
        ([ONCE, cancel("2026-03-12", "2026-04-10")], {}, {"first": "2026-04-10"}),
        ([ONCE, cancel("2026-03-12")], {"on_cancel": "now"}, {"first": NONE}),
        # it waits for its order
        ([cancel("2026-03-12", "2026-04-10")], {}, {}),
        ([SECOND, cancel("2026-04-12", "2026-05-10")], {}, {"1": "2026-05-10"}),
    ],
)
def test_cancellations(facts, fields, expected):
    assert result(facts, **fields) == expected


FAILED = event(PaymentFailed, "2026-04-10 01:00", invoice_id="INV-9-1")
RETRIED = event(PaymentFailed, "2026-04-14", invoice_id="INV-9-1")
MENDED = rebill("2026-04-16", index=1, next_due_at="2026-05-10")


@pytest.mark.parametrize(
    ("facts", "fields", "expected"),
    [
        ([MONTHLY, FAILED], {}, {"first": "2026-04-13"}),
        ([MONTHLY, FAILED, MENDED], {}, {"first": "2026-04-13", "1": "2026-05-13"}),
        ([MONTHLY, FAILED], {"on_failed_payment": "suspend"}, {"first": NONE}),
        ([MONTHLY, FAILED, RETRIED], {"on_failed_payment": "suspend"}, {"first": NONE}),
        ([MONTHLY, RETRIED], {"on_failed_payment": "suspend"}, {"first": "2026-04-13"}),
        (
            [MONTHLY, FAILED, RETRIED, MENDED],
            {"on_failed_payment": "suspend"},
            {"first": "2026-04-13", "1": "2026-05-13"},
        ),
        (
            [MONTHLY, FAILED, MENDED, refund("2026-04-17", 2900, invoice_id="INV-9-1")],
            {"on_failed_payment": "suspend"},
            {"first": NONE, "1": NONE},
        ),
        ([MONTHLY, FAILED], {"on_failed_payment": "keep"}, {"first": EVER}),
        ([MONTHLY, RETRIED], {"on_failed_payment": "keep"}, {"first": EVER}),
        ([MONTHLY, FAILED, MENDED], {"on_failed_payment": "keep"}, {"first": "2026-04-13", "1": "2026-05-13"}),
        ([MONTHLY, FAILED, cancel("2026-04-12", "2026-04-10")], {"on_failed_payment": "keep"}, {"first": "2026-04-10"}),
        (
            [MONTHLY, FAILED, cancel("2026-04-12", "2026-04-10")],
            {"on_failed_payment": "keep", "on_cancel": "keep"},
            {"first": "2026-04-13"},
        ),
        ([MONTHLY, FAILED, refund("2026-04-12", 2900)], {"on_failed_payment": "keep"}, {"first": NONE}),
        # a payment in the same second mends it
        (
            [MONTHLY, event(PaymentFailed, "2026-04-10", invoice_id="INV-9-1"), SECOND],
            {"on_failed_payment": "suspend"},
            {"first": "2026-04-13", "1": "2026-05-13"},
        ),
        (
            [*PLAN, event(PaymentFailed, "2026-04-11")],
            {"on_failed_payment": "suspend"},
            {"first": "2026-04-13", "1": EVER},
        ),
    ],
)
def test_refused_payments(facts, fields, expected):
    assert result(facts, **fields) == expected


PAUSED, RESUMED = event(Paused, "2026-03-20"), event(Resumed, "2026-03-25")


@pytest.mark.parametrize(
    ("facts", "fields", "expected"),
    [
        ([MONTHLY, PAUSED], {}, {"first": "2026-04-10"}),
        ([MONTHLY, PAUSED], {"on_pause": "now"}, {"first": NONE}),
        ([MONTHLY, PAUSED], {"on_pause": "keep"}, {"first": "2026-04-13"}),
        ([MONTHLY, PAUSED], {"access": "forever"}, {"first": "2026-04-10"}),
        # suspended within a paid period: given back
        ([MONTHLY, PAUSED, RESUMED], {"on_pause": "now"}, {"first": "2026-04-13"}),
        ([MONTHLY, PAUSED, RESUMED], {}, {"first": "2026-04-13"}),
        ([MONTHLY, PAUSED, event(Resumed, "2026-03-20")], {"on_pause": "now"}, {"first": "2026-04-13"}),
        # paused again
        ([MONTHLY, PAUSED, RESUMED, event(Paused, "2026-03-27")], {"on_pause": "now"}, {"first": NONE}),
        # the next paid charge gives access again, with or without a word of the resumption
        (
            [MONTHLY, PAUSED, rebill("2026-07-01", index=1, next_due_at="2026-08-01")],
            {"on_pause": "now"},
            {"first": "2026-04-13", "1": "2026-08-04"},
        ),
        (
            [
                MONTHLY,
                PAUSED,
                event(Resumed, "2026-07-01"),
                rebill("2026-07-01 00:01", index=1, next_due_at="2026-08-01"),
            ],
            {},
            {"first": "2026-04-13", "1": "2026-08-04"},
        ),
        ([MONTHLY, PAUSED, cancel("2026-04-01", "2026-04-10")], {"on_pause": "now"}, {"first": NONE}),
        ([MONTHLY, PAUSED, cancel("2026-04-01", "2026-04-20")], {}, {"first": "2026-04-10"}),
        ([ONCE, event(Paused, "2026-03-12")], {}, {"first": EVER}),
        ([*PLAN, event(Paused, "2026-04-11")], {"on_pause": "now"}, {"first": "2026-04-13", "1": EVER}),
    ],
)
def test_pauses(facts, fields, expected):
    assert result(facts, **fields) == expected


def test_a_repeated_order_after_a_refund_brings_nothing_back():
    again = placed("2026-03-10", line("product-12", paid_minor=10_000), line("bump-12", paid_minor=1900))
    facts = [placed("2026-03-10", line("product-12", paid_minor=10_000)), refund("2026-03-12", 10_000), again]
    assert result(facts) == {"first": NONE, "bump-12 first": EVER}


def test_a_level_whose_terms_are_unknown_blocks_nothing_that_is_taken_away():
    (grant,) = grants([ONCE, refund("2026-03-12", 10_000)], terms=None)
    assert (grant.live, grant.blocked) == (False, "")


def test_the_reason_tells_the_whole_story():
    (grant,) = grants([MONTHLY, cancel("2026-03-20", "2026-04-10"), refund("2026-03-21", 2900)])
    bought, *since = grant.reason.split("; ")
    assert bought.startswith("Product-12 (product-12) bought on 2026-03-10: access until the next payment is due on ")
    assert since == [
        "cancelled on 2026-03-20, so access ends with the period, 2026-04-10",
        "refunded in full on 2026-03-21, so access ended",
    ]
    assert grant.until_on == date(2026, 4, 10)
