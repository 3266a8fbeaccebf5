"""Who is who: customers by the cart's id, then by address; members by site and address; through the whole inbox."""

from __future__ import annotations

import itertools
import json

import pytest

from db.conftest import make_cart
from db.test_interpret import body, store
from db.test_planning import save
from factories import rule
from guestlist.access.models import Grant, Member, MemberState
from guestlist.access.queries import person
from guestlist.connections.models import Site
from guestlist.fulfilment.simulate import simulate
from guestlist.inbox import interpret
from guestlist.inbox.models import Delivery
from guestlist.orders.models import Customer, Order

pytestmark = pytest.mark.usefixtures("cart", "sites")

BEGIN = 1_773_100_800  # 10 March 2026
DAY = 86_400


@pytest.fixture(autouse=True)
def _rules(cart):
    save(rule("product-12", "academy/10"))


def buyer(customer: str | None, email: str | None, name: str = "Nora Lind") -> dict[str, object]:
    """The fields of a delivery that say who bought; None leaves one out."""
    told = {"id": customer, "email": email, "name": name}
    return {"customer_id": customer, "customer": {key: value for key, value in told.items() if value is not None}}


def sale(order: str, customer: str | None, email: str | None, day: float, **fields: object) -> dict[str, object]:
    content = body(order_id=order, invoice_id=f"INV-{order}", **buyer(customer, email), **fields)
    at = str(int(BEGIN + day * DAY))
    content["order"] = {**content["order"], "date_unix": at}
    return {**content, "order_timestamp": at}


def rebill(order: str, customer: str | None, email: str | None, day: float) -> dict[str, object]:
    at = int(BEGIN + day * DAY)
    content = body("order.subscription_payment", order_id=order, **buyer(customer, email), date_unix=str(at))
    del content["order"], content["order_timestamp"]
    told = {"type": "product", "id": "12", "invoice_str": f"INV-{order}-{at}", "amount": "9900", "frequency": "month"}
    return {**content, "subscription": {**told, "next_payment_date": str(at + 30 * DAY)}}


def changed(customer: str, email: str, day: float) -> dict[str, object]:
    """The customer has another address at the cart."""
    at = str(int(BEGIN + day * DAY))
    return {"event": "customer_updated", "mode": "live", "date_unix": at, **buyer(customer, email)}


def tell(*contents: dict[str, object], cart: str = "shop") -> None:
    for content in contents:
        store(content, cart=cart)
        interpret.interpret_shard(3)
    assert not Delivery.objects.exclude(state__in=("done", "ignored")).exists()


def orders_by_member() -> dict[str, set[str]]:
    """The orders that give access, by the address of the member at the academy."""
    found: dict[str, set[str]] = {}
    for grant in Grant.objects.filter(live=True, member__site="academy").select_related("member", "order"):
        found.setdefault(grant.member.email, set()).add(grant.order.external_id)
    return found


def addresses() -> dict[str | None, str]:
    return {customer.external_id: customer.email for customer in Customer.objects.all()}


def made(remote_id: str = "41") -> None:
    """The site has made everybody."""
    Member.objects.update(remote_id=remote_id, made_by_us=True, state=MemberState.IDLE)


def test_letter_case_makes_nobody_another_person():
    tell(sale("1", "9", "Nora@Buyers.test", 0), sale("2", "9", "nora@buyers.TEST", 1))
    tell(sale("3", "8", "NORA@buyers.test", 2), sale("4", None, "nora@BUYERS.test", 3))

    assert orders_by_member() == {"Nora@Buyers.test": {"1", "2", "3", "4"}}
    assert Customer.objects.count() == 2
    assert {order.email for order in person("NORA@BUYERS.TEST").orders} == {"nora@BUYERS.test", "NORA@buyers.test"}


def test_an_address_with_a_plus_is_another_address():
    tell(sale("1", "9", "nora@buyers.test", 0), sale("2", "8", "nora+club@buyers.test", 1))

    assert orders_by_member() == {"nora@buyers.test": {"1"}, "nora+club@buyers.test": {"2"}}


def test_a_later_order_with_another_address_goes_to_the_member_that_the_customer_is_already():
    tell(sale("1", "9", "nora@buyers.test", 0))
    made()
    tell(sale("2", "9", "nora@home.test", 1))

    assert orders_by_member() == {"nora@buyers.test": {"1", "2"}}
    assert addresses() == {"9": "nora@home.test"}


@pytest.mark.parametrize("old_or_new", ["nora@buyers.test", "Nora@Home.test"])
def test_a_person_is_found_by_the_old_and_by_the_new_address(old_or_new):
    tell(sale("1", "9", "nora@buyers.test", 0))
    made()
    tell(changed("9", "nora@home.test", 1))

    found = person(old_or_new)
    assert [(member.email, len(member.grants)) for member in found.members] == [("nora@buyers.test", 1)]


