"""A person who cannot be erased at once is erased as soon as they can be: after what is under way, by any worker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

import stored
from db.test_planning import deliver as tell
from db.test_reconcile import academy, access, complete, found, run_lane  # noqa: F401 - a fixture among them
from factories import MONTH, line, placed, rebill
from guestlist.access.models import ErasedHolding, Grant, Member, MemberState, StaffChange
from guestlist.access.queries import person
from guestlist.access.staff_refusals import NotKnown, StaffRefused
from guestlist.accounts import acts
from guestlist.accounts.actor import Actor, acting
from guestlist.accounts.models import AuditEntry, User
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer, OrderPlaced
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Customer, Order
from guestlist.people.models import Erasure
from guestlist.people.requests import finish_requests, request_erasure, waiting, withdraw

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
NORA = "Nora@Buyers.test"
OLIVE = "olive@example.com"


@pytest.fixture
def shop(db):
    stored.open_shop()
    stored.deliver(bought())
    stored.confirm("academy")
    stored.confirm("club")


def bought(order_id: str = "7001") -> OrderPlaced:
    # Later on this day than anybody of the staff revokes anything.
    at = str(TODAY) if order_id == "7001" else f"{TODAY} 23:59:59"
    return placed(at, line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE)), order_id=order_id)


@contextmanager
def olive() -> Iterator[None]:
    """An owner at work."""
    user = User.objects.create_user(OLIVE, role="owner")
    with acting(Actor(by=user.email, user_id=user.pk)):
        yield


def waits_for(email: str = NORA) -> str:
    (wait,) = waiting(email)
    return " ".join(wait.waits_for)


def test_who_may_keep_their_access_is_erased_at_once(shop):
    with olive():
        erased = request_erasure(NORA, end_access=False, why="asked by Nora Lind <nora@buyers.test>")

    assert erased is not None
    assert erased.left_at_sites == 2
    assert person(NORA) is None
    assert not Erasure.objects.exists()
    entry = AuditEntry.objects.get(did="erased a person's data")
    assert (entry.by, entry.actor_id) == (OLIVE, User.objects.get().pk)
    assert entry.additional_data["why"] == "asked by (erased) <(erased)>"
    assert entry.additional_data["orders"] == 1


@pytest.mark.django_db(transaction=True)
def test_access_is_ended_at_the_site_before_its_person_is_forgotten(academy):  # noqa: F811
    tell(bought())
    run_lane()
    with olive():
        assert request_erasure(NORA, end_access=True, why="asked") is None
    assert finish_requests() == 0
    assert "academy has not confirmed everything yet" in waits_for()
    assert person(NORA) is not None
    assert len(complete(academy)) == 1

    run_lane()
    assert complete(academy) == []
    assert waits_for() == ""
    User.objects.all().delete()
    assert finish_requests() == 1

    assert person(NORA) is None
    assert waiting() == []
    assert not ErasedHolding.objects.exists()
    assert AuditEntry.objects.get(did="erased a person's data").by == OLIVE
    assert found(fix=True) == []


def test_a_site_that_is_down_is_waited_for_and_said(shop):
    Site.objects.filter(pk="club").update(
        state="down", reason="It does not answer.", remedy="Guestlist asks again by itself."
    )
    assert request_erasure(NORA, end_access=True, why="asked") is None
    stored.confirm("academy")

    assert finish_requests() == 0
    assert waits_for() == (
        "club has not confirmed the end of the access: It does not answer. Guestlist asks again by itself."
    )

    Site.objects.filter(pk="club").update(state="ok")
    stored.confirm("club")
    assert finish_requests() == 1
    assert person(NORA) is None


@pytest.mark.parametrize(
    ("site", "member", "words"),
    [
        ({"paused": True}, {}, "academy is paused"),
        ({"active": False}, {}, "academy is disconnected"),
        ({}, {"state": "attention", "reason": "No such user.", "remedy": "Make one."}, "No such user. Make one."),
    ],
)
def test_whatever_keeps_a_site_from_confirming_is_said(shop, site, member, words):
    assert request_erasure(NORA, end_access=True, why="asked") is None
    Site.objects.filter(pk="academy").update(**site)
    Member.objects.filter(site="academy").update(**member)

    assert finish_requests() == 0
    assert words in waits_for()


def test_a_site_that_never_had_the_person_is_not_waited_for(db):
    stored.open_shop()
    stored.deliver(bought())
    Site.objects.update(state="down", reason="It does not answer.")

    assert request_erasure(NORA, end_access=True, why="asked") is not None


@pytest.mark.parametrize("unclear", [Grant, Member])
def test_a_site_that_may_have_made_the_person_is_waited_for(db, unclear):
    stored.open_shop()
    stored.deliver(bought())
    unclear.objects.update(look_first=True)

    assert request_erasure(NORA, end_access=True, why="asked") is None


def test_what_is_bought_while_the_end_is_waited_for_is_given_first(shop):
    assert request_erasure(NORA, end_access=True, why="asked") is None
    stored.deliver(bought(order_id="7009"))
    ended = Grant.objects.exclude(order__external_id="7009")
    ended.update(state="right", confirmed_live=False)
    assert finish_requests() == 0

    stored.confirm("academy")
    stored.confirm("club")
    assert finish_requests() == 1
    assert ErasedHolding.objects.count() == 2


def test_who_waits_for_a_site_can_be_erased_with_their_access_left_there(shop):
    assert request_erasure(NORA, end_access=True, why="asked") is None
    Site.objects.filter(pk="academy").update(active=False)

    assert request_erasure(NORA.upper(), end_access=False, why="the site is gone") is not None

    assert person(NORA) is None
    assert not Erasure.objects.exists()


def test_at_a_disconnected_site_nothing_can_be_ended(shop):
    Site.objects.filter(pk="club").update(active=False)
    with pytest.raises(StaffRefused, match="club is disconnected"):
        request_erasure(NORA, end_access=True, why="asked")
    assert not Erasure.objects.exists()
    assert not StaffChange.objects.exists()


def test_a_purchase_that_is_just_coming_in_is_read_before_its_buyer_is_erased(shop):
    waits = stored.store(state=DeliveryState.WAITING)

    assert request_erasure(NORA, end_access=False, why="asked") is None
    assert "not read yet" in waits_for()
    Delivery.objects.filter(pk=waits.pk).update(state=DeliveryState.IGNORED)
    assert finish_requests() == 1

    assert not Delivery.objects.filter(pk=waits.pk).exists()


def test_a_delivery_that_is_read_again_is_waited_for(shop):
    of_nora = Delivery.objects.order_by("pk").first()
    Delivery.objects.filter(pk=of_nora.pk).update(state=DeliveryState.WAITING, body=b"")

    assert request_erasure(NORA, end_access=False, why="asked") is None
    Delivery.objects.filter(pk=of_nora.pk).update(state=DeliveryState.DONE)
    assert finish_requests() == 1


def test_deliveries_of_somebody_with_a_longer_address_are_not_theirs(shop):
    other = stored.store(state=DeliveryState.UNREADABLE, body=b"customer%5Bemail%5D=eleonora%40buyers.test")
    waits = stored.store(state=DeliveryState.WAITING, body=b'{"email": "x.nora@buyers.test"}')

    assert request_erasure(NORA, end_access=False, why="asked") is not None

    assert set(Delivery.objects.values_list("pk", flat=True)) == {other.pk, waits.pk}


def test_somebody_of_whom_only_an_unreadable_delivery_came_is_erased(shop):
    stored.store(state=DeliveryState.UNREADABLE, body=b"customer%5Bemail%5D=Una%40buyers.test")
    before = Delivery.objects.count()

    erased = request_erasure("una@buyers.test", end_access=True, why="asked")

    assert erased is not None
    assert (erased.deliveries, erased.customers) == (1, 0)
    assert Delivery.objects.count() == before - 1


def test_an_unreadable_delivery_with_no_address_is_found_by_the_carts_customer_number(shop):
    body = f"event=x&customer_id={stored.NORA.customer_id}&customer%5Bname%5D=Nora".encode()
    theirs = stored.store(state=DeliveryState.UNREADABLE, body=body)
    other = stored.store(state=DeliveryState.UNREADABLE, body=body.replace(b"customer_id=", b"customer_id=7"))

    request_erasure(NORA, end_access=False, why="asked")

    assert not Delivery.objects.filter(pk=theirs.pk).exists()
    assert Delivery.objects.filter(pk=other.pk).exists()


@pytest.mark.parametrize(
    "body",
    [
        "customer%5Bemail%5D=JOS%C3%89.o_b%2Bx%40buyers.test",
        '{"customer": {"email": "José.o_b+x@buyers.test"}}',
        '{"customer": {"email": "jos\\u00e9.o_b+x@buyers.test"}}',
        "no form: josé.o_b+x@buyers.test",
    ],
)
def test_an_address_is_found_in_a_body_however_it_is_written(shop, body):
    theirs = stored.store(state=DeliveryState.IGNORED, body=body.encode())
    other = stored.store(state=DeliveryState.IGNORED, body=body.replace("o_b", "oxb").encode())

    erased = request_erasure("José.o_b+x@buyers.test", end_access=False, why="asked")

    assert erased is not None
    assert not Delivery.objects.filter(pk=theirs.pk).exists()
    assert Delivery.objects.filter(pk=other.pk).exists()


def test_where_very_many_deliveries_are_to_be_looked_through_the_worker_does_it(shop, monkeypatch):
    monkeypatch.setattr("guestlist.people.whose.MANY", 3)
    for _ in range(4):
        stored.store(state=DeliveryState.IGNORED)

    assert request_erasure(NORA, end_access=False, why="asked") is None
    assert waits_for() == ""
    assert finish_requests() == 1
    assert person(NORA) is None


def test_two_customers_whom_the_cart_has_put_together_are_one_person(shop):
    other = Buyer("nora.old@buyers.test", "910000000000000009", "Nora", "Lind")
    first = placed("2026-01-10", line("product-99", paid_minor=900), order_id="8001", buyer=other)
    stored.deliver(first)
    stored.deliver(rebill("2026-02-10", "product-99", index=2, order_id="8001", buyer=stored.NORA))
    assert Order.objects.get(external_id="8001").customer.email_key == "nora@buyers.test"

    erased = request_erasure("nora.old@buyers.test", end_access=False, why="asked")

    assert erased is not None
    assert (erased.customers, erased.orders) == (2, 2)
    assert person(NORA) is None
    assert not Customer.objects.exclude(email="").exists()


def test_who_is_not_known_cannot_be_asked_for(shop):
    with pytest.raises(NotKnown):
        request_erasure("nobody@buyers.test", end_access=True, why="asked")
    assert not Erasure.objects.exists()


def test_asking_twice_is_one_request_and_the_latest_counts(shop):
    Member.objects.update(state=MemberState.WORKING)
    request_erasure(NORA, end_access=False, why="first")
    request_erasure(NORA, end_access=True, why="second")

    row = Erasure.objects.get()
    assert (row.end_access, row.why) == (True, "second")


def test_a_request_taken_back_erases_nobody(shop):
    request_erasure(NORA, end_access=True, why="asked")

    assert withdraw(NORA)
    assert not withdraw(NORA)
    did = AuditEntry.objects.exclude(did="").order_by("pk").values_list("did", flat=True)
    assert list(did) == [acts.ERASURE_ASKED, acts.ERASURE_WITHDRAWN]
    stored.confirm("academy")
    stored.confirm("club")

    assert finish_requests() == 0
    assert person(NORA) is not None


def test_a_request_for_somebody_who_is_gone_by_now_is_no_more(shop):
    Erasure.objects.create(email_key="gone@buyers.test", end_access=True, why="asked", by="x")

    assert finish_requests() == 0
    assert not Erasure.objects.exists()


def test_nothing_is_half_erased_when_the_worker_dies_over_it(shop, monkeypatch):
    request_erasure(NORA, end_access=True, why="asked")
    stored.confirm("academy")
    stored.confirm("club")
    grants = Grant.objects.count()

    def die(*_args: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("guestlist.people.erase._erase_orders", die)
        with pytest.raises(SystemExit):
            finish_requests()
    assert Grant.objects.count() == grants
    assert waits_for() == ""

    assert finish_requests() == 1
    assert person(NORA) is None
