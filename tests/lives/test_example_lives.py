"""Lives found by thinking, told to the same books: each has a trap in it."""

from __future__ import annotations

from datetime import date

import pytest

from lives.oracle import EVER, Terms
from lives.shop import ARCHIVE, CLUB, COURSE, LETTERS, LIFETIME, STUDIO, WORKBOOK
from lives.story import Story
from lives.world import World

GOLD = (("academy", "8"),)
LIFELONG = (("academy", "10"),)


def story(world: World, **club: object) -> Story:
    """Everything on sale gives something; the monthly club gives level 8 until 3 days after its next charge is due."""
    return Story(
        world,
        {
            CLUB: Terms(grants=GOLD, **club),  # type: ignore[arg-type]
            STUDIO: Terms(grants=GOLD),
            LETTERS: Terms(grants=(("club", "8"),)),
            COURSE: Terms(grants=(("academy", "9"),)),
            LIFETIME: Terms(grants=(("academy", "10"), ("club", "10"))),
            WORKBOOK: Terms(grants=GOLD, access="90 days"),
            ARCHIVE: Terms(grants=LIFELONG),
        },
    )


def test_of_three_refused_tries_the_first_counts_and_a_payment_mends_them_all(world):
    life = story(world, on_failed_payment="suspend")
    bought = life.buys("nora", CLUB)
    refusals = []
    life.tell(bought.success())
    assert life.has("nora", "academy") == {"8": date(2026, 2, 8)}
    for days in (31, 7, 7):  # on the day it was due; and twice when the grace was over anyway
        refusals.append(bought.refuse(CLUB, life.wait(days=days)))
    life.tell(*reversed(refusals))
    assert life.has("nora", "academy") == {}

    life.tell(bought.rebill(CLUB, life.wait(days=1)))

    assert life.has("nora", "academy") == {"8": date(2026, 3, 8)}


def test_a_charge_that_succeeds_in_the_second_of_its_refusal_counts(world):
    life = story(world, on_failed_payment="suspend")
    bought = life.buys("nora", CLUB)
    now = life.wait(days=31)
    refused, paid = bought.refuse(CLUB, now), bought.rebill(CLUB, now)
    life.tell(bought.success(), paid, refused)

    assert life.has("nora", "academy") == {"8": date(2026, 3, 8)}


def test_a_pause_taken_back_in_the_same_second_leaves_no_trace(world):
    life = story(world, on_pause="now")
    bought = life.buys("nora", CLUB)
    life.tell(bought.success())
    now = life.wait(days=5)
    paused, resumed = bought.pause(CLUB, now), bought.resume(CLUB, now)
    life.tell(resumed, paused)
    assert life.has("nora", "academy") == {"8": date(2026, 2, 8)}

    life.tell(bought.pause(CLUB, life.wait(days=1)))
    assert life.has("nora", "academy") == {}
    life.tell(bought.resume(CLUB, life.wait(days=1)))
    assert life.has("nora", "academy") == {"8": date(2026, 2, 8)}


def test_an_upgrade_whose_order_comes_before_the_cancellation_that_it_caused_keeps_its_own(world):
    life = story(world, on_cancel="now")
    small = life.buys("nora", CLUB)
    life.tell(small.success())
    life.wait(days=10)
    large = life.buys("nora", STUDIO)
    cancelled = small.cancel(CLUB, life.now)
    life.tell(large.success())
    life.tell(cancelled)
    assert life.has("nora", "academy") == {"8": date(2026, 2, 18)}

    life.tell(small.success(), encoding="json")
    life.replay()

    assert life.has("nora", "academy") == {"8": date(2026, 2, 18)}


def test_a_cancelled_subscription_ends_with_its_period_and_a_later_refund_of_a_stray_charge_does_not_revive_it(world):
    life = story(world)
    bought = life.buys("nora", CLUB)
    life.tell(bought.success(), bought.cancel(CLUB, life.wait(days=3)))
    assert life.has("nora", "academy") == {"8": date(2026, 2, 5)}

    life.tell(bought.rebill(CLUB, life.wait(days=28)))
    assert life.has("nora", "academy") == {"8": date(2026, 3, 8)}
    life.tell(bought.refund(CLUB, CLUB.price, life.wait(hours=1)))

    assert life.has("nora", "academy") == {"8": date(2026, 2, 5)}


def test_two_parts_that_add_up_to_a_charge_end_it_also_if_they_come_before_it(world):
    life = story(world)
    bought = life.buys("nora", CLUB)
    life.tell(bought.success())
    rebill = bought.rebill(CLUB, life.wait(days=31))
    parts = [bought.refund(CLUB, net, life.wait(days=1)) for net in (1000, CLUB.price - 1000)]
    life.tell(*parts)
    life.check()
    life.tell(rebill)

    assert life.has("nora", "academy") == {"8": date(2026, 2, 8)}


