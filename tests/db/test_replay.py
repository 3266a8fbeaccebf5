"""Deliveries interpreted again: one, those of a day, all of them. What comes of it is what was there before."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from db.conftest import make_cart, make_site
from db.test_interpret import body, store
from db.test_planning import save
from factories import rule
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, Member, SiteRequest, StaffChange
from guestlist.access.sitestate import close_sites
from guestlist.domain.rules import WelcomeEmail
from guestlist.fulfilment.models import Decision
from guestlist.inbox import interpret, replay
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Customer, Fact, Order
from guestlist.sandbox.site.server import SandboxSite

TODAY = datetime.now(UTC)


def interpret_all() -> None:
    """What the workers would do."""
    while shards := interpret.shards_waiting():
        for shard in shards:
            interpret.interpret_shard(shard)


def received_on(delivery: Delivery, at: datetime) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(received_at=at)
    return delivery


def at_rest(site: SandboxSite) -> dict[str, object]:
    """All that the site holds, without the time of its clock."""
    return {name: value for name, value in site.state().items() if name != "now"}


def waiting() -> set[int]:
    return set(Delivery.objects.filter(state=DeliveryState.WAITING).values_list("pk", flat=True))


@pytest.mark.usefixtures("cart")
class TestWhich:
    """Which deliveries are taken."""

    def test_a_day_is_taken_from_its_first_moment_to_its_last_in_utc(self):
        before, first, last, after = (
            received_on(store(body(order_id=str(number))), moment)
            for number, moment in enumerate(
                [
                    datetime(2026, 3, 9, 23, 59, 59, 999_999, UTC),
                    datetime(2026, 3, 10, 0, 0, 0, 0, UTC),
                    datetime(2026, 3, 10, 23, 59, 59, 999_999, UTC),
                    datetime(2026, 3, 11, 0, 0, 0, 0, UTC),
                ]
            )
        )
        Delivery.objects.update(state=DeliveryState.DONE)

        assert replay.replay_received(*replay.bounds_of(date(2026, 3, 10))) == 2

        assert waiting() == {first.pk, last.pk}
        assert {before.pk, after.pk}.isdisjoint(waiting())

    def test_the_last_day_there_is_has_no_end(self):
        assert replay.bounds_of(date.max) == (datetime(9999, 12, 31, tzinfo=UTC), None)

    def test_everything_is_taken_in_batches(self, monkeypatch):
        monkeypatch.setattr(replay, "BATCH", 3)
        for number in range(8):
            store(body(order_id=str(number)), shard=number % 3)
        Delivery.objects.update(state=DeliveryState.DONE)
        seen = []

        found = replay.replay_received(None, None, progress=lambda done, total: seen.append((done, total)))

        assert found == 8
        assert seen == [(3, 8), (6, 8), (8, 8)]
        assert len(waiting()) == 8

    def test_only_one_carts_deliveries_are_taken_where_a_cart_is_named(self):
        make_cart("other")
        store(body())
        mine = store(body(), cart="other")
        Delivery.objects.update(state=DeliveryState.DONE)

        assert replay.replay_received(None, None, "other") == 1
        assert waiting() == {mine.pk}

    def test_what_comes_in_meanwhile_is_not_part_of_it(self, monkeypatch):
        monkeypatch.setattr(replay, "BATCH", 1)
        store(body(order_id="1"))
        store(body(order_id="2"))

        steps = replay.replay_batches(None, None)
        next(steps)
        store(body(order_id="3"))

        assert len(list(steps)) == 1

    def test_a_part_that_was_done_is_not_done_again_by_the_next(self, monkeypatch):
        monkeypatch.setattr(replay, "BATCH", 2)
        for number in range(5):
            store(body(order_id=str(number)))

        last, _ = next(replay.replay_batches(None, None))

        assert sum(count for _, count in replay.replay_batches(None, None, after=last)) == 3

    def test_new_deliveries_are_interpreted_before_replayed_ones(self, sites, monkeypatch):
        old = [store(body(order_id=str(number))) for number in range(3)]
        interpret_all()
        replay.replay_received(None, None)
        new = store(body(order_id="9"))
        seen = []
        real = interpret._interpret_kept
        monkeypatch.setattr(interpret, "_interpret_kept", lambda pk: (seen.append(pk), real(pk)))

        interpret_all()

        assert seen == [new.pk, *(delivery.pk for delivery in old)]

    def test_a_long_replay_gives_its_slot_back_and_asks_for_another(self, sites, monkeypatch):
        for number in range(3):
            store(body(order_id=str(number)))
        interpret_all()
        monkeypatch.setattr(interpret, "REPLAY_SLICE_SECONDS", 0.0)
        replay.replay_received(None, None)
        kicked = []
        monkeypatch.setattr(interpret, "kick_inbox", kicked.append)

        interpret.interpret_shard(3)

        assert (kicked, len(waiting())) == ([3], 3)

        new = store(body(order_id="9"))
        interpret.interpret_shard(3)
        assert new.pk not in waiting(), "new deliveries are not cut short"

    def test_the_waiting_deliveries_are_read_in_the_order_of_their_index(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            cursor.execute(
                "EXPLAIN SELECT id FROM inbox_delivery WHERE shard = 3 AND state = 'waiting'"
                " ORDER BY interpreted_at NULLS FIRST, id LIMIT 1"
            )
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "delivery_waiting" in plan
        assert "Sort" not in plan


def stored_rows() -> list[object]:
    """Everything but when something was recorded or looked at."""
    models = (Grant, Member, StaffChange, SiteRequest, Customer, Order, Decision)
    facts = Fact.objects.order_by("delivery_id", "key").values("order_id", "customer_id", "key", "at", "data")
    deliveries = Delivery.objects.order_by("pk").values("state", "order_id", "event", "mode", "remedy")
    return [*(list(model.objects.order_by("pk").values()) for model in models), list(facts), list(deliveries)]


def event(name: str, at: datetime, **fields: object) -> dict[str, object]:
    """A later event of the subscription to product 12."""
    stamp = str(int(at.timestamp()))
    return body(
        name,
        subscription={"type": "product", "id": "12", "frequency": "month"},
        date_unix=stamp,
        order_timestamp=stamp,
        **fields,
    )


@pytest.fixture
def academy():
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key)
        save(rule("product-12", "academy/8", welcome_email=WelcomeEmail.ALWAYS))
        yield site
    close_sites()


@pytest.mark.django_db(transaction=True)
def test_after_a_replay_of_everything_all_is_as_it_was_and_the_site_is_not_asked(academy):
    """Orders, refunds, a refused payment, a change of address, something unreadable; mails are not sent again."""
    bought = TODAY - timedelta(days=3)
    first = body(order_timestamp=str(int(bought.timestamp())))
    first["order"]["date_unix"] = str(int(bought.timestamp()))  # type: ignore[index]
    second = json.loads(json.dumps(first)) | {"order_id": "880002", "invoice_id": "000000502"}
    for content in (
        first,
        second,
        event("order.rebill_failed", bought + timedelta(days=1)),
        event(
            "order.refund",
            bought + timedelta(days=2),
            order_id="880002",
            event_id="77",
            refund={"type": "product", "id": "12", "amount": "9900"},
        ),
        event("customer_updated", bought + timedelta(days=2)),
        {"event": "order.success"},
    ):
        store(content)
    interpret_all()
    lanes.run_lane("academy")
    before, at_site = stored_rows(), at_rest(academy)
    requests = len(academy.requests())
    assert at_site["mails"]
    assert {grant.state for grant in Grant.objects.all()} == {"right"}
    assert Grant.objects.filter(live=False).exists(), "the refund counts"

    for _ in range(2):
        assert replay.replay_received(None, None) == 6
        interpret_all()
        lanes.run_lane("academy")

    assert stored_rows() == before
    assert at_rest(academy) == at_site, "its mails among it"
    assert len(academy.requests()) == requests


@pytest.mark.django_db(transaction=True)
def test_half_a_replay_leaves_everything_as_it_was(academy):
    """Some deliveries wait, others are read already: at no time does anybody lose anything."""
    for number in range(4):
        store(body(order_id=str(number)))
    interpret_all()
    lanes.run_lane("academy")
    grants, requests = list(Grant.objects.order_by("pk").values()), len(academy.requests())
    replay.replay_received(None, None)

    while (delivery := interpret._next(3)) is not None:
        interpret._interpret_kept(delivery.pk)
        assert list(Grant.objects.order_by("pk").values()) == grants

    lanes.run_lane("academy")
    assert len(academy.requests()) == requests
