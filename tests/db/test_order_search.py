"""Searching among many orders and members: what is found, and that no search reads them all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

import many_orders
from guestlist.access.member_search import MembersAsked, MemberStanding, find_members
from guestlist.access.models import Grant, Member, MemberState
from guestlist.access.order_search import OrdersAsked, OrderState, find_orders, order_rows
from guestlist.connections.models import Site, SiteState
from guestlist.domain.facts import Mode
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.search import DeliveriesAsked, find_deliveries
from guestlist.orders.models import Customer, Order, OrderItem

ORDERS = 60_000
PAGE = 51
# A page is 51 rows. A search that reads more than this of any table has no index that suits it.
READ_AT_MOST = 6_000


@pytest.fixture(scope="module")
def _many(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic():
        many_orders.fill(ORDERS)
        yield
        transaction.set_rollback(True)


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_many")]


def rows_read(found: QuerySet[Any]) -> tuple[int, str]:
    """The most rows that any step of the database's plan read, and the plan."""
    try:
        sql, values = found.query.sql_with_params()
    except EmptyResultSet:
        return 0, "known to be none without a query"
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values)
        (plan,) = cursor.fetchone()
    plan = plan if isinstance(plan, list) else json.loads(plan)
    steps: list[int] = []

    def walk(node: dict[str, Any]) -> None:
        loops = node["Actual Loops"]
        removed = sum(node.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
        steps.append(int((node["Actual Rows"] + removed) * loops))
        for child in node.get("Plans", []):
            walk(child)

    walk(plan[0]["Plan"])
    return max(steps), json.dumps(plan, indent=1)


def long_ago() -> datetime:
    return timezone.now() - timedelta(days=many_orders.DAYS * 0.7)


ASKED = {
    "all": OrdersAsked(),
    "of a cart": OrdersAsked(cart="second"),
    "of an item": OrdersAsked(cart="shop", item="product-12"),
    "of an item sold only long ago": OrdersAsked(cart="shop", item="product-7"),
    "of an item that few bought": OrdersAsked(cart="shop", item="product-99"),
    "test": OrdersAsked(mode=Mode.TEST),
    "live": OrdersAsked(mode=Mode.LIVE),
    "of a week long ago": OrdersAsked(since=long_ago(), before=long_ago() + timedelta(days=7)),
    "by address": OrdersAsked(text="ABC"),
    "by a whole address": OrdersAsked(text="d82c8d.3@buyers.test"),
    "by number": OrdersAsked(text="#N777"),
    "by invoice": OrdersAsked(text="INV-777"),
    **{f"that are {state.value}": OrdersAsked(state=state) for state in OrderState},
    "of an item that are refunded": OrdersAsked(cart="shop", item="product-12", state=OrderState.REFUNDED),
    "of a cart that need attention": OrdersAsked(cart="shop", state=OrderState.ATTENTION),
}


@pytest.mark.parametrize("descending", [True, False], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED.keys())
def test_no_search_of_orders_reads_them_all(asked, descending):
    found = find_orders(asked)
    by = ("-placed_at", "-pk") if descending else ("placed_at", "pk")
    read, plan = rows_read(found.order_by(*by)[:PAGE])
    assert read <= READ_AT_MOST, plan


MEMBERS = {
    "all": (MembersAsked(), "pk"),
    "by name": (MembersAsked(), "name_key"),
    "by address": (MembersAsked(), "email_key"),
    "of a site": (MembersAsked(site="club"), "pk"),
    "of a site by address": (MembersAsked(site="club"), "email_key"),
    "who begin like this": (MembersAsked(text="abc"), "pk"),
    "who begin like this by name": (MembersAsked(text="abc"), "name_key"),
    "with a level that many have": (MembersAsked(site="academy", level="8"), "pk"),
    "with a level that few have": (MembersAsked(site="academy", level="10"), "pk"),
    "with a level that few have by name": (MembersAsked(site="academy", level="10"), "name_key"),
    "with a level that only members of another site have": (MembersAsked(site="club", level="8"), "pk"),
    **{f"who are {each.value}": (MembersAsked(standing=each), "pk") for each in MemberStanding},
}


@pytest.mark.parametrize("descending", [True, False], ids=["down", "up"])
@pytest.mark.parametrize(("asked", "by"), MEMBERS.values(), ids=MEMBERS.keys())
def test_no_search_of_members_reads_them_all(asked, by, descending):
    sign = "-" if descending else ""
    fields = dict.fromkeys((f"{sign}{by}", f"{sign}pk"))
    read, plan = rows_read(find_members(asked).order_by(*fields)[:PAGE])
    assert read <= READ_AT_MOST, plan


@pytest.mark.parametrize("level", ["8", "9", "10", "11"])
def test_who_has_a_level_is_found_however_many_have_it(level):
    grants = Grant.objects.filter(member__site="academy", level=level)
    yesterday = timezone.now().date() - timedelta(days=1)
    # One of them had it until yesterday, and one lost it.
    for lost, one in zip(({"until_on": yesterday}, {"live": False}), grants.order_by("pk")[:2], strict=False):
        Grant.objects.filter(pk=one.pk).update(**lost)
    have = grants.filter(live=True).exclude(until_on=yesterday)
    found = find_members(MembersAsked(site="academy", level=level))
    assert set(found.values_list("pk", flat=True)) == set(have.values_list("member_id", flat=True))


DELIVERIES = {
    "all": DeliveriesAsked(),
    "of a cart": DeliveriesAsked(cart="second"),
    "of a day long ago": DeliveriesAsked(since=long_ago(), before=long_ago() + timedelta(days=1)),
    "of a cart on a day long ago": DeliveriesAsked(
        cart="second", since=long_ago(), before=long_ago() + timedelta(days=1)
    ),
    **{f"that are {state}": DeliveriesAsked(state=DeliveryState(state)) for state in DeliveryState},
}


@pytest.mark.parametrize("asked", DELIVERIES.values(), ids=DELIVERIES.keys())
def test_no_search_of_deliveries_reads_them_all(asked):
    read, plan = rows_read(find_deliveries(asked).order_by("-pk")[:PAGE])
    assert read <= READ_AT_MOST, plan


@pytest.mark.parametrize("state", [OrderState.WAITING, OrderState.ATTENTION, OrderState.RIGHT])
def test_orders_are_found_quickly_too_while_very_many_wait(state):
    Member.objects.filter(pk__in=Member.objects.order_by("-pk").values("pk")[: ORDERS // 3]).update(
        state=MemberState.DUE
    )
    Grant.objects.filter(member__state=MemberState.DUE).update(state="due")
    Site.objects.filter(pk="club").update(state=SiteState.ATTENTION)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE access_grant, access_member, connections_site")
    start = timezone.now()
    rows = order_rows(list(find_orders(OrdersAsked(state=state)).order_by("-placed_at", "-pk")[:PAGE]))
    assert len(rows) == PAGE
    assert all(state in row.states for row in rows)
    assert timezone.now() - start < timedelta(seconds=10)


def test_what_is_found_is_what_was_asked_for():
    def numbers(**asked: Any) -> set[str]:
        found = find_orders(OrdersAsked(**asked))
        return {row.order.external_id if isinstance(row, OrderItem) else row.external_id for row in found}

    assert numbers(text="N777") == numbers(text="#n777".upper()) == numbers(text="INV-777") == {"N777"}
    customer = Customer.objects.get(external_id="777")
    assert numbers(text=customer.email.upper()) == {"N777"}
    assert "N777" in numbers(text=customer.email[:9])
    assert "N777" in numbers(text=customer.first_name) & numbers(text=customer.last_name.lower())
    assert numbers(text=f"{customer.first_name} {customer.last_name}") == {"N777"}
    assert numbers(text="nobody like this") == set()
    few = numbers(cart="shop", item="product-99")
    assert few
    assert few == set(Order.objects.filter(cart="shop", items__item="product-99").values_list("external_id", flat=True))
    for state in ("refunded", "cancelled", "failing", "paused", "held"):
        expected = Order.objects.filter(**{state: True}).count()
        assert len(numbers(state=OrderState(state))) == expected > 0
    waiting, stuck = numbers(state=OrderState.WAITING), numbers(state=OrderState.ATTENTION)
    assert waiting
    assert stuck
    assert not waiting & stuck
    settled = Order.objects.filter(held=False, unmapped=[], refunded=False)
    right = settled.exclude(external_id__in=waiting | stuck).count()
    assert find_orders(OrdersAsked(state=OrderState.RIGHT)).count() == right


def test_the_deliveries_of_some_hours_are_found_and_no_others():
    begins, ends = long_ago(), long_ago() + timedelta(hours=30)
    found = find_deliveries(DeliveriesAsked(since=begins, before=ends))
    expected = Delivery.objects.filter(received_at__gte=begins, received_at__lt=ends)
    assert set(found.values_list("pk", flat=True)) == set(expected.values_list("pk", flat=True)) != set()
