"""What is known only later, or told twice: through the database, each order of arrival ends the same."""

from __future__ import annotations

import pytest

from db.test_interpret import body, store
from db.test_planning import MONTHLY, deliver, grants, save
from factories import MONTH, line, placed, rebill, rule
from guestlist.access.models import Grant, Member
from guestlist.fulfilment.models import Decision
from guestlist.inbox import interpret
from guestlist.orders.models import Fact, Order

pytestmark = pytest.mark.usefixtures("cart", "sites")

WITH_OPTION = placed(
    "2026-03-10", line("product-12", option="B", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10")
)
WITHOUT_OPTION = placed("2026-03-10", line("product-12", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10"))
MUTE_REBILL = rebill("2026-04-10", index=2)
FULL_REBILL = rebill("2026-04-10", index=2, next_due_at="2026-05-20", frequency=MONTH)


def forget() -> None:
    for model in (Grant, Decision, Order, Member):
        model.objects.all().delete()


@pytest.mark.parametrize(
    "facts",
    [
        (WITH_OPTION, MUTE_REBILL),  # the rebill does not say which option was bought
        (WITH_OPTION, WITHOUT_OPTION),  # nor does an event of the item alone
        (MONTHLY, MUTE_REBILL, FULL_REBILL),  # one charge told by two events, one of which says more
        (placed("2026-03-10", line("product-12", paid_minor=2900)), FULL_REBILL),  # told as one-time, charged on
    ],
)
def test_the_grants_do_not_depend_on_which_came_first(facts):
    save(rule("product-12", "academy/8"), rule("product-12", "academy/9", option="B"))
    for fact in facts:
        deliver(fact)
    wanted = grants()
    forget()

    for fact in reversed(facts):
        deliver(fact)

    assert grants() == wanted


def test_the_option_that_becomes_known_decides():
    save(rule("product-12", "academy/8"), rule("product-12", "academy/9", option="B"))

    deliver(MUTE_REBILL)
    assert {level for _, _, level, _ in grants()} == {"8"}
    deliver(WITH_OPTION)

    assert {level for _, _, level, _ in grants()} == {"9"}


@pytest.mark.parametrize("later", ["2026-05-10", "2026-06-10", "2026-07-10", "2026-08-10", "2026-09-10"])
def test_of_two_due_dates_for_one_charge_the_nearer_counts(later):
    save(rule("product-12", "academy/8"))
    deliver(
        placed("2026-03-10", line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=later), line("bump-3"))
    )
    deliver(MONTHLY)

    assert grants() == {("first", "academy", "8", "2026-04-13")}


def test_what_two_deliveries_told_stays_when_one_of_them_no_longer_tells_it():
    save(rule("product-12", "academy/8"))
    deliver(MONTHLY, delivery=500_001)
    deliver(MONTHLY, delivery=500_002)

    deliver(delivery=500_001)  # read again, it tells nothing

    assert grants() == {("first", "academy", "8", "2026-04-13")}
    assert Fact.objects.count() == 1


def test_a_customer_without_an_address_waits_for_it_and_shares_with_nobody():
    save(rule("product-12", "academy/8"))
    first = body()
    first["customer"] = {"first_name": "Nora"}
    second = body(order_id="880002", customer_id="910000000000000002")
    second["customer"] = {}
    deliveries = [store(first), store(second)]
    interpret.interpret_shard(3)
    for delivery in deliveries:
        delivery.refresh_from_db()
        assert delivery.state == "done"
        assert "e-mail address" in delivery.summary
    assert not Member.objects.exists()

    store(body(order_id="880003"))  # another order of the first customer names the address
    interpret.interpret_shard(3)

    assert {grant.order.external_id for grant in Grant.objects.all()} == {"880001", "880003"}
    assert Member.objects.get().email == "nora@buyers.test"


def test_rebills_of_what_was_told_as_paid_once_extend_and_do_not_last_for_ever():
    save(rule("product-12", "academy/10"))
    deliver(placed("2026-03-10", line("product-12", paid_minor=2900)))
    deliver(rebill("2026-04-10", index=2, frequency=MONTH, next_due_at="2026-05-10", payments_left=10))
    deliver(rebill("2026-05-10", index=3, frequency=MONTH, next_due_at="2026-06-10", payments_left=9))

    assert grants() == {
        ("first", "academy", "10", "2026-04-13"),
        ("INV-9-2", "academy", "10", "2026-05-13"),
        ("INV-9-3", "academy", "10", "2026-06-13"),
    }
