"""What was sold before a rule named it is left as it is: it gives nothing, and nobody has to see to it any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import stored
from db.test_planning import grants, save
from factories import MONTH, line, placed, rebill, rule
from guestlist.domain.facts import Item
from guestlist.fulfilment import leaving
from guestlist.fulfilment.align import align, preview
from guestlist.fulfilment.leaving import leave_as_they_are
from guestlist.fulfilment.models import Decision, Rule
from guestlist.fulfilment.planning import unmapped_items
from guestlist.orders.models import Order

pytestmark = pytest.mark.usefixtures("cart", "sites")

COURSE, BOOK = Item.parse("product-12"), Item.parse("bump-5")
TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=20)
UNTIL = DUE + timedelta(days=3)


def course(option: str | None = None):
    return line("product-12", name="Course", option=option, paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))


def open_items() -> list[str]:
    return [entry["item"] for entry in unmapped_items()]


def test_what_is_left_gives_nothing_and_waits_for_nobody():
    stored.deliver(placed(str(TODAY), course()))
    save(rule("product-12", "academy/8"))

    assert leave_as_they_are("shop", COURSE) == 1

    assert open_items() == []
    assert grants() == set()
    stored.deliver(placed(str(TODAY), course()))
    assert (open_items(), grants()) == ([], set()), "the order comes once more"
    assert leave_as_they_are("shop", COURSE) == 0


def test_many_are_left_a_few_at_a_time(monkeypatch):
    monkeypatch.setattr(leaving, "BATCH", 2)
    for number in range(7001, 7006):
        stored.deliver(placed(str(TODAY), course(), line("bump-5", name="Bücher"), order_id=str(number)))
    save(rule("product-12", "academy/8"))

    assert leave_as_they_are("shop", COURSE) == 5

    assert [(entry["item"], entry["name"], entry["orders"]) for entry in unmapped_items()] == [("bump-5", "Bücher", 5)]
    assert Decision.objects.count() == 5


def test_who_pays_again_gets_what_the_rule_gives_for_that():
    stored.deliver(placed(str(TODAY), course()))
    save(rule("product-12", "academy/8"))
    leave_as_they_are("shop", COURSE)

    stored.deliver(rebill(str(TODAY), index=2, next_due_at=str(DUE)))

    assert grants() == {("INV-9-2", "academy", "8", str(UNTIL))}


def test_it_can_still_be_brought_in_line():
    stored.deliver(placed(str(TODAY), course()))
    save(rule("product-12", "academy/8"))
    leave_as_they_are("shop", COURSE)

    assert "decided by another rule than today's" in preview().as_text()
    align()

    assert grants() == {("first", "academy", "8", str(UNTIL))}


def test_what_no_rule_names_yet_and_other_items_are_not_concerned():
    stored.deliver(placed(str(TODAY), course(), line("bump-5")))
    assert leave_as_they_are("shop", COURSE) == 0
    assert sorted(open_items()) == ["bump-5", "product-12"]

    save(rule("product-12", "academy/8"), rule("bump-5", "academy/9"))
    assert leave_as_they_are("shop", COURSE) == 1

    assert open_items() == ["bump-5"]
    assert leave_as_they_are("shop", BOOK) == 1
    assert Order.objects.get().unmapped == []


def test_only_the_options_that_a_rule_names_are_left():
    stored.deliver(placed(str(TODAY), course("1")))
    stored.deliver(placed(str(TODAY), course("2"), order_id="7002"))
    save(rule("product-12", "academy/8", option="2"))

    assert leave_as_they_are("shop", COURSE) == 1

    assert [(entry["item"], entry["option"]) for entry in unmapped_items()] == [("product-12", "1")]


def test_what_was_decided_before_its_option_was_known_is_decided_again():
    save(rule("product-12", "academy/8"))
    stored.deliver(placed(str(TODAY), course()))
    assert len(grants()) == 1
    Rule.objects.all().delete()
    stored.deliver(placed(str(TODAY), course("2")))
    assert (open_items(), grants()) == (["product-12"], set())
    save(rule("product-12", "academy/9"))

    assert leave_as_they_are("shop", COURSE) == 1

    assert Decision.objects.get().option == "2"
    stored.deliver(placed(str(TODAY), course("2")))
    assert (open_items(), grants()) == ([], set())
