"""Rows of the second table about payments that fail, pauses, and purchases that overlap."""

from __future__ import annotations

from collections.abc import Sequence

from e2e.access_rows import EVER, MONTH, YEAR, Life, Step, day, on_sale, row

CLUB = on_sale("product-301", MONTH, frequency="month")
SUSPENDED_CLUB = on_sale("product-302", MONTH, frequency="month", rule={"on_failed_payment": "suspend"})
OPEN_CLUB = on_sale("product-303", MONTH, frequency="month", rule={"on_failed_payment": "keep"})
PLAN = on_sale("product-304", EVER, frequency="month", charges=2, rule={"on_failed_payment": "suspend"})


@row({MONTH: "2023-04-13"}, on="2023-04-13")
def failed_payment_within_the_grace(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed()]


@row({}, on="2023-04-14", complete=1)
def failed_payment_after_the_grace(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed()]


@row({MONTH: "2023-05-13"}, on="2023-05-01", complete=2)
def failed_payment_mended(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed(), order.rebill(at=day("2023-04-12"))]


@row({}, on="2023-04-11")
def failed_payment_that_suspends(life: Life) -> Sequence[Step]:
    order = life.buys(SUSPENDED_CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed()]


@row({}, on="2023-04-11")
def failed_payment_that_suspends_tried_three_times(life: Life) -> Sequence[Step]:
    # The last try comes when access would have been over anyway; the first one counts.
    order = life.buys(SUSPENDED_CLUB, on="2023-03-10")
    return [order.success(), *(order.rebill_failed(at=day(f"2023-04-{date}")) for date in (10, 13, 16))]


@row({MONTH: "2023-05-13"}, on="2023-04-13", complete=2)
def failed_payment_that_suspends_mended(life: Life) -> Sequence[Step]:
    order = life.buys(SUSPENDED_CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed(), order.rebill(at=day("2023-04-12"))]


@row({}, on="2023-04-13")
def failed_payment_that_suspends_mended_by_a_payment_that_was_refunded(life: Life) -> Sequence[Step]:
    order = life.buys(SUSPENDED_CLUB, on="2023-03-10")
    mended = [order.rebill_failed(), order.rebill(at=day("2023-04-12"))]
    return [order.success(), *mended, order.refund(charge=1, at=day("2023-04-13"))]


@row({}, on="2023-04-11", complete=1)
def failed_payment_that_suspends_after_access_was_over(life: Life) -> Sequence[Step]:
    order = life.buys(SUSPENDED_CLUB, on="2023-02-10")
    return [order.success(), order.rebill_failed(at=day("2023-04-10"))]


@row({EVER: None}, complete=2)
def failed_payment_after_the_last_payment_of_a_plan(life: Life) -> Sequence[Step]:
    order = life.buys(PLAN, on="2023-03-10")
    return [order.success(), order.rebill(), order.rebill_failed(at=day("2023-04-12"))]


@row({MONTH: None}, on="2023-09-01")
def failed_payment_that_keeps_access_open(life: Life) -> Sequence[Step]:
    order = life.buys(OPEN_CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed()]


@row({MONTH: "2023-05-13"}, on="2023-05-01", complete=2)
def failed_payment_that_keeps_access_open_mended(life: Life) -> Sequence[Step]:
    order = life.buys(OPEN_CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed(), order.rebill(at=day("2023-04-12"))]


@row({MONTH: "2023-04-10"}, on="2023-04-10")
def failed_payment_that_keeps_access_open_cancelled(life: Life) -> Sequence[Step]:
    order = life.buys(OPEN_CLUB, on="2023-03-10")
    return [order.success(), order.rebill_failed(), order.cancel(at=day("2023-04-12"))]


CLUB_PAUSED_NOW = on_sale("product-310", MONTH, frequency="month", rule={"on_pause": "now"})
CLUB_STAYS = on_sale("product-311", MONTH, frequency="month", rule={"on_pause": "keep"})


@row({MONTH: "2023-05-10"}, on="2023-05-10", complete=2)
def paused_at_the_end_of_the_period(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), order.pause(at=day("2023-04-20"))]


