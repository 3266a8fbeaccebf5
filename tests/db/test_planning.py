"""From recorded facts to grants in the database: identity, modes, decisions, repetition."""

from __future__ import annotations

import itertools

import pytest
from django.db import transaction
from django.utils import timezone

from db.conftest import make_cart, make_site
from factories import MONTH, line, moment, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer, CustomerChanged, Mode
from guestlist.domain.periods import Period
from guestlist.domain.terms import Level, LevelTerms
from guestlist.fulfilment.models import Decision, Rule
from guestlist.fulfilment.planning import replan, replan_blocked, unmapped_items
from guestlist.fulfilment.rules import as_row
from guestlist.orders.models import Customer, Fact, Order
from guestlist.orders.record import record

pytestmark = pytest.mark.usefixtures("cart", "sites")

deliveries = itertools.count(1)

MONTHLY = placed("2026-03-10", line("product-12", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10"))
SECOND = rebill("2026-04-10 06:02", index=2, next_due_at="2026-05-10", frequency=MONTH)
NORA = Buyer("nora@buyers.test", "910000000000000001", "Nora", "Lind")


def deliver(*facts, delivery: int | None = None, cart: str = "shop"):
    with transaction.atomic():
        for order in record(cart, facts, delivery or next(deliveries)).orders:
            replan(order)


def save(*rules, cart: str = "shop"):
    for one in rules:
        as_row(cart, one).save()


def grants() -> set[tuple[str, str, str, str]]:
    return {
        (grant.charge_key, grant.member.site_id, grant.level, str(grant.until_on or "for ever"))
        for grant in Grant.objects.filter(live=True).select_related("member")
    }


def test_an_order_makes_a_customer_a_member_and_grants_that_are_due():
    save(rule("product-12", "academy/8", "club/10"))

    deliver(MONTHLY)

    assert grants() == {("first", "academy", "8", "2026-04-13"), ("first", "club", "10", "2026-04-13")}
    customer = Customer.objects.get()
    assert (customer.external_id, customer.email) == ("910000000000000001", "nora@buyers.test")
    assert (customer.first_name, customer.last_name) == ("Nora", "Lind")
    assert {m.state for m in Member.objects.all()} == {MemberState.DUE}
    assert {g.state for g in Grant.objects.all()} == {GrantState.DUE}
    order = Order.objects.get()
    assert (order.external_id, order.mode, order.currency, order.unmapped) == ("7001", "live", "USD", [])


@pytest.mark.parametrize("arrival", list(itertools.permutations([0, 1, 2])))
def test_any_order_of_arrival_and_repetition_gives_the_same_grants(arrival):
    save(rule("product-12", "academy/8"))
    facts = [MONTHLY, SECOND, rebill("2026-05-10", index=3, frequency=MONTH, payments_left=0)]

    for index in (*arrival, *arrival):
        deliver(facts[index])

    assert grants() == {
        ("first", "academy", "8", "2026-04-13"),
        ("INV-9-2", "academy", "8", "2026-05-13"),
        ("INV-9-3", "academy", "8", "for ever"),
    }
    assert len(set(Fact.objects.values_list("key", flat=True))) == 3
    assert Order.objects.get().placed_at == moment("2026-03-10")


def test_the_same_delivery_read_again_changes_nothing():
    save(rule("product-12", "academy/8"))
    deliver(MONTHLY, delivery=77)
    version = Member.objects.get().version

    deliver(MONTHLY, delivery=77)

    assert Member.objects.get().version == version
    assert Grant.objects.count() == Fact.objects.count() == 1


def test_a_delivery_that_is_read_better_replaces_what_it_told_before():
    save(rule("product-12", "academy/8"), rule("product-13", "academy/9", access="forever"))
    deliver(placed("2026-03-10", line("product-13", paid_minor=2900)), delivery=77)

    deliver(MONTHLY, delivery=77)

    assert grants() == {("first", "academy", "8", "2026-04-13")}
    ended = Grant.objects.get(live=False)
    assert ended.item == "product-13"
    assert ended.reason == "no longer part of what was bought"


@pytest.mark.parametrize(
    ("cart_mode", "mode", "fulfilled"),
    [
        ("live", Mode.LIVE, True),
        ("live", Mode.TEST, False),
        ("test", Mode.TEST, True),
        ("test", Mode.LIVE, False),
        ("both", Mode.LIVE, True),
        ("both", Mode.TEST, True),
        ("both", Mode.UNKNOWN, False),
        ("live", Mode.UNKNOWN, False),
    ],
)
def test_only_deliveries_of_the_carts_mode_are_fulfilled(cart_mode, mode, fulfilled):
    make_cart("other", mode=cart_mode)
    save(rule("product-12", "academy/10"), cart="other")

    deliver(placed("2026-03-10", line("product-12", paid_minor=100), mode=mode), cart="other")

    assert Order.objects.get().mode == mode.value
    assert Grant.objects.exists() is fulfilled


def test_a_test_order_and_a_live_order_of_one_number_are_two_orders():
    save(rule("product-12", "academy/10"))

    deliver(placed("2026-03-10", line("product-12", paid_minor=100), mode=Mode.TEST))
    deliver(placed("2026-03-10", line("product-12", paid_minor=100)))

    assert Order.objects.count() == 2
    assert Grant.objects.count() == 1


def test_a_rule_that_is_changed_later_does_not_change_what_people_have():
    save(rule("product-12", "academy/8"))
    deliver(MONTHLY)
    Rule.objects.update(grants=[{"site": "academy", "level": "9"}], grace_days=10)

    deliver(SECOND)

    assert grants() == {("first", "academy", "8", "2026-04-13"), ("INV-9-2", "academy", "9", "2026-05-20")}


def test_level_terms_that_change_later_do_not_change_what_people_have():
    save(rule("product-12", "academy/9"))
    order = placed("2026-03-10", line("product-12", paid_minor=9900))
    deliver(order)
    Site.objects.filter(pk="academy").update(
        levels=levels_to_json([Level("9", "Silver", LevelTerms(period=Period.parse("2 years")))])
    )

    deliver(placed("2026-03-10", line("product-12", paid_minor=9900), line("bump-12", paid_minor=0)))

    assert grants() == {("first", "academy", "9", "2027-03-10")}


def test_an_item_without_a_rule_is_listed_and_fulfilled_when_its_order_is_planned_after_the_mapping():
    deliver(MONTHLY)
    assert [(entry["item"], entry["orders"]) for entry in unmapped_items()] == [("product-12", 1)]
    assert Grant.objects.count() == Decision.objects.count() == 0

    save(rule("product-12", "academy/8"))
    deliver(MONTHLY)

    assert grants() == {("first", "academy", "8", "2026-04-13")}
    assert unmapped_items() == []


def test_grants_wait_for_levels_that_were_never_read():
    make_site("young", levels=[], levels_read_at=None)
    save(rule("product-12", "young/9"))
    deliver(placed("2026-03-10", line("product-12", paid_minor=9900)))
    assert Grant.objects.get().state == GrantState.BLOCKED
    assert Member.objects.get().state == MemberState.IDLE

    Site.objects.filter(pk="young").update(
        levels=levels_to_json([Level("9", "Silver", LevelTerms(period=Period.parse("1 year")))]),
        levels_read_at=timezone.now(),
    )
    assert replan_blocked(["young"]) == 1

    assert grants() == {("first", "young", "9", "2027-03-10")}
    assert Member.objects.get().state == MemberState.DUE


def test_letter_case_of_an_address_makes_no_second_member():
    save(rule("product-12", "academy/10"))

    deliver(placed("2026-03-10", line("product-12"), buyer=Buyer("Nora@Buyers.Test", "1")))
    deliver(placed("2026-03-11", line("product-12"), buyer=Buyer("nora@buyers.test", "2"), order_id="7002"))

    assert Customer.objects.count() == 2
    assert Member.objects.get().email == "Nora@Buyers.Test"


def test_a_customer_whose_address_changed_stays_the_member_they_are():
    save(rule("product-12", "academy/8"))
    deliver(MONTHLY)
    deliver(CustomerChanged(customer_id="910000000000000001", at=moment("2026-03-20"), email="nora.new@buyers.test"))

    deliver(rebill("2026-04-10", index=2, frequency=MONTH, buyer=Buyer("nora.new@buyers.test", NORA.customer_id)))

    assert Member.objects.get().email == "nora@buyers.test"
    assert Customer.objects.get().email == "nora.new@buyers.test"


def test_an_older_delivery_that_comes_late_does_not_bring_an_old_address_back():
    deliver(CustomerChanged(customer_id="910000000000000001", at=moment("2026-03-20"), email="nora.new@buyers.test"))

    deliver(MONTHLY)

    assert Customer.objects.get().email == "nora.new@buyers.test"


def test_a_customer_without_an_id_is_known_by_address_and_takes_the_id_when_it_comes():
    deliver(rebill("2026-04-10", index=2, buyer=Buyer("nora@buyers.test")))
    deliver(MONTHLY)
    deliver(rebill("2026-05-10", index=3, buyer=Buyer("NORA@buyers.test")))

    assert Customer.objects.get().external_id == "910000000000000001"
    assert Order.objects.get().facts.count() == 3


def test_references_are_unique_per_charge_and_level():
    save(rule("product-12", "academy/8", "academy/9", "club/8"))
    deliver(MONTHLY)
    deliver(SECOND)

    refs = list(Grant.objects.values_list("ref", flat=True))
    assert len(set(refs)) == 6
    assert all(ref.startswith("gl-7001-") for ref in refs)
