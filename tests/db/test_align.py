"""Past sales brought in line with the rules and level terms in force now: what would change, and doing it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

import stored
from db.conftest import make_cart, make_site
from db.test_planning import grants, save
from factories import MONTH, line, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, MemberState, StaffChange
from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Cart, Site
from guestlist.domain.facts import Buyer, Item, Mode
from guestlist.domain.periods import Period
from guestlist.domain.terms import Level, LevelTerms
from guestlist.fulfilment import align as aligning
from guestlist.fulfilment.align import align, preview
from guestlist.fulfilment.alignment import Alignment
from guestlist.fulfilment.models import Decision, Rule
from guestlist.fulfilment.planning import replan, unmapped_items
from guestlist.orders.models import Order
from guestlist.orders.record import record

pytestmark = pytest.mark.usefixtures("cart", "sites")

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=20)
UNTIL = DUE + timedelta(days=3)
OMAR = stored.OMAR


def monthly(number: str = "7001", buyer: Buyer = stored.NORA, item: str = "product-12"):
    """A subscription that is paid now."""
    bought = line(item, name="Course", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))
    return placed(str(TODAY), bought, order_id=number, buyer=buyer)


def told(alignment: Alignment) -> list[str]:
    return [f"{change.place.email} {change}" for change in alignment.shown]


def numbers(alignment: Alignment) -> tuple[int, int, int, int]:
    return alignment.gains, alignment.loses, alignment.changes, alignment.keeps


def everything() -> list[object]:
    """All that aligning may touch."""
    return [list(model.objects.order_by("pk").values()) for model in (Grant, Member, Decision, Order, Rule)]


def test_with_nothing_changed_there_is_nothing_to_align():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())

    found = preview()

    assert found.nothing
    assert numbers(found) == (0, 0, 0, 0)
    assert found.as_text().startswith("Nothing to align")
    assert align().nothing


def test_what_was_sold_before_a_rule_named_it_is_shown_first_and_then_fulfilled():
    stored.deliver(monthly())
    assert preview().nothing, "no rule names it: there is nothing that could be done"
    save(rule("product-12", "academy/8"))
    before = everything()

    found = preview()

    assert told(found) == [f"Nora@Buyers.test gains level 8 at academy until {UNTIL}"]
    assert (found.charges, found.orders, found.people, numbers(found)) == (1, 1, 1, (1, 0, 0, 0))
    assert "from before a rule named it" in found.as_text()
    assert "guestlist align --yes" in found.as_text()
    assert everything() == before

    done = align()

    assert (done.done, done.looked_at, numbers(done)) == (True, 1, (1, 0, 0, 0))
    assert grants() == {("first", "academy", "8", str(UNTIL))}
    assert unmapped_items() == []
    assert Member.objects.get().state == MemberState.DUE


def test_a_second_run_finds_nothing_and_touches_nothing():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.update(grace_days=10)
    align()
    before = everything()

    assert preview().nothing
    assert align().nothing

    assert everything() == before


def test_a_changed_rule_tells_who_keeps_a_level_to_another_day_and_why():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.update(grace_days=10)

    found = preview()

    assert told(found) == [
        f"Nora@Buyers.test keeps level 8 at academy, but until {DUE + timedelta(days=10)} instead of until {UNTIL}"
    ]
    assert "order 7001, product-12: Course (product-12) bought on" in found.as_text()
    align()
    assert grants() == {("first", "academy", "8", str(DUE + timedelta(days=10)))}


def test_another_level_in_the_rule_takes_one_level_and_gives_another():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.update(grants=[{"site": "academy", "level": "9"}])

    found = preview()

    assert told(found) == [
        f"Nora@Buyers.test loses level 8 at academy (had it until {UNTIL})",
        f"Nora@Buyers.test gains level 9 at academy until {UNTIL}",
    ]
    align()
    assert grants() == {("first", "academy", "9", str(UNTIL))}
    assert Grant.objects.get(level="8").live is False


def test_the_site_is_part_of_what_is_gained_and_lost():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.update(grants=[{"site": "club", "level": "8"}])

    assert sorted(told(preview())) == [
        f"Nora@Buyers.test gains level 8 at club until {UNTIL}",
        f"Nora@Buyers.test loses level 8 at academy (had it until {UNTIL})",
    ]


def test_a_rule_that_was_removed_takes_nothing_until_it_is_aligned():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.all().delete()
    stored.deliver(monthly())
    assert grants() == {("first", "academy", "8", str(UNTIL))}

    found = preview()

    assert told(found) == [f"Nora@Buyers.test loses level 8 at academy (had it until {UNTIL})"]
    assert "whose rule was removed: what they give would end" in found.as_text()
    assert "the rules of today do not give it" in found.as_text()
    align()
    assert grants() == set()
    assert [entry["item"] for entry in unmapped_items()] == ["product-12"]
    stored.deliver(monthly())
    assert grants() == set(), "a repeated order does not bring it back"


def test_who_keeps_the_level_through_another_order_does_not_lose_it():
    save(rule("product-12", "academy/8"), rule("product-13", "academy/8"))
    stored.deliver(monthly("7001"))
    stored.deliver(monthly("7002", item="product-13"))
    Rule.objects.filter(item="product-12").delete()

    found = preview()

    assert numbers(found) == (0, 0, 0, 1)
    assert found.grants == 1
    assert "Nobody would gain or lose anything" in found.as_text()


def test_who_keeps_the_level_by_hand_does_not_lose_it():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    give_by_hand(Member.objects.get(), "8")
    Rule.objects.all().delete()

    found = preview()

    assert numbers(found) == (0, 0, 0, 1)


def give_by_hand(member: Member, level: str) -> None:
    act = StaffChange.objects.create(
        member=member, act="grant", level=level, who="mia", why="a prize", at=timezone.now()
    )
    Grant.objects.create(
        member=member,
        site_id=member.site_id,
        staff_change=act,
        level=level,
        ref=f"gl-hand-{act.pk}",
        reason="a prize",
        charged_at=act.at,
    )


def test_what_staff_denied_is_not_given_by_another_rule():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    StaffChange.objects.create(member=Member.objects.get(), act="hold", who="mia", why="a dispute", at=timezone.now())
    Rule.objects.update(grants=[{"site": "academy", "level": "9"}])

    assert preview().gains == 0


@pytest.mark.parametrize("batch", [1, 2, 200])
def test_who_loses_a_level_with_all_their_orders_loses_it_once(batch, monkeypatch):
    monkeypatch.setattr(aligning, "BATCH", batch)
    save(rule("product-12", "academy/8"))
    for number in ("7001", "7002", "7003"):
        stored.deliver(monthly(number))
    stored.deliver(monthly("7004", OMAR))
    Rule.objects.all().delete()

    found = preview()

    assert (found.loses, found.orders, found.people) == (2, 4, 2)
    assert numbers(align()) == numbers(found)
    assert grants() == set()


@pytest.mark.parametrize("batch", [1, 200])
def test_one_address_at_two_carts_is_one_person_at_a_site(batch, monkeypatch):
    monkeypatch.setattr(aligning, "BATCH", batch)
    make_cart("other")
    stored.deliver(monthly("7001"))
    stored.deliver(monthly("7001", Buyer("nora@buyers.test", "77")), cart="other")
    save(rule("product-12", "academy/8"))
    save(rule("product-12", "academy/8"), cart="other")

    found = preview()

    assert (found.gains, found.orders) == (1, 2)
    align()
    assert Member.objects.count() == 1
    assert Grant.objects.filter(live=True).count() == 2


@pytest.mark.parametrize("batch", [1, 200])
def test_what_is_done_is_told_at_each_site_of_a_person_with_several_orders(batch, monkeypatch):
    """The person's orders are done together at one site; what the later one gives elsewhere is told with them."""
    monkeypatch.setattr(aligning, "BATCH", batch)
    save(rule("product-12", "academy/8"), rule("product-13", "academy/8", "club/10"))
    stored.deliver(monthly("7001"))
    stored.deliver(monthly("7002", item="product-13"))
    Rule.objects.update(grace_days=10)

    expected = told(preview())
    done = align()

    assert sorted(told(done)) == sorted(expected)
    assert numbers(done) == (0, 0, 2, 0)