def test_two_customers_of_one_cart_with_one_address_are_one_member_with_both_orders():
    tell(sale("1", "9", "office@buyers.test", 0), sale("2", "8", "office@buyers.test", 1))

    assert Customer.objects.count() == 2
    assert orders_by_member() == {"office@buyers.test": {"1", "2"}}


def test_a_person_at_two_carts_is_one_member_with_the_grants_of_both():
    make_cart("second")
    save(rule("product-12", "academy/8", access="forever"), cart="second")
    tell(sale("1", "9", "nora@buyers.test", 0))
    tell(sale("1", "9", "Nora@buyers.test", 0, invoice="other"), cart="second")

    assert Member.objects.count() == 1
    assert {(grant.order.cart_id, grant.level) for grant in Grant.objects.all()} == {("shop", "10"), ("second", "8")}


def test_an_address_that_goes_from_one_customer_to_another_brings_no_history_along():
    tell(sale("1", "9", "office@buyers.test", 0))
    made()
    tell(changed("9", "nora@home.test", 1), sale("2", "8", "office@buyers.test", 2), sale("3", "9", None, 3))

    assert addresses() == {"9": "nora@home.test", "8": "office@buyers.test"}
    assert [order.number for order in person("nora@home.test").orders] == ["3", "1"]
    assert [order.customer_id for order in Order.objects.order_by("id")] == [
        Customer.objects.get(external_id=number).pk for number in ("9", "8", "9")
    ]


EARLY = sale("1", "9", "one@buyers.test", 0)
LATER = sale("2", "9", "two@buyers.test", 2)
BETWEEN = changed("9", "three@buyers.test", 1)
NAME_ONLY = rebill("1", "9", None, 5)


@pytest.mark.parametrize("arrival", list(itertools.permutations([EARLY, LATER, BETWEEN, NAME_ONLY])))
def test_the_latest_address_counts_in_whatever_order_they_arrive(arrival):
    tell(*arrival)

    assert addresses() == {"9": "two@buyers.test"}


@pytest.mark.parametrize("day_of_order", [1, 0.5])
def test_late_and_repeated_changes_of_address_change_nothing(day_of_order):
    tell(sale("1", "9", "one@buyers.test", 0), changed("9", "two@buyers.test", 3))
    made()

    tell(changed("9", "old@buyers.test", 2), sale("2", "9", "one@buyers.test", day_of_order))
    tell({**changed("9", "two@buyers.test", 3), "again": "1"})

    assert addresses() == {"9": "two@buyers.test"}
    assert orders_by_member() == {"two@buyers.test": {"1", "2"}}


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_of_addresses_told_of_one_second_the_customers_own_change_counts(arrival):
    told = [changed("9", "mine@buyers.test", 0), sale("1", "9", "sold@buyers.test", 0), rebill("1", "9", "x@b.test", 0)]
    tell(*(told[index] for index in arrival))

    assert addresses() == {"9": "mine@buyers.test"}


def test_a_customer_known_by_address_gets_the_id_that_the_same_order_names_later():
    tell(sale("1", None, "nora@buyers.test", 0), rebill("1", "9", "nora@home.test", 30))

    assert addresses() == {"9": "nora@home.test"}
    assert Member.objects.count() == 1


def test_an_event_without_an_id_belongs_to_the_customer_of_its_order():
    tell(sale("1", "9", "nora@buyers.test", 0), changed("9", "nora@home.test", 5))
    made()
    tell(rebill("1", None, "nora@buyers.test", 2))

    assert addresses() == {"9": "nora@home.test"}
    assert orders_by_member() == {"nora@home.test": {"1"}}


def test_customers_without_ids_stay_apart_although_one_order_changes_its_address():
    tell(sale("1", None, "nora@buyers.test", 0), sale("2", None, "omar@buyers.test", 0))
    tell(rebill("1", None, "omar@buyers.test", 30), rebill("2", None, "omar@home.test", 30))

    emails = {order.external_id: order.customer.email for order in Order.objects.select_related("customer")}
    assert emails == {"1": "nora@buyers.test", "2": "omar@home.test"}


def test_events_that_name_an_id_only_wait_for_the_address_and_then_give_their_access():
    tell(rebill("1", "9", None, 30), rebill("2", "9", None, 31))
    assert not Member.objects.exists()

    tell(changed("9", "nora@buyers.test", 5))

    assert orders_by_member() == {"nora@buyers.test": {"1", "2"}}


