"""The inbox: deliveries read, kept when they cannot be, replayed; a customer's deliveries in their order."""

from __future__ import annotations

import hashlib
import json
import threading

import pytest
from django.db import connections

from db.conftest import make_cart
from db.test_planning import grants, save
from factories import rule
from guestlist.access.models import Grant, Member
from guestlist.carts.thrivecart import CART
from guestlist.inbox import interpret
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Customer, Fact, Order

pytestmark = pytest.mark.usefixtures("sites")


def body(event: str = "order.success", **fields: object) -> dict[str, object]:
    return {
        "event": event,
        "mode": "live",
        "mode_int": "2",
        "order_id": "880001",
        "invoice_id": "000000501",
        "currency": "USD",
        "customer_id": "910000000000000001",
        "customer": {
            "id": "910000000000000001",
            "email": "nora@buyers.test",
            "first_name": "Nora",
            "last_name": "Lind",
        },
        "order": {
            "date_unix": "1773100800",  # 2026-03-10
            "charges": [
                {
                    "name": "Course",
                    "item_type": "product",
                    "reference": "12",
                    "item_identifier": "product-12",
                    "type": "single",
                    "amount": "9900",
                    "quantity": "1",
                }
            ],
        },
        "order_timestamp": "1773100800",
        **fields,
    }


def store(content: dict[str, object] | bytes, *, cart: str = "shop", shard: int = 3) -> Delivery:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Delivery.objects.create(cart_id=cart, body=raw, digest=hashlib.sha256(raw).digest(), shard=shard)


def test_a_delivery_becomes_facts_and_grants(cart):
    save(rule("product-12", "academy/9"))
    delivery = store(body())
    assert interpret.shards_waiting() == [3]

    interpret.interpret_shard(3)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.event, delivery.mode) == (DeliveryState.DONE, "order.success", "live")
    assert delivery.summary == "1 new fact"
    assert delivery.order_id == Order.objects.get().pk
    assert grants() == {("first", "academy", "9", "2027-03-10")}
    assert interpret.shards_waiting() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"nonsense",
        b"\x00\xff\xfe",
        b'{"event": "order.success"}',
        b'["order.success"]',
        b"event=order.refund",
    ],
)
def test_what_cannot_be_read_is_kept_with_the_place_and_the_remedy(cart, content):
    delivery = store(content)

    interpret.interpret_shard(3)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.UNREADABLE
    assert ": " in delivery.summary
    assert delivery.remedy
    assert bytes(delivery.body) == content


def test_an_unreadable_delivery_can_be_replayed_after_a_fix(cart):
    save(rule("product-12", "academy/9"))
    broken = body()
    del broken["order_id"]
    delivery = store(broken)
    interpret.interpret_shard(3)
    assert Delivery.objects.get().state == DeliveryState.UNREADABLE

    Delivery.objects.update(body=json.dumps(body()).encode())  # as a better reader would see it
    assert interpret.replay([delivery.pk]) == 1
    interpret.interpret_shard(3)

    delivery.refresh_from_db()
    assert (delivery.state, delivery.remedy) == (DeliveryState.DONE, "")
    assert grants() == {("first", "academy", "9", "2027-03-10")}


def test_replaying_everything_changes_nothing(cart):
    save(rule("product-12", "academy/9"))
    store(body())
    store(body("order.rebill_failed", subscription={"type": "product", "id": "12"}, date_unix="1775779200"))
    interpret.interpret_shard(3)
    before = (grants(), Fact.objects.count(), list(Member.objects.values_list("version", flat=True)))

    interpret.replay(list(Delivery.objects.values_list("id", flat=True)))
    interpret.interpret_shard(3)

    assert (grants(), Fact.objects.count(), list(Member.objects.values_list("version", flat=True))) == before


def test_an_event_without_meaning_for_access_says_so(cart):
    delivery = store(body("cart.abandoned"))

    interpret.interpret_shard(3)

    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.IGNORED
    assert delivery.summary
    assert not Order.objects.exists()


def test_a_test_order_is_recorded_marked_and_not_fulfilled(cart):
    save(rule("product-12", "academy/9"))
    delivery = store(body(mode="test", mode_int="1"))

    interpret.interpret_shard(3)

    delivery.refresh_from_db()
    assert delivery.mode == "test"
    assert "not fulfilled" in delivery.summary
    assert Order.objects.get().mode == "test"
    assert not Grant.objects.exists()


def test_an_error_of_ours_keeps_the_delivery_and_lets_the_next_ones_pass(cart, monkeypatch):
    save(rule("product-12", "academy/9"))
    first = store(body(order_id="880002"))
    second = store(body())
    real = CART.read

    def read(raw, received_at):
        if b"880002" in raw:
            raise ZeroDivisionError("a mistake")
        return real(raw, received_at)

    monkeypatch.setattr(type(CART), "read", staticmethod(read))
    interpret.interpret_shard(3)

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (DeliveryState.FAILED, DeliveryState.DONE)
    assert "a mistake" in first.summary
    assert first.remedy

    monkeypatch.undo()
    interpret.replay([first.pk])
    interpret.interpret_shard(3)
    first.refresh_from_db()
    assert first.state == DeliveryState.DONE


@pytest.mark.django_db(transaction=True)
def test_deliveries_of_one_new_customer_at_once_make_one_customer_and_one_member():
    """Their shards differ here, as when one delivery names the address and another only the customer id."""
    make_cart()
    save(rule("product-12", "academy/9"))
    for number in range(12):
        store(body(order_id=str(880_000 + number % 4), invoice_id=f"INV-{number}"), shard=number)

    def work(shard: int) -> None:
        try:
            interpret.interpret_shard(shard)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(shard,)) for shard in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.DONE}
    assert Customer.objects.count() == Member.objects.count() == 1
    assert Order.objects.count() == Grant.objects.count() == 4
