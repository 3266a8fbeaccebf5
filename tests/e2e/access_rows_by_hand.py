"""Rows of the second table about people: staff, the site's owner, the seller who maps late, and other addresses.

What staff do is done on the day on which the tests run, so what they do it to lasts beyond any such day.
"""

from __future__ import annotations

from collections.abc import Sequence

from e2e.access_rows import (
    EVER,
    MONTH,
    SEASON,
    SEASON_ENDS,
    YEAR,
    Later,
    Life,
    Mapped,
    MemberGone,
    OwnersGift,
    Reconciled,
    Staff,
    Step,
    TransactionGone,
    day,
    on_sale,
    row,
)

COURSE = on_sale("product-401", EVER)
BUNDLE = on_sale("product-402", EVER, price=20000)
YEARBOOK = on_sale("product-403", YEAR)
PASS = on_sale("product-404", SEASON)
CLUB = on_sale("product-405", MONTH, frequency="month", rule={"access": "forever"})


@row({YEAR: "2097-06-30"})
def staff_grant_is_not_ended_by_a_refund(life: Life) -> Sequence[Step]:
    order = life.buys(YEARBOOK, on="2023-03-10")
    return [order.success(), Staff("grant", YEAR, "2097-06-30"), order.refund(at=day("2023-03-12"))]


@row({YEAR: "2097-06-30"})
def staff_grant_to_somebody_who_buys_later(life: Life) -> Sequence[Step]:
    order = life.buys(YEARBOOK, on="2023-03-10")
    return [Staff("grant", YEAR, "2097-06-30"), order.success(), order.refund(at=day("2023-03-12"))]


@row({SEASON: "2099-06-30"})
def staff_extension_is_not_ended_by_a_refund(life: Life) -> Sequence[Step]:
    order = life.buys(PASS, on="2023-03-10")
    return [order.success(), Staff("extend", SEASON, "2099-06-30"), order.refund(at=day("2023-03-12"))]


@row({SEASON: "2099-06-30"}, complete=2)
def staff_extension_stands_beside_what_was_bought(life: Life) -> Sequence[Step]:
    order = life.buys(PASS, on="2023-03-10")
    return [order.success(), Staff("extend", SEASON, "2099-06-30"), order.refund(net=100, at=day("2023-03-12"))]


@row({})
def staff_revocation_is_not_overwritten_by_rebills(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), Staff("revoke", MONTH), order.rebill(), order.rebill()]


@row({EVER: None})
def staff_revocation_does_not_concern_a_new_order(life: Life) -> Sequence[Step]:
    # Placed after any day on which the tests run.
    new = life.buys(COURSE, on="2090-01-01")
    return [life.buys(COURSE, on="2023-03-10").success(), Staff("revoke", EVER), new.success()]


@row({})
def staff_hold_is_not_overwritten_by_a_new_order(life: Life) -> Sequence[Step]:
    new = life.buys(BUNDLE, on="2090-01-01")
    return [life.buys(COURSE, on="2023-03-10").success(), Staff("hold", EVER), new.success()]