@pytest.mark.parametrize("batch", [1, 200])
def test_who_has_another_address_at_the_cart_by_now_is_seen_with_all_their_orders(batch, monkeypatch):
    monkeypatch.setattr(aligning, "BATCH", batch)
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly("7001"))
    new = replace(stored.NORA, email="nora@home.test")
    stored.deliver(monthly("7002", new, "product-14"))
    Member.objects.update(remote_id="41")
    Rule.objects.update(grants=[{"site": "academy", "level": "9"}])
    save(rule("product-14", "academy/9", grace_days=20))

    found = preview()

    assert told(found) == [
        f"Nora@Buyers.test loses level 8 at academy (had it until {UNTIL})",
        f"Nora@Buyers.test gains level 9 at academy until {DUE + timedelta(days=20)}",
    ]
    assert told(align()) == told(found)
    assert access()["Nora@Buyers.test", "academy", "9"] == f"until {DUE + timedelta(days=20)}"


def test_level_terms_that_changed_since_count_too():
    save(rule("product-12", "academy/9"))
    stored.deliver(placed(str(TODAY), line("product-12", paid_minor=9900)))
    terms_of_silver("2 years")

    found = preview()

    year, years = Period.parse("1 year").after(TODAY), Period.parse("2 years").after(TODAY)
    assert told(found) == [f"nora@buyers.test keeps level 9 at academy, but until {years} instead of until {year}"]
    assert "other level terms" in found.as_text()
    align()
    assert grants() == {("first", "academy", "9", str(years))}
    assert preview().nothing


