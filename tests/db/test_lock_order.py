"""Who waits for a row holds none that the row's holder may want next: so nobody waits in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.models import Model, QuerySet

import stored
from guestlist.access.models import Grant, Member
from guestlist.access.staff import change
from guestlist.domain.staff import Act
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.replay import replay_stuck
from guestlist.orders.models import Order
from guestlist.people.models import Erasure
from guestlist.people.requests import request_erasure
from guestlist.people.whose import whose

pytestmark = pytest.mark.django_db(transaction=True)

NORA = "nora@buyers.test"


@pytest.fixture
def shop() -> None:
    stored.open_shop()
    stored.sell_monthly()
    stored.confirm("academy")
    stored.confirm("club")


def holds_nothing_of(then: QuerySet[Model], while_locked: QuerySet[Model], action: Callable[[], object]) -> None:
    """An action that comes to locked rows, if it waits for them, waits without having locked those others."""
    errors: list[str] = []

    def act() -> None:
        try:
            action()
        except Exception as error:
            errors.append(str(error))
        finally:
            connections.close_all()

    thread = threading.Thread(target=act)
    with transaction.atomic():
        assert len(while_locked.select_for_update(no_key=True))
        thread.start()
        ends_at = time.monotonic() + 20
        while thread.is_alive() and not _somebody_waits_for_us() and time.monotonic() < ends_at:
            time.sleep(0.02)
        assert len(then.select_for_update(nowait=True, no_key=True))
    thread.join(20)
    assert errors == []


def _somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return bool(cursor.fetchone()[0])


def test_stuck_deliveries_are_locked_oldest_first_as_all_others_are(shop: None) -> None:
    first, last = (stored.store(state=DeliveryState.UNREADABLE) for _ in range(2))
    holds_nothing_of(
        Delivery.objects.filter(pk=last.pk), Delivery.objects.filter(pk=first.pk), lambda: replay_stuck("shop")
    )
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 2


@pytest.mark.parametrize("rows", [Delivery, Order])
def test_who_asks_to_end_access_and_erase_holds_no_member_while_others_hold_what_they_tell(
    shop: None, rows: type[Model]
) -> None:
    """Deliveries and orders are locked before members by whoever reads a delivery."""
    holds_nothing_of(
        Member.objects.all(), rows._default_manager.all(), lambda: request_erasure(NORA, end_access=True, why="Asked.")
    )
    assert whose(NORA).nobody


def test_who_asks_to_erase_holds_no_members_while_the_worker_has_the_request(shop: None) -> None:
    Grant.objects.update(until_on=None, confirmed_until_on=None)
    assert request_erasure(NORA, end_access=True, why="Asked.") is None
    change("academy", NORA, Act.RELEASE, level="", until_on=None, who="ada", why="A call.")
    holds_nothing_of(
        Member.objects.all(), Erasure.objects.all(), lambda: request_erasure(NORA, end_access=True, why="Once more.")
    )
