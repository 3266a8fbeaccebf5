"""What lists are searched by is as the facts say: where they are recorded or replaced, and where it is filled in."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

import stored
from factories import event, line, placed
from guestlist.access.models import Member
from guestlist.domain.facts import Mode, PaymentFailed, Refunded
from guestlist.orders.models import Customer, Order, OrderItem
from guestlist.orders.record import record

pytestmark = pytest.mark.django_db

FIELDS = ("currency", "held", "paid_minor", "refunded", "cancelled", "failing", "paused")


def summaries() -> list[tuple[object, ...]]:
    orders = list(Order.objects.order_by("pk").values_list("pk", *FIELDS))
    items = OrderItem.objects.order_by("order", "item").values_list(
        "order", "cart", "item", "option", "name", "placed_at"
    )
    people = Customer.objects.order_by("pk").values_list("name_key", "surname_key")
    return [*orders, *items, *people, *Member.objects.order_by("pk").values_list("name_key", "surname_key")]


@pytest.fixture
def shop(db):
    stored.open_shop()
    stored.sell_monthly("7001")
    stored.deliver(event(PaymentFailed, "2026-05-10"))
    stored.deliver(placed("2026-03-11", line("product-13", option="5"), line("bump-1"), order_id="7002"))
    stored.deliver(placed("2026-03-12", line("product-12", paid_minor=900), order_id="7003", mode=Mode.TEST))
    stored.deliver(event(Refunded, "2026-03-12", "product-99", amount_minor=900))


def test_the_migrations_fill_what_recording_writes(shop):
    expected = summaries()
    Order.objects.update(currency="", held=True, paid_minor=0, refunded=False, cancelled=False, failing=False)
    OrderItem.objects.all().delete()
    Customer.objects.update(name_key="", surname_key="")
    Member.objects.update(name_key="", surname_key="")
    orders = import_module("guestlist.orders.migrations.0003_fill_order_summary")

    for _ in range(2):  # one that was interrupted begins anew
        orders.fill_orders(apps, None)
        orders.fill_held(apps, None)
        orders.fill_customers(apps, None)
        import_module("guestlist.access.migrations.0007_fill_member_names").fill(apps, None)

    assert summaries() == expected
    assert Order.objects.get(external_id="7001").failing
    assert list(Order.objects.filter(held=True).values_list("external_id", flat=True)) == ["7003"]


def test_a_delivery_that_is_read_otherwise_replaces_what_it_told(shop):
    delivery = stored.deliver(placed("2026-03-12", line("product-12", paid_minor=900), order_id="7004"))
    order = Order.objects.get(external_id="7004")

    record(
        "shop", [placed("2026-03-11", line("product-13", name="Book", paid_minor=700), order_id="7004")], delivery.pk
    )

    order.refresh_from_db()
    assert order.paid_minor == 700
    [item] = order.items.all()
    assert (item.item, item.name, item.placed_at) == ("product-13", "Book", order.placed_at)


def test_a_delivery_that_cannot_be_read_any_more_told_nothing(shop):
    delivery = stored.deliver(placed("2026-03-12", line("product-12", paid_minor=900), order_id="7004"))

    record("shop", (), delivery.pk)

    order = Order.objects.get(external_id="7004")
    assert order.paid_minor == 0
    assert not order.items.exists()