def terms_of_silver(text: str) -> None:
    Site.objects.filter(pk="academy").update(
        levels=levels_to_json([Level("9", "Silver", LevelTerms(period=Period.parse(text)))])
    )


def test_terms_do_not_count_where_the_rule_says_how_long():
    save(rule("product-12", "academy/9", access="90 days"))
    stored.deliver(monthly())
    terms_of_silver("2 years")

    assert preview().nothing


def test_terms_that_cannot_be_read_now_stay_as_they_were_decided():
    save(rule("product-12", "academy/9"))
    stored.deliver(placed(str(TODAY), line("product-12", paid_minor=9900)))
    Site.objects.filter(pk="academy").update(levels=[], levels_read_at=None)
    Rule.objects.update(grace_days=9)

    align()

    assert grants() == {("first", "academy", "9", str(Period.parse("1 year").after(TODAY)))}
    assert Grant.objects.get().state == GrantState.DUE


def test_a_level_whose_terms_were_never_read_is_gained_for_nobody_knows_how_long():
    make_site("young", levels=[], levels_read_at=None)
    stored.deliver(placed(str(TODAY), line("product-12", paid_minor=9900)))
    save(rule("product-12", "young/9"))

    assert "not known yet" in told(preview())[0]


def test_a_level_that_the_site_does_not_have_is_gained_by_nobody():
    stored.deliver(placed(str(TODAY), line("product-12", paid_minor=9900)))
    save(rule("product-12", "academy/77"))

    assert preview().gains == 0


def test_a_charge_that_is_no_more_is_not_to_be_aligned_for_ever():
    """Read again after an update, a delivery may tell of another item than before."""
    save(rule("product-12", "academy/8"))
    delivery = stored.deliver(monthly())
    with transaction.atomic():
        for order in record("shop", [monthly(item="product-13")], delivery.pk).orders:
            replan(order)
    Rule.objects.update(grace_days=10)

    align(item=Item.parse("product-13"))
    assert Decision.objects.count() == 1, "another item's"
    align()

    assert preview().nothing
    assert not Decision.objects.exists()


def test_only_the_cart_and_item_that_were_named_are_aligned():
    make_cart("other")
    for cart in ("shop", "other"):
        save(rule("product-12", "academy/8"), rule("product-13", "academy/9"), cart=cart)
        stored.deliver(monthly("7001"), monthly("7002", item="product-13"), cart=cart)
    Rule.objects.update(grace_days=10)

    assert preview().charges == 4
    assert preview(cart="other").charges == 2
    assert preview(cart="other", item=Item.parse("product-13")).charges == 1
    align(cart="other", item=Item.parse("product-13"))

    assert preview().charges == 3
    later = DUE + timedelta(days=10)
    assert [(grant.order.cart_id, grant.item) for grant in Grant.objects.filter(until_on=later)] == [
        ("other", "product-13")
    ]


def test_an_item_of_an_order_is_aligned_without_its_other_items():
    save(rule("product-12", "academy/8"), rule("bump-3", "academy/9"))
    stored.deliver(placed(str(TODAY), line("product-12"), line("bump-3")))
    Rule.objects.update(grants=[{"site": "academy", "level": "10"}])

    align(item=Item.parse("bump-3"))

    assert {(grant.item, grant.level) for grant in Grant.objects.filter(live=True)} == {
        ("product-12", "8"),
        ("bump-3", "10"),
    }


def test_a_disconnected_cart_keeps_what_it_gave():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.all().delete()
    Cart.objects.update(active=False)

    assert preview().nothing
    align()

    assert grants() == {("first", "academy", "8", str(UNTIL))}