@row({})
def staff_hold_is_not_overwritten_by_what_becomes_of_a_subscription(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    begun = [order.success(), order.rebill()]
    changes = [order.pause(at=day("2023-04-20")), order.resume(at=day("2023-04-25")), order.rebill()]
    return [*begun, Staff("hold", MONTH), *changes]


@row({EVER: None}, complete=2)
def staff_release_gives_back_what_was_bought_meanwhile(life: Life) -> Sequence[Step]:
    first, new = life.buys(COURSE, on="2023-03-10"), life.buys(BUNDLE, on="2023-03-11")
    return [first.success(), Staff("hold", EVER), new.success(), Staff("release", EVER)]


@row({EVER: None})
def staff_release_does_not_give_back_what_was_refunded_meanwhile(life: Life) -> Sequence[Step]:
    first, second = life.buys(COURSE, on="2023-03-10"), life.buys(BUNDLE, on="2023-03-11")
    before = [first.success(), second.success()]
    return [*before, Staff("hold", EVER), first.refund(at=day("2023-03-12")), Staff("release", EVER)]


@row({YEAR: "2097-01-01"})
def what_the_owner_made_is_not_ended_by_a_refund(life: Life) -> Sequence[Step]:
    order = life.buys(YEARBOOK, on="2023-03-10")
    return [OwnersGift(YEAR, "2097-01-01"), order.success(), order.refund(at=day("2023-03-12"))]


@row({EVER: None, YEAR: "2024-03-10"})
def member_that_vanished_is_made_again_at_the_next_event(life: Life) -> Sequence[Step]:
    order, next_order = life.buys(COURSE, on="2023-03-10"), life.buys(YEARBOOK, on="2023-03-10")
    return [order.success(), MemberGone(), next_order.success()]


@row({MONTH: "2023-04-10"})
def transaction_that_vanished_is_made_again_by_an_event_about_it(life: Life) -> Sequence[Step]:
    order = life.buys(CLUB, on="2023-03-10")
    return [order.success(), TransactionGone(MONTH), order.cancel(at=day("2023-03-20"))]


FOLLOWING_COURSE = on_sale("product-420", EVER, site="club")
FOLLOWING_YEARBOOK = on_sale("product-421", YEAR, site="club")


@row({EVER: None}, site="club")
def transaction_that_vanished_is_made_again_by_reconciling(life: Life) -> Sequence[Step]:
    return [life.buys(FOLLOWING_COURSE, on="2023-03-10").success(), TransactionGone(EVER), Reconciled()]


LATE_COURSE = on_sale("product-410", EVER, late=True)
LATE_REFUNDED = on_sale("product-411", EVER, late=True)
LATE_CLUB = on_sale("product-412", MONTH, frequency="month", late=True)


@row({EVER: None})
def item_mapped_after_it_was_sold(life: Life) -> Sequence[Step]:
    return [life.buys(LATE_COURSE, on="2023-03-10").success(), Mapped("product-410")]


@row({})
def item_mapped_after_it_was_sold_and_refunded(life: Life) -> Sequence[Step]:
    order = life.buys(LATE_REFUNDED, on="2023-03-10")
    return [order.success(), order.refund(at=day("2023-03-12")), Mapped("product-411")]


@row({MONTH: "2023-06-13"}, on="2023-05-15", complete=3)
def item_mapped_between_two_rebills(life: Life) -> Sequence[Step]:
    order = life.buys(LATE_CLUB, on="2023-03-10")
    return [order.success(), order.rebill(), Mapped("product-412"), order.rebill()]


@row({EVER: None, YEAR: "2024-03-20"}, address=0)
def other_address_where_the_site_is_to_leave_it(life: Life) -> Sequence[Step]:
    first = life.buys(COURSE, on="2023-03-10")
    moved = life.moves(on="2023-03-15")
    return [first.success(), Later(), moved, life.buys(YEARBOOK, on="2023-03-20").success()]


@row({EVER: None, YEAR: "2024-03-20"}, site="club", address=1)
def other_address_where_the_site_is_to_follow(life: Life) -> Sequence[Step]:
    first = life.buys(FOLLOWING_COURSE, on="2023-03-10")
    moved = life.moves(on="2023-03-15")
    return [first.success(), Later(), moved, life.buys(FOLLOWING_YEARBOOK, on="2023-03-20").success()]


@row({EVER: None, YEAR: "2024-03-20"}, address=None)
def other_address_told_in_any_order_makes_nobody_else(life: Life) -> Sequence[Step]:
    first = life.buys(COURSE, on="2023-03-10")
    moved = life.moves(on="2023-03-15")
    return [first.success(), moved, life.buys(YEARBOOK, on="2023-03-20").success()]


@row({EVER: None, YEAR: "2024-03-20"}, site="club", address=1)
def other_address_told_in_any_order_is_followed(life: Life) -> Sequence[Step]:
    first = life.buys(FOLLOWING_COURSE, on="2023-03-10")
    moved = life.moves(on="2023-03-15")
    return [first.success(), moved, life.buys(FOLLOWING_YEARBOOK, on="2023-03-20").success()]


@row({EVER: None, SEASON: SEASON_ENDS}, address=0)
def refund_told_with_another_address_ends_its_own_order_only(life: Life) -> Sequence[Step]:
    first, second = life.buys(COURSE, on="2023-03-10"), life.buys(PASS, on="2023-03-11")
    third = life.buys(YEARBOOK, on="2023-03-12")
    before = [first.success(), second.success(), third.success()]
    moved = life.moves(on="2023-03-15")
    third.buyer = life.buyer
    return [*before, Later(), moved, third.refund(at=day("2023-03-20"))]
