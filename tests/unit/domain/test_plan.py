"""Design section 4, row by row, for purchases and rebills."""

from datetime import date

import pytest

from factories import MONTH, line, placed, rebill, rule
from guestlist.domain.facts import Billing, Completed, Item, Mode
from guestlist.domain.history import fold
from guestlist.domain.periods import Period
from guestlist.domain.plan import Decided, Plan, plan
from guestlist.domain.rules import Rule, Target, rule_for
from guestlist.domain.terms import FOREVER, LevelTerms

TERMS = {
    Target("academy", "8"): LevelTerms(period=Period.parse("1 month")),  # a recurring level
    Target("academy", "9"): LevelTerms(period=Period.parse("1 year")),
    Target("academy", "10"): FOREVER,
    Target("academy", "11"): LevelTerms(until_on=date(2027, 6, 30)),
    Target("club", "3"): FOREVER,
}


def planned(facts, *rules: Rule, terms=TERMS) -> Plan:
    def decide(charge):
        found = rule_for(rules, charge.item, charge.option)
        return Decided(found, {t: terms[t] for t in found.grants if t in terms}) if found else None

    return plan(fold(facts), decide)


def untils(result: Plan) -> dict[str, str]:
    return {
        f"{grant.item}/{grant.charge_key}/{grant.target.level}": str(grant.until_on or "for ever")
        for grant in result.grants
    }


def completed(at: str, item: str = "product-12") -> Completed:
    last = rebill(at, item, index=99)
    return Completed(order_id="7001", mode=Mode.LIVE, at=last.at, buyer=last.buyer, item=last.item)