def test_orders_that_are_not_fulfilled_are_left_alone():
    make_cart("trial", mode="test")
    for mode, number in ((Mode.TEST, "1"), (Mode.LIVE, "2"), (Mode.UNKNOWN, "3")):
        stored.deliver(placed(str(TODAY), line("product-12"), mode=mode, order_id=number), cart="trial")
    save(rule("product-12", "academy/8"), cart="trial")

    assert (preview().orders, align().looked_at) == (1, 1)
    assert Grant.objects.get().order.mode == "test"


def test_a_run_that_was_interrupted_goes_on_where_it_was():
    for number in range(5):
        stored.deliver(monthly(str(7001 + number), Buyer(f"buyer{number}@buyers.test", str(number))))
    save(rule("product-12", "academy/8"))

    first = align(at_most=2)
    assert (first.looked_at, first.orders) == (2, 5)
    assert first.next_after is not None
    assert Grant.objects.count() == 2

    second = align()
    assert (second.looked_at, second.orders, second.next_after) == (3, 3, None)
    assert Grant.objects.count() == 5


def test_a_preview_can_be_read_in_parts():
    for number in range(5):
        stored.deliver(monthly(str(7001 + number), Buyer(f"buyer{number}@buyers.test", str(number))))
    save(rule("product-12", "academy/8"))

    first = preview(at_most=3)
    second = preview(after=first.next_after or 0)

    assert (first.gains, second.gains, second.next_after) == (3, 2, None)


def test_progress_is_told_batch_by_batch(monkeypatch):
    monkeypatch.setattr(aligning, "BATCH", 2)
    for number in range(5):
        stored.deliver(monthly(str(7001 + number), Buyer(f"buyer{number}@buyers.test", str(number))))
    save(rule("product-12", "academy/8"))
    seen = []

    align(progress=lambda done, total: seen.append((done, total)))

    assert seen == [(2, 5), (4, 5), (5, 5)]


def test_only_some_people_are_shown_and_the_others_are_counted():
    for number in range(5):
        stored.deliver(monthly(str(7001 + number), Buyer(f"buyer{number}@buyers.test", str(number))))
    save(rule("product-12", "academy/8"))

    found = preview(shown=2)

    assert (found.gains, len(found.shown)) == (5, 2)
    assert "and 3 more" in found.as_text()


def test_a_rebill_already_follows_the_new_rule_and_the_charges_before_it_do_not():
    save(rule("product-12", "academy/8"))
    stored.deliver(monthly())
    Rule.objects.update(grace_days=10)
    stored.deliver(rebill(str(TODAY), index=2, next_due_at=str(DUE), frequency=MONTH))

    found = preview()

    assert (found.charges, found.grants, numbers(found)) == (1, 1, (0, 0, 0, 1))


@pytest.mark.parametrize("change", ["grace", "level", "removed", "mapped", "site"])
def test_what_the_preview_says_is_what_aligning_does(change):
    """The preview foresees; this compares it with what was written."""
    save(rule("product-12", "academy/8"), rule("product-13", "academy/8", "club/10"))
    for number in range(6):
        buyer = Buyer(f"buyer{number % 3}@buyers.test", str(number))
        item = "product-14" if number == 5 else f"product-{12 + number % 2}"
        stored.deliver(monthly(str(7001 + number), buyer, item))
    match change:
        case "grace":
            Rule.objects.update(grace_days=0)
        case "level":
            Rule.objects.filter(item="product-13").update(grants=[{"site": "academy", "level": "9"}])
        case "removed":
            Rule.objects.filter(item="product-12").delete()
        case "mapped":
            save(rule("product-14", "club/10"))
        case "site":
            Rule.objects.update(grants=[{"site": "club", "level": "10"}])
    before = access()

    found = preview(shown=1000)
    align()

    expected = {(one.place.email, one.place.site, one.level, str(one.before), str(one.after)) for one in found.shown}
    after = access()
    assert expected
    assert expected == {
        (*key, before.get(key, "no access"), after.get(key, "no access"))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }


def access() -> dict[tuple[str, str, str], str]:
    """What each person has of each level, reckoned from the rows."""
    found: dict[tuple[str, str, str], str] = {}
    for grant in Grant.objects.filter(live=True).select_related("member"):
        key = (grant.member.email, grant.member.site_id, grant.level)
        until = f"until {grant.until_on}" if grant.until_on else "for ever"
        found[key] = max(found.get(key, ""), until, key=lambda text: (text == "for ever", text))
    return found
