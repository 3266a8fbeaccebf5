"""Rows of the first table (what a purchase gives), and of "order placed" and "rebill" of the second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from e2e.access_rows import EVER, MONTH, SEASON, SEASON_ENDS, YEAR, Life, Step, on_sale, row

COURSE = on_sale("product-101", EVER)
YEARBOOK = on_sale("product-102", YEAR)
PASS = on_sale("product-103", SEASON)
BADGE = on_sale("product-104", MONTH)


@row({EVER: None})
def paid_once_for_a_level_without_an_end(life: Life) -> Sequence[Step]:
    return [life.buys(COURSE, on="2023-03-10").success()]


@row({YEAR: "2024-03-10"})
def paid_once_for_a_level_of_one_year(life: Life) -> Sequence[Step]:
    return [life.buys(YEARBOOK, on="2023-03-10").success()]


@row({YEAR: "2025-02-28"}, on="2024-03-01")
def paid_once_on_a_leap_day(life: Life) -> Sequence[Step]:
    return [life.buys(YEARBOOK, on="2024-02-29").success()]


@row({SEASON: SEASON_ENDS})
def paid_once_for_a_level_with_a_fixed_end(life: Life) -> Sequence[Step]:
    return [life.buys(PASS, on="2023-03-10").success()]


@row({MONTH: "2023-02-28"}, on="2023-02-10")
def paid_once_for_a_recurring_level(life: Life) -> Sequence[Step]:
    return [life.buys(BADGE, on="2023-01-31").success()]


CLUB = on_sale("product-110", MONTH, frequency="month")
CLUB_STRICT = on_sale("product-111", MONTH, frequency="month", rule={"grace_days": 0})
CLUB_PATIENT = on_sale("product-112", MONTH, frequency="month", rule={"grace_days": 10})
WEEKLY = on_sale("product-113", MONTH, frequency="week")
YEARLY = on_sale("product-114", MONTH, frequency="year")


@row({MONTH: "2023-04-13"})
def subscription_begun(life: Life) -> Sequence[Step]:
    return [life.buys(CLUB, on="2023-03-10").success()]


@row({MONTH: "2023-06-13"}, on="2023-06-13", complete=3)
def subscription_paid_twice_again(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill()]


@row({}, on="2023-06-14", complete=3)
def subscription_nobody_paid_any_more(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill()]


@row({MONTH: "2023-05-10"}, complete=2)
def subscription_without_grace(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_STRICT, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({MONTH: "2023-05-20"}, complete=2)
def subscription_with_ten_days_of_grace(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PATIENT, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({MONTH: "2023-03-27"}, on="2023-03-20", complete=2)
def subscription_by_the_week(life: Life) -> Sequence[Step]:
    order = life.buys(WEEKLY, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({MONTH: "2025-03-13"}, complete=2)
def subscription_by_the_year(life: Life) -> Sequence[Step]:
    order = life.buys(YEARLY, on="2023-03-10")
    return [order.success(), order.rebill()]


NEXT_PAYMENT = ("subscription.next_payment_date", "subscription.next_payment_date_iso8601")


@row({MONTH: "2023-03-03"}, on="2023-02-10")
def next_due_told_by_the_order(life: Life) -> Sequence[Step]:
    return [life.buys(CLUB, on="2023-01-31").success()]


@row({MONTH: "2023-03-03"}, on="2023-02-10")
def next_due_reckoned_in_calendar_months(life: Life) -> Sequence[Step]:
    return [life.buys(CLUB, on="2023-01-31").success().without("order.future_charges")]


@row({MONTH: "2023-04-03"}, on="2023-03-10", complete=2)
def next_due_reckoned_from_a_rebill_on_the_last_day_of_a_short_month(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-01-31")
    return [order.success().without("order.future_charges"), order.rebill().without(*NEXT_PAYMENT)]


@row({MONTH: "2023-05-13"}, on="2023-05-01", complete=2)
def next_due_told_by_a_rebill_that_came_late(life: Life) -> Sequence[Step]:
    # Reckoned from the charge it would be 14 May; the cart keeps to the 10th.
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(at=order.at.replace(month=4, day=14))]


@row({MONTH: "2023-05-23"}, on="2023-05-01", complete=2)
def next_due_told_by_a_rebill_that_began_anew(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(at=order.at.replace(month=4, day=20), restart=True)]


PLAN = on_sale("product-120", EVER, frequency="month", charges=3)
PLAN_FOR_A_YEAR = on_sale("product-121", YEAR, frequency="month", charges=3, rule={"after_last_payment": "level-terms"})
PLAN_FOR_ITS_PERIOD = on_sale(
    "product-122", MONTH, frequency="month", charges=3, rule={"after_last_payment": "period-end"}
)


@row({EVER: "2023-05-13"}, complete=2)
def payment_plan_before_its_last_payment(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({EVER: None}, complete=3)
def payment_plan_paid_up(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill()]


@row({YEAR: "2024-05-10"}, complete=3)
def payment_plan_paid_up_by_the_levels_terms(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN_FOR_A_YEAR, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill()]


@row({MONTH: "2023-06-10"}, complete=3)
def payment_plan_paid_up_until_the_end_of_its_period(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN_FOR_ITS_PERIOD, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill()]


FREE_TRIAL = on_sale("product-130", MONTH, frequency="month", trial_days=7)
PAID_TRIAL = on_sale("product-131", MONTH, frequency="month", trial_days=7, trial_price=100)
DEFERRED = on_sale("product-132", EVER, deferred_days=14)
DEFERRED_YEAR = on_sale("product-133", YEAR, deferred_days=14)


@row({MONTH: "2023-03-20"}, on="2023-03-18")
def free_trial(life: Life) -> Sequence[Step]:
    return [life.buys(FREE_TRIAL, on="2023-03-10").success()]


@row({MONTH: "2023-04-20"}, complete=2)
def free_trial_then_paid(life: Life) -> Sequence[Step]:
    order = life.buys(FREE_TRIAL, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({MONTH: "2023-03-20"}, on="2023-03-18")
def paid_trial(life: Life) -> Sequence[Step]:
    return [life.buys(PAID_TRIAL, on="2023-03-10").success()]


@row({MONTH: "2023-04-20"}, complete=2)
def paid_trial_then_paid(life: Life) -> Sequence[Step]:
    order = life.buys(PAID_TRIAL, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({EVER: "2023-03-27"}, on="2023-03-26")
def deferred_start(life: Life) -> Sequence[Step]:
    return [life.buys(DEFERRED, on="2023-03-10").success()]


@row({EVER: None}, complete=2)
def deferred_start_then_paid(life: Life) -> Sequence[Step]:
    order = life.buys(DEFERRED, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({YEAR: "2024-03-24"}, complete=2)
def deferred_start_then_paid_for_a_level_of_one_year(life: Life) -> Sequence[Step]:
    order = life.buys(DEFERRED_YEAR, on="2023-03-10")
    return [order.success(), order.rebill()]


CLUB_FOR_EVER = on_sale("product-140", MONTH, frequency="month", rule={"access": "forever"})
NINETY_DAYS = on_sale("product-141", EVER, rule={"access": "90 days"})
TWELVE_MONTHS = on_sale("product-142", EVER, rule={"access": "12 months"})
CLUB_BY_LEVEL = on_sale("product-143", YEAR, frequency="month", rule={"access": "level-terms"})
ONCE_BY_PERIOD = on_sale("product-144", YEAR, rule={"access": "paid-period"})


@row({MONTH: None}, complete=2)
def subscription_that_gives_access_for_ever(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_FOR_EVER, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({EVER: "2023-06-08"})
def access_of_ninety_days(life: Life) -> Sequence[Step]:
    return [life.buys(NINETY_DAYS, on="2023-03-10").success()]


@row({EVER: "2024-03-10"})
def access_of_twelve_months(life: Life) -> Sequence[Step]:
    return [life.buys(TWELVE_MONTHS, on="2023-03-10").success()]


@row({YEAR: "2024-04-10"}, complete=2)
def subscription_by_the_levels_terms(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_BY_LEVEL, on="2023-03-10")
    return [order.success(), order.rebill()]


@row({YEAR: "2024-03-10"})
def paid_once_by_the_paid_period(life: Life) -> Sequence[Step]:
    return [life.buys(ONCE_BY_PERIOD, on="2023-03-10").success()]


# The same number four times: only together with the type it names an item.
MAIN = on_sale("product-150", EVER)
BUMP = on_sale("bump-150", YEAR, price=1900)
UPSELL = on_sale("upsell-150", SEASON, price=4900)
DOWNSELL = on_sale("downsell-150", MONTH, price=2700, rule={"access": "90 days"})
UPSELL_CLUB = on_sale("upsell-151", MONTH, price=2900, frequency="month")


@row({EVER: None, YEAR: "2024-03-10", SEASON: SEASON_ENDS, MONTH: "2023-06-08"})
def order_with_bump_upsell_and_downsell(life: Life) -> Sequence[Step]:
    return [life.buys(MAIN, BUMP, UPSELL, DOWNSELL, on="2023-03-10").success()]


@row({EVER: None, YEAR: "2024-03-10"})
def order_with_bump_alone(life: Life) -> Sequence[Step]:
    return [life.buys(MAIN, BUMP, on="2023-03-10").success()]


@row({EVER: None, MONTH: "2023-05-13"}, complete=3)
def order_with_a_subscription_as_upsell(life: Life) -> Sequence[Step]:
    order = life.buys(MAIN, UPSELL_CLUB, on="2023-03-10")
    return [order.success(), order.rebill("upsell-151")]


OPTION_A = on_sale("product-160", YEAR, option="901", rule={"option": "901"})
OPTION_B = on_sale("product-160", EVER, SEASON, option="902", price=49000, rule={"option": "902"})
OPTION_C = on_sale("product-160", MONTH, option="903")


@row({YEAR: "2024-03-10"})
def option_a_exactly(life: Life) -> Sequence[Step]:
    return [life.buys(OPTION_A, on="2023-03-10").success()]


@row({EVER: None, SEASON: SEASON_ENDS})
def option_b_exactly_with_its_two_levels(life: Life) -> Sequence[Step]:
    return [life.buys(OPTION_B, on="2023-03-10").success()]


@row({MONTH: "2023-04-10"})
def option_without_a_rule_of_its_own(life: Life) -> Sequence[Step]:
    return [life.buys(OPTION_C, on="2023-03-10").success()]


@row({EVER: None})
def quantity_above_one(life: Life) -> Sequence[Step]:
    return [life.buys(replace(COURSE, quantity=3), on="2023-03-10").success()]


@row({MONTH: "2023-06-13"}, on="2023-05-15", complete=2)
def rebills_whose_order_never_came(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.rebill(), order.rebill()]


@row({EVER: None}, complete=2)
def last_rebills_of_a_plan_whose_order_never_came(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.rebill(), order.rebill()]


UNMAPPED = on_sale("product-170", EVER, ruled=False)


@row({})
def item_without_a_rule(life: Life) -> Sequence[Step]:
    return [life.buys(UNMAPPED, on="2023-03-10").success()]


@row({})
def test_mode(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10", mode="test")
    return [order.success(), order.rebill()]


@row({})
def mode_that_is_not_told(life: Life) -> Sequence[Step]:
    return [life.buys(COURSE, on="2023-03-10").success().without("mode", "mode_int")]
