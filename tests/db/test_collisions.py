"""Two workers at the same customer, order or cart in the same moment: nobody waits in a circle, nothing fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils import timezone

from db.conftest import LEVELS, make_cart, make_site
from db.test_interpret import body, store
from db.test_planning import deliver, save
from factories import MONTH, line, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member
from guestlist.access.sitestate import sites_with_work
from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer
from guestlist.fulfilment import planning
from guestlist.fulfilment.align import align
from guestlist.fulfilment.models import Rule
from guestlist.inbox import interpret
from guestlist.orders import customers
from guestlist.orders import record as recording
from guestlist.orders.models import Customer

pytestmark = pytest.mark.django_db(transaction=True)

ORDER = placed("2026-03-10", line("product-12", paid_minor=2900, frequency=MONTH))


class Together:
    """Runs actions in threads of their own and gathers what they raise."""

    def __init__(self, **actions: Callable[[], object]) -> None:
        self.errors: list[str] = []
        self.threads = [
            threading.Thread(target=self._run, args=(name, action), name=name) for name, action in actions.items()
        ]

    def _run(self, name: str, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception as error:
            self.errors.append(f"{name}: {error}")
        finally:
            connections.close_all()

    def run(self) -> list[str]:
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join(30)
        return self.errors


def test_the_door_can_store_while_a_delivery_is_interpreted(monkeypatch):
    make_cart()
    store(body())
    inside, go_on = threading.Event(), threading.Event()
    real = interpret._interpret

    def slow(delivery):
        inside.set()
        go_on.wait(20)
        real(delivery)

    monkeypatch.setattr(interpret, "_interpret", slow)
    worker = Together(worker=lambda: interpret.interpret_shard(3))
    worker.threads[0].start()
    inside.wait(10)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '2s'")
            store(body(order_id="880002"), shard=5)
    finally:
        go_on.set()
        worker.threads[0].join(20)
    assert worker.errors == []


def test_a_replay_and_a_new_delivery_of_one_order_do_not_wait_in_a_circle(monkeypatch):
    make_cart()
    make_site("academy")
    save(rule("product-12", "academy/8"))
    deliver(ORDER, delivery=500_001)
    replay_has_order, other_moves = threading.Event(), threading.Event()
    real = customers._find_customer

    def meet(*args):
        if threading.current_thread().name == "replay":
            replay_has_order.set()
            other_moves.wait(2)
            time.sleep(0.2)
            return real(*args)
        replay_has_order.wait(5)
        other_moves.set()
        return real(*args)

    monkeypatch.setattr(customers, "_find_customer", meet)

    def replay() -> None:
        deliver(ORDER, delivery=500_001)

    def new() -> None:
        replay_has_order.wait(5)
        other_moves.set()
        deliver(rebill("2026-04-10", index=2, frequency=MONTH), delivery=500_002)

    assert Together(replay=replay, new=new).run() == []
    assert Grant.objects.filter(live=True).count() == 2


def test_planning_blocked_orders_and_interpreting_do_not_wait_in_a_circle(monkeypatch):
    make_cart()
    make_site("academy", levels=[], levels_read_at=None)
    save(rule("product-12", "academy/10"))
    deliver(placed("2026-03-10", line("product-12", paid_minor=1), line("bump-3", paid_minor=1)))
    save(rule("bump-3", "academy/9"))
    Site.objects.update(levels=levels_to_json(LEVELS), levels_read_at=timezone.now(), state="ok")
    planning_now, interpreting_now = threading.Event(), threading.Event()
    real_desire, real_lock = planning.desire, recording._lock_orders

    def desire(order, planned, missing=()):
        if threading.current_thread().name == "planning":
            planning_now.set()
            interpreting_now.wait(5)
            time.sleep(0.3)
        return real_desire(order, planned, missing)

    def lock_orders(*args):
        planning_now.wait(5)
        interpreting_now.set()
        return real_lock(*args)

    monkeypatch.setattr(planning, "desire", desire)
    monkeypatch.setattr(recording, "_lock_orders", lock_orders)
    errors = Together(
        planning=lambda: planning.replan_blocked(["academy"]),
        interpreting=lambda: deliver(rebill("2026-04-10", index=2, frequency=MONTH)),
    ).run()

    assert errors == []
    assert not Grant.objects.filter(state=GrantState.BLOCKED).exists()


def wait_until_somebody_waits_for_a_lock() -> None:
    ends_at = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < ends_at:
            cursor.execute(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            if cursor.fetchall():
                return
            time.sleep(0.02)
    raise AssertionError("nobody waits for a lock")


def test_aligning_is_tried_again_where_a_delivery_locks_members_the_other_way_round():
    """As one does that plans an order at one site and then finds that the address changed at another."""
    make_cart()
    make_site("academy")
    make_site("club")
    save(rule("product-12", "academy/10", "club/10"))
    deliver(ORDER)
    Rule.objects.update(access="90 days")
    first, last = Member.objects.order_by("pk").values_list("pk", flat=True)
    holds = threading.Event()

    def lock(member: int) -> None:
        assert Member.objects.select_for_update(no_key=True).get(pk=member)

    def delivery() -> None:
        with transaction.atomic():
            lock(last)
            holds.set()
            # Who waits longest is the first to see that they wait in a circle, and gives way.
            wait_until_somebody_waits_for_a_lock()
            lock(first)

    def aligned() -> None:
        holds.wait(10)
        align()

    assert Together(delivery=delivery, aligned=aligned).run() == []
    assert {str(grant.until_on) for grant in Grant.objects.all()} == {"2026-06-08"}


def test_an_order_planned_while_the_levels_are_read_is_found_by_the_tick():
    make_cart()
    make_site("academy", levels=[], levels_read_at=None)
    save(rule("product-12", "academy/10"))
    planned, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with transaction.atomic():
            for order in recording.record("shop", [placed("2026-03-10", line("product-12", paid_minor=1))], 1).orders:
                planning.replan(order)
            planned.set()
            go_on.wait(10)

    worker = Together(worker=work)
    worker.threads[0].start()
    planned.wait(10)
    Site.objects.update(levels=levels_to_json(LEVELS), levels_read_at=timezone.now(), state="ok")
    assert planning.replan_blocked(["academy"]) == 0, "what is not committed cannot be seen"
    go_on.set()
    worker.threads[0].join(10)

    assert sites_with_work() == ["academy"]
    assert planning.replan_blocked(["academy"]) == 1
    assert Grant.objects.get().state == GrantState.DUE


def test_a_customer_known_by_address_takes_an_id_that_another_worker_makes_in_this_moment():
    make_cart()
    known = Buyer("nora@buyers.test")
    deliver(rebill("2026-02-10", index=9, order_id="6999", buyer=known))
    made, go_on = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            early = placed("2026-03-01", buyer=Buyer("nora.old@buyers.test", "1"))
            customers.find_or_make_customer("shop", customers.Told.by(early))
            made.set()
            go_on.wait(5)
            time.sleep(0.2)

    def adopt() -> None:
        made.wait(5)
        threading.Timer(0.3, go_on.set).start()
        deliver(placed("2026-03-10", line("product-12"), buyer=Buyer("nora@buyers.test", "1")))

    assert Together(other=other, adopt=adopt).run() == []
    assert Customer.objects.filter(external_id="1").count() == 1


def test_two_customers_who_exchange_their_addresses_at_once_do_not_wait_in_a_circle():
    make_cart()
    make_site("academy", on_email_change="follow")
    save(rule("product-12", "academy/10"))
    ann, ben = Buyer("ann@buyers.test", "1"), Buyer("ben@buyers.test", "2")
    for number, buyer in (("7001", ann), ("7002", ben)):
        deliver(placed("2026-03-10", line("product-12"), buyer=buyer, order_id=number))
    Member.objects.update(remote_id=F("id"), made_by_us=True)
    meet = threading.Barrier(2, timeout=10)

    def change(customer: str, email: str) -> None:
        content = {"event": "customer_updated", "customer_id": customer, "customer": {"id": customer, "email": email}}
        delivery = store({**content, "date_unix": "1775000000"}, shard=int(customer))
        meet.wait()
        interpret.interpret_shard(int(customer))
        delivery.refresh_from_db()
        if delivery.state != "done":
            raise AssertionError(delivery.summary)

    exchanged = Together(ann=lambda: change("1", ben.email), ben=lambda: change("2", ann.email))

    assert exchanged.run() == []
    assert {row.external_id: row.email for row in Customer.objects.all()} == {"1": ben.email, "2": ann.email}
    assert {member.email for member in Member.objects.all()} == {ann.email, ben.email}