@row({MONTH: "2023-05-13"}, on="2023-05-10", complete=2)
def paused_at_the_end_of_the_period_and_resumed(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    changes = [order.pause(at=day("2023-04-20")), order.resume(at=day("2023-04-25"))]
    return [order.success(), order.rebill(), *changes]


@row({}, on="2023-04-20", complete=1)
def paused_at_once(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PAUSED_NOW, on="2023-03-10")
    return [order.success(), order.rebill(), order.pause(at=day("2023-04-20"))]


@row({MONTH: "2023-05-13"}, on="2023-04-25", complete=2)
def paused_at_once_and_resumed_within_the_paid_period(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PAUSED_NOW, on="2023-03-10")
    changes = [order.pause(at=day("2023-04-20")), order.resume(at=day("2023-04-25"))]
    return [order.success(), order.rebill(), *changes]


@row({MONTH: "2023-08-04"}, on="2023-07-15", complete=3)
def paused_at_once_resumed_later_and_paid(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PAUSED_NOW, on="2023-03-10")
    before = [order.success(), order.rebill(), order.pause(at=day("2023-04-20"))]
    return [*before, order.resume(at=day("2023-07-01")), order.rebill(at=day("2023-07-01"), restart=True)]


@row({}, on="2023-04-28", complete=1)
def paused_at_once_resumed_and_paused_again(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PAUSED_NOW, on="2023-03-10")
    changes = [order.pause(at=day("2023-04-20")), order.resume(at=day("2023-04-25")), order.pause(at=day("2023-04-28"))]
    return [order.success(), order.rebill(), *changes]


@row({MONTH: "2023-06-13"}, on="2023-05-15", complete=3)
def paused_at_once_and_paid_all_the_same(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_PAUSED_NOW, on="2023-03-10")
    return [order.success(), order.rebill(), order.pause(at=day("2023-04-20")), order.rebill()]


@row({MONTH: "2023-05-13"}, on="2023-05-12", complete=2)
def paused_and_left_as_it_was(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB_STAYS, on="2023-03-10")
    return [order.success(), order.rebill(), order.pause(at=day("2023-04-20"))]


COURSE = on_sale("product-320", EVER)
BUNDLE = on_sale("product-321", EVER, price=20000)
SAME_AS_BUMP = on_sale("bump-320", EVER, price=1900)
EXTRA = on_sale("bump-321", YEAR, price=1900)
LATER_OFFER = on_sale("upsell-320", MONTH, price=4900)
ENDING_CLUB = on_sale("product-322", EVER, frequency="month", rule={"on_cancel": "now"})
YEAR_CLUB = on_sale("product-323", MONTH, price=29000, frequency="year")
CLUB_ENDS_NOW = on_sale("product-324", MONTH, frequency="month", rule={"on_cancel": "now"})


@row({EVER: None})
def two_items_give_one_level_and_one_is_refunded(life: Life) -> Sequence[Step]:
    first, second = life.buys(COURSE, on="2023-03-10"), life.buys(BUNDLE, on="2023-03-11")
    return [first.success(), second.success(), first.refund(at=day("2023-03-12"))]


@row({EVER: None})
def one_item_bought_twice_and_refunded_once(life: Life) -> Sequence[Step]:
    first, second = life.buys(COURSE, on="2023-03-10"), life.buys(COURSE, on="2023-03-11")
    return [first.success(), second.success(), second.refund(at=day("2023-03-12"))]


@row({EVER: None})
def two_items_of_one_order_give_one_level_and_one_is_refunded(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, SAME_AS_BUMP, on="2023-03-10")
    return [order.success(), order.refund("product-320", at=day("2023-03-12"))]


@row({}, complete=0)
def two_items_give_one_level_and_both_are_refunded(life: Life) -> Sequence[Step]:
    first, second = life.buys(COURSE, on="2023-03-10"), life.buys(BUNDLE, on="2023-03-11")
    refunds = [first.refund(at=day("2023-03-12")), second.refund(at=day("2023-03-13"))]
    return [first.success(), second.success(), *refunds]


@row({EVER: None}, on="2023-03-21")
def subscription_ends_where_the_same_level_was_bought_for_ever(life: Life) -> Sequence[Step]:
    club, course = life.buys(ENDING_CLUB, on="2023-03-10"), life.buys(COURSE, on="2023-03-11")
    return [club.success(), course.success(), club.cancel(at=day("2023-03-20"))]


@row({MONTH: "2024-03-23"}, complete=2)
def upgrade_that_cancels_the_old_subscription_of_the_same_level(life: Life) -> Sequence[Step]:
    monthly, yearly = life.buys(CLUB, on="2023-03-10"), life.buys(YEAR_CLUB, on="2023-03-20")
    return [monthly.success(), yearly.success(), monthly.cancel(at=day("2023-03-20"))]


@row({MONTH: "2024-03-23"})
def upgrade_that_cancels_the_old_subscription_at_once(life: Life) -> Sequence[Step]:
    monthly, yearly = life.buys(CLUB_ENDS_NOW, on="2023-03-10"), life.buys(YEAR_CLUB, on="2023-03-20")
    return [monthly.success(), yearly.success(), monthly.cancel(at=day("2023-03-20"))]


@row({MONTH: "2023-04-10"})
def upgrade_refunded_leaves_the_rest_of_the_old_subscription(life: Life) -> Sequence[Step]:
    monthly, yearly = life.buys(CLUB, on="2023-03-10"), life.buys(YEAR_CLUB, on="2023-03-20")
    ends = [monthly.cancel(at=day("2023-03-20")), yearly.refund(at=day("2023-03-25"))]
    return [monthly.success(), yearly.success(), *ends]


@row({EVER: None, YEAR: "2024-03-10", MONTH: "2023-04-10"})
def repeated_order_with_more_items(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, EXTRA, LATER_OFFER, on="2023-03-10")
    return [order.success(only=["product-320"]), order.success(only=["product-320", "bump-321"]), order.success()]


@row({EVER: None, YEAR: "2024-03-10"})
def repeated_order_with_fewer_items(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, EXTRA, on="2023-03-10")
    return [order.success(), order.success(only=["product-320"])]


@row({YEAR: "2024-03-10"})
def repeated_order_with_more_items_after_a_refund(life: Life) -> Sequence[Step]:
    order = life.buys(COURSE, EXTRA, on="2023-03-10")
    refund = order.refund("product-320", at=day("2023-03-12"))
    return [order.success(only=["product-320"]), refund, order.success()]
