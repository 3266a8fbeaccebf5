"""Rows of the second table about one purchase: refunds, cancellations, failed payments, pauses."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.access_rows import EVER, MONTH, SEASON, SEASON_ENDS, YEAR, Life, Step, day, on_sale, row

COURSE = on_sale("product-201", EVER)
KEPT_COURSE = on_sale("product-202", EVER, rule={"on_refund": "keep"})
TAXED_COURSE = on_sale("product-203", EVER, tax_percent=20)
STRICT_COURSE = on_sale("product-204", EVER, rule={"on_partial_refund": "revoke"})
CLUB = on_sale("product-210", MONTH, frequency="month")
STRICT_CLUB = on_sale("product-211", MONTH, frequency="month", rule={"on_partial_refund": "revoke"})
PLAN = on_sale("product-212", EVER, frequency="month", charges=3)
FREE_TRIAL = on_sale("product-213", MONTH, frequency="month", trial_days=7)
PAID_TRIAL = on_sale("product-214", MONTH, frequency="month", trial_days=7, trial_price=100)
DEFERRED = on_sale("product-215", EVER, deferred_days=14)
BUMP = on_sale("bump-201", YEAR, price=1900)
UPSELL = on_sale("upsell-201", SEASON, price=4900)


@row({})
def full_refund_of_something_paid_once(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12"))]


@row({})
def full_refund_with_tax(life: Life) -> Sequence[Step]:
    order = life.buys(TAXED_COURSE, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12"))]


@row({EVER: None})
def full_refund_that_is_to_change_nothing(life: Life) -> Sequence[Step]:
    order = life.buys(KEPT_COURSE, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12"))]


@row({MONTH: "2023-04-13"}, on="2023-04-12")
def refund_of_the_latest_rebill(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.refund(charge=1, at=day("2023-04-12"))]


@row({MONTH: "2023-06-13"}, on="2023-05-15", complete=2)
def refund_of_one_rebill_between_two_others(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.refund(charge=1, at=day("2023-04-12")), order.rebill()]


@row({MONTH: "2023-05-13"})
def refund_of_the_order_before_its_rebill(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12")), order.rebill()]


@row({})
def refund_of_two_charges_one_after_the_other(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    refunds = [order.refund(charge=1, at=day("2023-04-12")), order.refund(at=day("2023-04-13"))]
    return [order.success(), order.rebill(), *refunds]


@row({})
def refund_of_a_charge_that_was_over(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-06-01"))]


@row({EVER: "2023-05-13"}, on="2023-05-12", complete=2)
def refund_of_the_last_payment_of_a_plan(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill(), order.refund(charge=2, at=day("2023-05-12"))]


@row({}, on="2023-03-15")
def refund_of_a_paid_trial(life: Life) -> Sequence[Step]:
    order = life.buys(PAID_TRIAL, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12"))]


@row({}, on="2023-03-26")
def refund_of_a_deferred_price(life: Life) -> Sequence[Step]:
    order = life.buys(DEFERRED, on="2023-03-10")
    return [order.success(), order.rebill(), order.refund(charge=1, at=day("2023-03-26"))]


@row({EVER: None, SEASON: SEASON_ENDS})
def refund_of_the_bump_only(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, BUMP, UPSELL, on="2023-03-10")
    return [order.success(), order.refund("bump-201", at=day("2023-03-12"))]


@row({EVER: None, YEAR: "2024-03-10"})
def refund_of_the_upsell_only(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, BUMP, UPSELL, on="2023-03-10")
    return [order.success(), order.refund("upsell-201", at=day("2023-03-12"))]


@row({YEAR: "2024-03-10", SEASON: SEASON_ENDS})
def refund_of_the_main_product_only(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, BUMP, UPSELL, on="2023-03-10")
    return [order.success(), order.refund("product-201", at=day("2023-03-12"))]


@row({EVER: None})
def partial_refund_changes_nothing(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, on="2023-03-10")
    return [order.success(), order.refund(net=4000, at=day("2023-03-12"))]


@row({})
def partial_refund_that_is_to_revoke(life: Life) -> Sequence[Step]:
    order = life.buys(STRICT_COURSE, on="2023-03-10")
    return [order.success(), order.refund(net=4000, at=day("2023-03-12"))]


@row({MONTH: "2023-04-13"})
def partial_refund_of_a_rebill_that_is_to_revoke(life: Life) -> Sequence[Step]:
    order = life.buys(STRICT_CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.refund(net=4000, at=day("2023-04-12"))]


@row({EVER: None})
def partial_refunds_that_leave_something(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, on="2023-03-10")
    return [order.success(), *(order.refund(net=3000, at=day(f"2023-03-{date}")) for date in (12, 13, 14))]


@row({})
def partial_refunds_that_add_up_to_all(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, on="2023-03-10")
    refunds = [order.refund(net=net, at=day(f"2023-03-{date}")) for date, net in ((12, 3000), (13, 3000), (14, 4000))]
    return [order.success(), *refunds]


@row({})
def refund_whose_order_never_came(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, on="2023-03-10")
    return [order.refund(at=day("2023-03-12"))]


CLUB_ENDS_NOW = on_sale("product-220", MONTH, frequency="month", rule={"on_cancel": "now"})
CLUB_STAYS = on_sale("product-221", MONTH, frequency="month", rule={"on_cancel": "keep"})
CLUB_FOR_EVER = on_sale("product-222", MONTH, frequency="month", rule={"access": "forever"})
CLUB_NINETY = on_sale("product-223", MONTH, frequency="month", rule={"access": "90 days"})
UPSELL_CLUB = on_sale("upsell-220", SEASON, frequency="month")
PERIOD_END = ("subscription.billing_period_end", "subscription.billing_period_end_iso8601")


@row({MONTH: "2023-05-10"}, on="2023-05-10", complete=2)
def cancelled_at_the_end_of_the_period(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({MONTH: "2023-05-10"}, on="2023-05-10", complete=2)
def cancelled_without_a_word_about_the_end_of_the_period(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20")).without(*PERIOD_END)]


@row({}, on="2023-04-20", complete=1)
def cancelled_at_once(life: Life) -> Sequence[Step]:
    # The first charge's period was over: it stays a paid one.
    order = life.buys(CLUB_ENDS_NOW, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({MONTH: "2023-05-13"}, on="2023-05-12", complete=2)
def cancelled_and_left_as_it_was(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_STAYS, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({MONTH: "2023-06-13"}, on="2023-06-01", complete=3)
def cancelled_and_paid_again(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20")), order.rebill()]


@row({MONTH: "2023-03-17"}, on="2023-03-16")
def cancelled_in_the_trial(life: Life) -> Sequence[Step]:
    order = life.buys(FREE_TRIAL, on="2023-03-10")
    return [order.success(), order.cancel(at=day("2023-03-12"))]


@row({EVER: "2023-05-10"}, on="2023-05-09", complete=2)
def cancelled_payment_plan(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({EVER: None}, complete=3)
def cancelled_after_the_last_payment_of_a_plan(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill(), order.cancel(at=day("2023-05-20"))]


@row({MONTH: "2023-05-10"}, complete=2)
def cancelled_where_each_charge_gave_access_for_ever(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_FOR_EVER, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({MONTH: "2023-05-10"}, complete=2)
def cancelled_where_each_charge_gave_ninety_days(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_NINETY, on="2023-03-10")
    return [order.success(), order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({MONTH: "2023-05-13", SEASON: "2023-05-10"}, complete=4)
def cancelled_upsell_only(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, UPSELL_CLUB, on="2023-03-10")
    rebills = [order.rebill("product-210"), order.rebill("upsell-220")]
    return [order.success(), *rebills, order.cancel("upsell-220", at=day("2023-04-20"))]


@row({MONTH: "2023-05-10"}, on="2023-05-09")
def cancelled_after_a_rebill_whose_order_never_came(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.rebill(), order.cancel(at=day("2023-04-20"))]


@row({})
def cancelled_whose_order_never_came(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.cancel(at=day("2023-03-20"))]
