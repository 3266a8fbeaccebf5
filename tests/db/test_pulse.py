"""What happened by day: counted by the worker, and what it has not counted yet, in the viewer's zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

import stored
from guestlist.access.models import Grant
from guestlist.engine.models import Tally
from guestlist.engine.pulse import count_up, last_days, quantile
from guestlist.inbox.models import Delivery
from guestlist.journal.models import GAVE_ACCESS, Event, Line
from guestlist.orders.models import Fact, Order

pytestmark = pytest.mark.django_db

NOW = timezone.now
TEN_MINUTES_AGO = NOW() - timedelta(minutes=10)


@pytest.fixture
def order(db) -> Order:
    stored.open_shop()
    return stored.sell_monthly()


def given(grant: Grant, seconds: float, *, at: datetime | None = None, event: Event = Event.GIVEN) -> None:
    """The grant's access was given so many seconds after its delivery came (at `at`, else ten minutes ago)."""
    arrived = at - timedelta(seconds=seconds) if at else TEN_MINUTES_AGO
    Grant.objects.filter(pk=grant.pk).update(created_at=arrived + timedelta(seconds=0.1))
    Fact.objects.filter(order=grant.order_id).update(created_at=arrived + timedelta(seconds=0.05))
    Delivery.objects.update(received_at=arrived)
    Line.objects.create(
        at=arrived + timedelta(seconds=seconds),
        event=event,
        site="academy",
        member=grant.member_id,
        grant=grant.pk,
        order=grant.order_id,
        level="8",
    )


def age(order: Order, minutes: int) -> None:
    moment = NOW() - timedelta(minutes=minutes)
    Order.objects.filter(pk=order.pk).update(created_at=moment, placed_at=moment)


def test_an_order_of_this_moment_counts_at_once(order):
    Order.objects.update(placed_at=NOW())

    assert count_up() == 0

    assert last_days(1)[0].orders == 1


@pytest.mark.parametrize("counted", [True, False])
def test_an_order_counts_on_the_day_on_which_it_was_placed(order, counted):
    day = timezone.localdate() - timedelta(days=3)
    Order.objects.update(placed_at=NOW() - timedelta(days=3), created_at=NOW() - timedelta(minutes=counted * 10))
    if counted:
        count_up()

    assert [found.on for found in last_days(7) if found.orders] == [day]


@pytest.mark.parametrize("counted", [True, False])
def test_a_month_that_was_over_when_it_was_written_gave_nobody_anything(order, counted):
    grant = order.grants.first()
    for until_on in (TEN_MINUTES_AGO.date() - timedelta(days=1), TEN_MINUTES_AGO.date(), None):
        given(grant, 4)
        Line.objects.filter(pk=Line.objects.latest("pk").pk).update(until_on=until_on)
    if counted:
        count_up()

    assert sum(day.given for day in last_days(2)) == Line.objects.filter(GAVE_ACCESS).count() == 2


def test_what_is_counted_is_not_counted_twice(order):
    age(order, 10)
    given(order.grants.first(), 4)

    before = last_days(2)
    assert count_up() == 2
    assert count_up() == 0

    assert last_days(2) == before
    assert Tally.objects.count() == 2
    today = before[-1] if before[-1].orders else before[0]  # the test may run just after midnight
    assert (today.orders, today.given) == (1, 1)


def test_a_test_order_is_no_order(order):
    Order.objects.update(mode="test", placed_at=NOW())

    assert (last_days(1)[0].orders, last_days(1)[0].test_orders) == (0, 1)


def test_what_is_too_young_waits_and_holds_back_what_comes_after_it(order):
    grant = order.grants.first()
    given(grant, 4, at=NOW())
    given(grant, 4, at=NOW() - timedelta(minutes=10), event=Event.ENDED)
    age(order, 0)

    assert count_up() == 0


def test_half_of_the_buyers_and_nearly_all_of_them(order):
    grant = order.grants.first()
    for _ in range(9):
        given(grant, 2.5)
    given(grant, 50)
    given(grant, 50, event=Event.ENDED)

    (day,) = [day for day in last_days(2) if day.given]

    assert 2 <= day.half <= 3
    assert 45 <= day.most <= 60


def test_access_by_hand_and_access_given_again_are_nobodys_waiting(order):
    grant = order.grants.first()
    given(grant, 500, event=Event.RESTORED)
    Line.objects.create(at=NOW(), event=Event.GIVEN, site="academy", member=1, grant=grant.pk)

    assert [day.half for day in last_days(2)] == [None, None]


def test_an_order_that_was_mapped_late_waits_from_then_on(order):
    grant = order.grants.first()
    at = NOW() - timedelta(minutes=10)
    given(grant, 5, at=at)
    Grant.objects.filter(pk=grant.pk).update(created_at=at - timedelta(seconds=1.2))
    Fact.objects.update(created_at=at - timedelta(days=30))
    Delivery.objects.update(received_at=at - timedelta(days=30))

    (day,) = [day for day in last_days(2) if day.given]

    assert 1 <= day.half <= 1.5


@pytest.mark.parametrize("counted", [True, False])
def test_each_viewer_has_the_days_of_their_own_zone(order, counted):
    zone = ZoneInfo("Asia/Kathmandu")  # 5:45 ahead
    day = timezone.localdate(timezone=zone) - timedelta(days=2)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    given(order.grants.first(), 1, at=midnight - timedelta(seconds=1))
    given(order.grants.first(), 1, at=midnight)
    given(order.grants.first(), 1, at=midnight + timedelta(minutes=1))
    if counted:
        count_up()

    with timezone.override(zone):
        days = {found.on: found.given for found in last_days(4)}

    assert days[day] == 2
    assert days[day - timedelta(days=1)] == 1


def test_days_without_anything_are_shown_as_such(db):
    with timezone.override(ZoneInfo("Europe/Berlin")):
        days = last_days(3)

        today = timezone.localdate()
    assert [day.on for day in days] == [today - timedelta(days=2), today - timedelta(days=1), today]
    assert [day.orders for day in days] == [0, 0, 0]


def test_a_share_lies_within_its_step():
    assert quantile([], 0.5) is None
    assert quantile([(1, 10)], 0.5) == pytest.approx(0.1)
    assert quantile([(1, 5), (4, 5)], 0.95) == pytest.approx(0.7 + 0.3 * 0.9)
    assert quantile([(32, 1)], 0.5) == 604800.0