def test_a_refund_of_the_bump_leaves_the_product_and_the_upsell_of_the_same_number(world):
    life = story(world)
    bought = life.buys("nora", CLUB, WORKBOOK, ARCHIVE)
    life.tell(bought.success([CLUB.item]))
    life.tell(bought.success())
    assert life.has("nora", "academy") == {"8": date(2026, 4, 5), "10": date(2026, 1, 15)}

    life.tell(bought.refund(WORKBOOK, WORKBOOK.price, life.wait(days=2)))

    assert life.has("nora", "academy") == {"8": date(2026, 2, 8), "10": date(2026, 1, 15)}


def test_what_was_paid_in_full_is_not_touched_by_what_comes_after_it(world):
    life = story(world)
    life.set_rule(STUDIO, Terms(grants=GOLD, on_cancel="now", on_pause="now", on_failed_payment="suspend"))
    bought = life.buys("nora", STUDIO)
    charges = [bought.rebill(STUDIO, life.wait(days=31)) for _ in range(2)]
    late = [
        bought.refuse(STUDIO, life.wait(days=1)),
        bought.pause(STUDIO, life.wait(days=1)),
        bought.cancel(STUDIO, life.wait(days=1)),
    ]
    life.tell(*late, *charges)
    assert life.has("nora", "academy") == {"8": EVER}, "also before its order came"
    life.tell(bought.success())

    assert life.has("nora", "academy") == {"8": EVER}


def test_staff_take_away_what_was_bought_so_far_and_a_new_order_gives_access_again(world):
    life = story(world)
    old = life.buys("nora", CLUB)
    life.tell(old.success())
    life.wait(days=2)
    assert life.staff("nora", "academy", "revoke", "8")
    assert life.has("nora", "academy") == {}
    life.tell(old.rebill(CLUB, life.wait(days=29)))
    assert life.has("nora", "academy") == {}, "the old subscription goes on, and gives nothing"

    life.tell(life.buys("nora", STUDIO).success())
    assert life.has("nora", "academy") == {"8": date(2026, 3, 8)}
    assert life.staff("nora", "academy", "hold")
    assert life.has("nora", "academy") == {}
    life.tell(life.buys("nora", LIFETIME).success())
    assert (life.has("nora", "academy"), life.has("nora", "club")) == ({}, {"10": EVER})

    assert life.staff("nora", "academy", "release")
    assert life.has("nora", "academy") == {"8": date(2026, 3, 8), "10": EVER}


def test_what_staff_and_the_sites_owner_gave_survives_refunds_and_replays(world):
    life = story(world)
    bought = life.buys("nora", COURSE)
    life.owner_acts("nora", "academy", "9")
    life.tell(bought.success())
    life.wait(days=1)
    assert life.staff("nora", "academy", "extend", "9", date(2027, 6, 30))
    assert life.has("nora", "academy") == {"9": date(2027, 6, 30)}

    life.tell(bought.refund(COURSE, COURSE.price, life.wait(days=1)))
    life.replay()

    assert life.has("nora", "academy") == {"9": date(2027, 6, 30)}


def test_a_customer_who_moves_stays_one_member_wherever_they_buy(world):
    life = story(world)
    first, second = life.buys("nora", CLUB), life.buys("nora", LETTERS)
    life.tell(first.success())
    life.wait(days=1)
    moved = life.moves("nora", [first, second])
    life.tell(moved)
    life.tell(second.success())
    life.tell(first.rebill(CLUB, life.wait(days=30)))

    assert life.has("nora", "academy") == {"8": date(2026, 3, 8)}
    assert life.has("nora", "club") == {"8": date(2026, 1, 15)}


def test_a_rule_that_changes_is_for_what_is_charged_from_then_on(world):
    life = story(world)
    bought = life.buys("nora", CLUB)
    life.tell(bought.success())
    life.check()
    life.set_rule(CLUB, Terms(grants=(("club", "10"),), access="forever"))
    life.replay()
    assert life.has("nora", "academy") == {"8": date(2026, 2, 8)}

    life.tell(bought.rebill(CLUB, life.wait(days=31)))

    assert (life.has("nora", "academy"), life.has("nora", "club")) == ({"8": date(2026, 2, 8)}, {"10": EVER})


@pytest.mark.parametrize("kind", ["close_after_work", "html_200_after_work", "truncated_json_after_work"])
def test_a_refund_whose_answer_is_lost_is_made_once(world, kind):
    life = story(world)
    bought = life.buys("nora", COURSE)
    life.tell(bought.success())
    life.check()
    life.spoil("academy", "POST /transactions", kind)
    life.tell(bought.refund(COURSE, COURSE.price, life.wait(days=1)))

    assert life.has("nora", "academy") == {}


@pytest.mark.parametrize("refunded", [False, True])
def test_death_at_any_moment_between_delivery_and_access_neither_loses_nor_doubles(world, refunded):
    """Each time another buyer, and one write to the database more; until the work is done without dying."""
    life = story(world)
    for write in range(100):
        bought = life.buys(f"buyer{write}", LIFETIME)
        life.tell(bought.success())
        if refunded:
            life.check()
            life.tell(bought.refund(LIFETIME, LIFETIME.price, life.wait(days=1)))
        life.dies_at = write
        life.check()
        if not life.death.happened:
            break
    assert 10 < write < 99
