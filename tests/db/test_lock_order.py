"""Who waits for a row holds none that the row's holder may want next: so nobody waits in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.models import Model, QuerySet

import stored
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.inbox.replay import replay_stuck

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