def test_a_delivery_is_about_its_own_order_although_others_waited_for_the_same_address():
    tell(rebill("1", "9", None, 30))
    tell(sale("2", "9", "nora@buyers.test", 31))

    order = Order.objects.get(external_id="2")
    assert Delivery.objects.order_by("-id").first().order_id == order.pk


@pytest.mark.parametrize("arrival", [(0, 1), (1, 0)])
@pytest.mark.parametrize("day_of_test", [1, -1])
def test_a_test_purchase_does_not_change_the_address_of_who_really_bought(arrival, day_of_test):
    bought = (
        sale("1", "9", "nora@buyers.test", 0),
        sale("2", "9", "tester@seller.test", day_of_test, mode="test", mode_int="1"),
    )
    tell(*(bought[which] for which in arrival))

    assert addresses() == {"9": "nora@buyers.test"}
    assert orders_by_member() == {"nora@buyers.test": {"1"}}


@pytest.mark.parametrize("arrival", list(itertools.permutations(range(3))))
def test_a_test_purchase_with_an_old_address_does_not_make_that_one_the_latest(arrival):
    bought = (
        sale("1", "9", "nora@buyers.test", 0),
        rebill("1", "9", "nora@home.test", 30),
        sale("2", "9", "nora@buyers.test", 40, mode="test", mode_int="1"),
    )
    tell(*(bought[which] for which in arrival))

    assert addresses() == {"9": "nora@home.test"}


def test_a_customer_takes_an_address_that_another_customer_has_and_both_keep_their_members():
    tell(sale("1", "9", "nora@buyers.test", 0), sale("2", "8", "omar@buyers.test", 0))
    made()
    tell(changed("9", "omar@buyers.test", 1), sale("3", "9", None, 2), sale("4", "8", None, 2))

    assert orders_by_member() == {"nora@buyers.test": {"1", "3"}, "omar@buyers.test": {"2", "4"}}


FIRST = sale("1", "9", "nora@buyers.test", 0)
MERGED = rebill("1", "8", "nora@home.test", 30)


@pytest.mark.parametrize("arrival", list(itertools.permutations([FIRST, rebill("1", "9", None, 10), MERGED])))
def test_an_order_goes_over_to_the_customer_that_its_latest_event_names(arrival):
    tell(*arrival)

    assert Order.objects.get().customer.external_id == "8"
    assert {grant.customer.external_id for grant in Grant.objects.all()} == {"8"}
    assert Member.objects.count() == 1


def test_access_stays_with_the_member_who_has_it_when_the_cart_puts_two_customers_together():
    tell(FIRST)
    made()
    tell(MERGED, sale("2", "8", "nora@home.test", 31))

    assert orders_by_member() == {"nora@buyers.test": {"1", "2"}}
    assert [member.email for member in person("nora@home.test").members] == ["nora@buyers.test"]
    assert len(person("nora@home.test").orders) == 2


def test_who_was_never_made_at_the_site_simply_has_the_new_address():
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0))
    Member.objects.update(state=MemberState.ATTENTION, due_at=None, reason="The site does not accept it.")
    tell(changed("9", "zoe@buyers.test", 1))

    assert orders_by_member() == {"zoe@buyers.test": {"1"}}
    assert Member.objects.get().state == MemberState.DUE


def test_what_nobody_was_made_for_goes_to_the_member_who_has_the_new_address():
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0), sale("2", "8", "zoe@buyers.test", 0))
    Member.objects.filter(email="zo\u00eb@buyers.test").update(state=MemberState.ATTENTION)
    tell(changed("9", "zoe@buyers.test", 1))

    assert orders_by_member() == {"zoe@buyers.test": {"1", "2"}}
    left = Member.objects.get(email="zo\u00eb@buyers.test")
    assert left.state == MemberState.IDLE
    assert "zoe@buyers.test" in left.alert
    tell(sale("3", "9", None, 2))
    assert orders_by_member() == {"zoe@buyers.test": {"1", "2", "3"}}


@pytest.mark.parametrize(
    ("policy", "shared", "becomes"),
    [("follow", False, "nora@home.test"), ("leave", False, "nora@buyers.test"), ("follow", True, "nora@buyers.test")],
)
def test_what_becomes_of_an_address_is_simulated_when_an_order_goes_over_to_another_customer(policy, shared, becomes):
    Site.objects.update(on_email_change=policy)
    tell(sale("1", "9", "nora@buyers.test", 0))
    if shared:
        tell(sale("2", "9", "nora@buyers.test", 1))
    made()
    merged = rebill("1", "8", "nora@home.test", 30)

    found = simulate("shop", json.dumps(merged).encode())
    tell(merged)

    assert Member.objects.get().email == becomes
    assert [(one.to, one.changes) for one in found.addresses] == [("nora@home.test", becomes == "nora@home.test")]