ONE_TIME = placed("2026-03-10", line("product-12", paid_minor=9900))
MONTHLY = placed(
    "2026-03-10 05:00", line("product-12", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10 05:00")
)
MONTHLY_BARE = placed("2026-03-10", line("product-12", paid_minor=2900, frequency=MONTH))
MONTHLY_MUTE = placed("2026-03-10", line("product-12", paid_minor=2900, billing=Billing.RECURRING))
TRIAL = placed("2026-03-10", line("product-12", paid_minor=0, frequency=MONTH, next_due_at="2026-03-24"))
PAID_TRIAL = placed("2026-03-10", line("product-12", paid_minor=100, frequency=MONTH, next_due_at="2026-03-17"))
DEFERRED = placed("2026-03-10", line("product-12", paid_minor=0, next_due_at="2026-03-24"))


@pytest.mark.parametrize(
    ("order", "level", "fields", "until"),
    [
        # one-time: the level's own terms
        (ONE_TIME, "10", {}, "for ever"),
        (ONE_TIME, "9", {}, "2027-03-10"),
        (ONE_TIME, "8", {}, "2026-04-10"),
        (ONE_TIME, "11", {}, "2027-06-30"),
        (ONE_TIME, "9", {"access": "level-terms"}, "2027-03-10"),
        (ONE_TIME, "9", {"access": "paid-period"}, "2027-03-10"),
        (ONE_TIME, "9", {"access": "forever"}, "for ever"),
        (ONE_TIME, "10", {"access": "90 days"}, "2026-06-08"),
        (ONE_TIME, "10", {"access": "12 months"}, "2027-03-10"),
        (ONE_TIME, "9", {"grace_days": 30}, "2027-03-10"),  # grace belongs to a payment that is due
        # subscription: until the next charge is due, and the grace
        (MONTHLY, "10", {}, "2026-04-13"),
        (MONTHLY, "8", {}, "2026-04-13"),
        (MONTHLY, "8", {"grace_days": 0}, "2026-04-10"),
        (MONTHLY, "8", {"grace_days": 10}, "2026-04-20"),
        (MONTHLY, "8", {"access": "paid-period"}, "2026-04-13"),
        (MONTHLY, "8", {"access": "forever"}, "for ever"),
        (MONTHLY, "9", {"access": "level-terms"}, "2027-03-10"),
        (MONTHLY, "8", {"access": "6 months"}, "2026-09-10"),
        # no date in the event: calendar months from the charge; no frequency either: the level's term, else a month
        (MONTHLY_BARE, "10", {}, "2026-04-13"),
        (MONTHLY_MUTE, "9", {}, "2027-03-13"),
        (MONTHLY_MUTE, "10", {}, "2026-04-13"),
        # trials and deferred starts: until the first real charge is due, and the grace
        (TRIAL, "10", {}, "2026-03-27"),
        (PAID_TRIAL, "10", {}, "2026-03-20"),
        (DEFERRED, "10", {}, "2026-03-27"),
    ],
)
def test_the_first_charge_gives_access_until(order, level, fields, until):
    result = planned([order], rule("product-12", f"academy/{level}", **fields))

    assert untils(result) == {f"product-12/first/{level}": until}


REBILL_2 = rebill("2026-04-10 06:02", index=2, next_due_at="2026-05-10 05:00", frequency=MONTH)
REBILL_3 = rebill("2026-05-10 06:02", index=3, next_due_at="2026-06-10 05:00", frequency=MONTH)
LAST = rebill("2026-05-10 06:02", index=3, frequency=MONTH, payments_left=0)


@pytest.mark.parametrize(
    ("facts", "fields", "wanted"),
    [
        (
            [MONTHLY, REBILL_2, REBILL_3],
            {},
            {"first": "2026-04-13", "INV-9-2": "2026-05-13", "INV-9-3": "2026-06-13"},
        ),
        ([REBILL_2], {}, {"INV-9-2": "2026-05-13"}),  # its order was never delivered
        ([rebill("2026-04-10", index=2)], {}, {"INV-9-2": "2026-05-13"}),  # and it says nothing of the next date
        ([MONTHLY, rebill("2026-04-10", index=2)], {}, {"first": "2026-04-13", "INV-9-2": "2026-05-13"}),
        # payment plans
        ([MONTHLY, REBILL_2, LAST], {}, {"first": "2026-04-13", "INV-9-2": "2026-05-13", "INV-9-3": "for ever"}),
        (
            [MONTHLY, REBILL_2, LAST],
            {"after_last_payment": "period-end"},
            {"first": "2026-04-13", "INV-9-2": "2026-05-13", "INV-9-3": "2026-06-10"},
        ),
        (
            [MONTHLY, REBILL_2, LAST],
            {"after_last_payment": "level-terms"},
            {"first": "2026-04-13", "INV-9-2": "2026-05-13", "INV-9-3": "for ever"},
        ),
        ([MONTHLY, REBILL_2, completed("2026-04-10 06:03")], {}, {"first": "2026-04-13", "INV-9-2": "for ever"}),
        (
            [completed("2026-05-10 06:01"), MONTHLY, REBILL_2, REBILL_3],
            {},
            {"first": "2026-04-13", "INV-9-2": "2026-05-13", "INV-9-3": "for ever"},
        ),
        ([MONTHLY, REBILL_2, LAST], {"access": "forever"}, dict.fromkeys(("first", "INV-9-2", "INV-9-3"), "for ever")),
        (
            [MONTHLY, REBILL_2, LAST],
            {"access": "30 days"},
            {"first": "2026-04-09", "INV-9-2": "2026-05-10", "INV-9-3": "2026-06-09"},
        ),
        # a deferred one-time price: its real charge brings the level's own terms
        (
            [DEFERRED, rebill("2026-03-24", index=1)],
            {},
            {"first": "2026-03-27", "INV-9-1": "for ever"},
        ),
    ],
)
def test_later_charges_extend_and_the_last_one_settles(facts, fields, wanted):
    result = planned(facts, rule("product-12", "academy/10", **fields))

    assert untils(result) == {f"product-12/{charge}/10": until for charge, until in wanted.items()}


@pytest.mark.parametrize("left", [None, 0])
def test_the_real_charge_of_a_deferred_price_is_no_last_instalment_whatever_the_cart_says_is_left(left):
    result = planned([DEFERRED, rebill("2026-03-24", index=1, payments_left=left)], rule("product-12", "academy/9"))

    assert untils(result) == {"product-12/first/9": "2026-03-27", "product-12/INV-9-1/9": "2027-03-24"}


@pytest.mark.parametrize("after_last", ["forever", "level-terms", "period-end"])
def test_a_finished_plan_at_a_yearly_level(after_last):
    until = {"forever": "for ever", "level-terms": "2027-05-10", "period-end": "2026-06-10"}[after_last]

    result = planned([LAST], rule("product-12", "academy/9", after_last_payment=after_last))

    assert untils(result) == {"product-12/INV-9-3/9": until}


def test_every_bought_item_gives_its_own_levels_and_nothing_else_does():
    order = placed(
        "2026-03-10",
        line("product-12", paid_minor=9900),
        line("bump-12", paid_minor=1900, quantity=3),
        line("upsell-12", paid_minor=4900),
        line("downsell-5", paid_minor=900),
    )
    rules = [
        rule("product-12", "academy/10"),
        rule("bump-12", "academy/9"),
        rule("upsell-12", "club/3"),
        rule("downsell-5", "academy/11"),
        rule("product-1", "academy/8"),
        rule("bump-5", "academy/8"),
    ]

    result = planned([order], *rules)

    assert {(str(g.item), g.target.site, g.target.level, g.amount_minor) for g in result.grants} == {
        ("product-12", "academy", "10", 9900),
        ("bump-12", "academy", "9", 1900),
        ("upsell-12", "club", "3", 4900),
        ("downsell-5", "academy", "11", 900),
    }
    assert result.unmapped == ()


@pytest.mark.parametrize("bought", ["product-12", "product-121", "product-112", "bump-1", "upsell-1", "downsell-1"])
def test_a_rule_for_product_1_matches_product_1_only(bought):
    result = planned([placed("2026-03-10", line(bought, paid_minor=100))], rule("product-1", "academy/10"))

    assert result.grants == ()
    assert [str(entry.item) for entry in result.unmapped] == [bought]


@pytest.mark.parametrize(("option", "level"), [("78572", "9"), ("78573", "10"), (None, "10")])
def test_a_rule_with_an_option_beats_one_without(option, level):
    order = placed("2026-03-10", line("product-12", option=option, paid_minor=100))
    rules = [rule("product-12", "academy/10"), rule("product-12", "academy/9", option="78572")]

    assert [g.target.level for g in planned([order], *rules).grants] == [level]
    assert [g.target.level for g in planned([order], *reversed(rules)).grants] == [level]


def test_a_rule_without_levels_gives_nothing_and_leaves_nothing_unmapped():
    order = placed("2026-03-10", line("product-12", paid_minor=100), line("bump-12", paid_minor=100))

    result = planned([order], rule("product-12"), rule("bump-12", "academy/10"))

    assert [g.target.level for g in result.grants] == ["10"]
    assert result.unmapped == ()


@pytest.mark.parametrize("option", ["78573", "7857", "785720", None])
def test_an_option_without_a_rule_is_unmapped(option):
    order = placed("2026-03-10", line("product-12", option=option, paid_minor=100))

    result = planned([order], rule("product-12", "academy/9", option="78572"))

    assert [(str(u.item), u.option) for u in result.unmapped] == [("product-12", option)]


def test_the_amount_is_on_the_first_level_and_zero_on_further_ones():
    order = placed("2026-03-10", line("product-12", paid_minor=10000, paid_gross_minor=11900))

    result = planned([order], rule("product-12", "academy/10", "academy/9", "club/3"))

    assert [(g.amount_minor, g.total_minor) for g in result.grants] == [(10000, 11900), (0, 0), (0, 0)]


def test_the_welcome_mail_is_asked_for_once_per_purchase_and_site():
    result = planned([MONTHLY, REBILL_2], rule("product-12", "academy/10", "academy/9", "club/3"))

    asked = [(g.charge_key, g.target.site) for g in result.grants if g.welcome != "never"]
    assert asked == [("first", "academy"), ("first", "club")]


def test_a_repeated_order_adds_the_difference_and_takes_nothing():
    first = placed("2026-03-10", line("product-12", paid_minor=9900), line("bump-12", paid_minor=1900))
    longer = placed("2026-03-10", line("product-12", paid_minor=9900), line("upsell-2", paid_minor=4900))
    rules = [rule("product-12", "academy/10"), rule("bump-12", "academy/9"), rule("upsell-2", "club/3")]

    once = planned([first, longer], *rules)

    assert untils(once).keys() == {"product-12/first/10", "bump-12/first/9", "upsell-2/first/3"}
    assert planned([longer, first, longer, first], *rules) == once


def test_a_level_whose_terms_are_not_known_yet_blocks_only_what_needs_them():
    rules = [rule("product-12", "academy/10", "unread/1"), rule("bump-12", "unread/1", access="forever")]
    order = placed("2026-03-10", line("product-12", paid_minor=9900), line("bump-12", paid_minor=0))

    result = planned([order], *rules)

    blocked = {(str(g.item), g.target.site): bool(g.blocked) for g in result.grants}
    assert blocked == {("product-12", "academy"): False, ("product-12", "unread"): True, ("bump-12", "unread"): False}


def test_reasons_are_sentences_a_seller_understands():
    [first, second] = planned([MONTHLY, REBILL_2], rule("product-12", "academy/8")).grants

    assert first.reason == (
        "Product-12 (product-12) bought on 2026-03-10: "
        "access until the next payment is due on 2026-04-10 and 3 days of grace"
    )
    assert "paid again on 2026-04-10 (invoice INV-9-2)" in second.reason


def test_items_keep_their_type():
    assert Item.parse("product_101") == Item.parse("product-101") != Item.parse("bump-101")
    with pytest.raises(ValueError, match="product-N"):
        Item.parse("12")


def test_a_level_that_lasts_longer_than_the_calendar_lasts_to_its_end_with_any_grace():
    facts = [placed("2026-03-10", line("product-12", paid_minor=2900, billing=Billing.RECURRING))]
    terms = {Target("academy", "8"): LevelTerms(period=Period.parse("9999 years"))}

    [granted] = planned(facts, rule("product-12", "academy/8"), terms=terms).grants

    assert granted.until_on == date.max
