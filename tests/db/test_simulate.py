"""What an event would do: for any event, the same as happens when it then comes; and nothing is written or asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from db.conftest import make_cart, make_site
from db.test_planning import save
from factories import rule
from guestlist.access.models import Grant, Member, StaffChange
from guestlist.connections.models import Site
from guestlist.domain.rules import OnEnd, OnFailedPayment, OnRefund
from guestlist.fulfilment.models import Decision
from guestlist.fulfilment.simulate import simulate
from guestlist.fulfilment.simulation import Simulation
from guestlist.inbox import interpret
from guestlist.inbox.models import Delivery
from guestlist.orders.models import Customer
from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.delivery import Delivery as Sent
from guestlist.sandbox.cart.offers import Buyer
from guestlist.sandbox.cart.shop import Order, Shop

NOW = datetime.now(UTC).replace(microsecond=0)
ORDERED = NOW - timedelta(days=10)
NORA = Buyer(email="nora@buyers.test", first_name="Nora", last_name="Lind")


@pytest.fixture(autouse=True)
def connected(db) -> None:
    make_cart("shop")
    make_site("academy")
    make_site("club")
    save(
        rule("product-101", "academy/9"),
        rule("bump-101", "academy/10"),
        rule("product-102", "academy/8", "club/10"),
        rule("product-103", "academy/8"),
        rule("product-104", "academy/9", on_refund=OnRefund.KEEP),
        rule(
            "product-105", "club/10", on_cancel=OnEnd.NOW, on_pause=OnEnd.NOW, on_failed_payment=OnFailedPayment.SUSPEND
        ),
    )


@pytest.fixture
def shop() -> Shop:
    return Shop("WORDOFTHESHOP", clock=lambda: NOW - timedelta(hours=1))


def come(*deliveries: Sent) -> None:
    """The cart sends them and they are interpreted."""
    for sent in deliveries:
        body = sent.as_form()
        digest = hashlib.sha256(body).digest()
        values = {"body": body, "shard": 0, "state": "waiting"}
        Delivery.objects.update_or_create(values, cart_id="shop", digest=digest)
        interpret.interpret_shard(0)
    assert not Delivery.objects.exclude(state__in=["done", "ignored"]).exists()


def everything() -> dict[str, object]:
    """Every row of every table, and how far each of its counters is."""
    rows: dict[str, object] = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT t::text, xmin::text FROM {table} t ORDER BY 1")
            rows[model._meta.db_table] = cursor.fetchall()
        cursor.execute("SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2")
        rows["counters"] = cursor.fetchall()
    return rows


def tried(sent: Sent) -> Simulation:
    """Simulated, with the proof that nothing was written."""
    before = everything()
    found = simulate("shop", sent.as_form())
    assert everything() == before
    return found


def changes(found: Simulation) -> list[tuple[str, str, str]]:
    return [
        (grant.change, grant.foreseen.item, grant.foreseen.level)
        for grant in found.grants
        if grant.change != "unchanged"
    ]


def whys(found: Simulation) -> str:
    return "\n".join(grant.why for grant in found.grants)


# --- for any event ------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """What came before, and what is tried then. `told`: what must be in the words."""

    name: str
    event: Callable[[Shop, Order], Sent]
    before: Callable[[Shop, Order], list[Sent]] = lambda _shop, order: [order.success()]
    offers: tuple[sold.Offer, ...] = (sold.CLUB,)
    told: str = ""
    would_change: bool = True
    prepare: Callable[[], Any] = field(default=lambda: None)


def hold() -> None:
    for member in Member.objects.all():
        StaffChange.objects.create(member=member, act="hold", who="mia", why="a dispute", at=timezone.now())


def follow() -> None:
    Site.objects.filter(pk="academy").update(on_email_change="follow")
    Member.objects.update(remote_id="41", made_by_us=True)


CASES = [
    Case("a first order", lambda _, order: order.success(), lambda *_: [], told="would give access until"),
    Case("a repeated order", lambda _, order: order.success(), told="Nothing would change", would_change=False),
    Case(
        "an order with more in it",
        lambda _, order: order.success(),
        lambda _, order: [order.success(only=["product-101"])],
        (sold.COURSE, sold.WORKBOOK),
        "would give access for ever",
    ),
    Case("a rebill", lambda _, order: order.rebill(at=NOW), told="would give access until"),
    Case(
        "a rebill of an unknown order",
        lambda _, order: order.rebill(at=NOW),
        lambda *_: [],
        told="would give access until",
    ),
    Case(
        "a full refund",
        lambda _, order: order.refund(),
        offers=(sold.COURSE,),
        told="would end at once: refunded in full",
    ),
    Case(
        "a full refund of the bump",
        lambda _, order: order.refund("bump-101"),
        offers=(sold.COURSE, sold.WORKBOOK),
        told="was for ever; would end at once: refunded in full",
    ),
    Case(
        "a full refund that takes nothing",
        lambda _, order: order.refund(),
        offers=(sold.LIBRARY_SEASON,),
        told="Nothing would change",
        would_change=False,
    ),
    Case(
        "a partial refund",
        lambda _, order: order.refund(net=100),
        offers=(sold.COURSE,),
        told="Nothing would change",
        would_change=False,
    ),
    Case(
        "a refund of an order that never came",
        lambda _, order: order.refund(),
        lambda *_: [],
        (sold.COURSE,),
        "it waits for its order",
        would_change=False,
    ),
    Case(
        "an order whose refund came before",
        lambda _, order: order.success(),
        lambda _, order: [order.refund()],
        (sold.COURSE,),
        "would give nothing",
    ),
    Case("a cancellation", lambda _, order: order.cancel(), told="would last until"),
    Case(
        "a cancellation at once",
        lambda _, order: order.cancel(at=NOW),
        lambda _, order: [order.success()],
        (sold.LETTERS,),
        "would end at once: cancelled on",
    ),
    Case(
        "a refused payment within the grace",
        lambda _, order: order.rebill_failed(at=NOW),
        told="Nothing would change",
        would_change=False,
    ),
    Case(
        "a refused payment that suspends",
        lambda _, order: order.rebill_failed(at=ORDERED + timedelta(days=8)),
        offers=(sold.LETTERS,),
        told="so access is suspended until a payment succeeds",
    ),
    Case(
        "a payment after a refused one",
        lambda _, order: order.rebill(at=NOW),
        lambda _, order: [order.success(), order.rebill_failed(at=ORDERED + timedelta(days=8))],
        (sold.LETTERS,),
        "was ended; would give access until",
    ),
    Case("a pause", lambda _, order: order.pause(at=NOW), offers=(sold.LETTERS,), told="would end at once: paused on"),
    Case(
        "a resumption",
        lambda _, order: order.resume(at=NOW),
        lambda _, order: [order.success(), order.pause(at=NOW - timedelta(days=1))],
        (sold.LETTERS,),
        "was ended; would give access until",
    ),
    Case(
        "the last payment of a plan",
        lambda _, order: order.rebill(at=NOW),
        lambda _, order: [order.success(), order.rebill(at=NOW - timedelta(days=2))],
        (sold.STUDIO,),
        "would give access for ever",
    ),
    Case(
        "a test order",
        lambda shop, order: shop.order(NORA, sold.CLUB, at=NOW, mode="test").success(),
        told="it is a test order, and the cart fulfils live orders only",
        would_change=False,
    ),
    Case(
        "an item that no rule names",
        lambda shop, order: shop.order(NORA, sold.RETREAT, at=NOW).success(),
        told="no rule names it, so it gives nothing",
        would_change=False,
    ),
    Case(
        "a customer's change of address where the site leaves it",
        lambda shop, _: shop.customer_updated(NORA, "nora.new@buyers.test", at=NOW),
        told='on_email_change is "leave"',
        would_change=False,
        prepare=lambda: Member.objects.update(remote_id="41", made_by_us=True),
    ),
    Case(
        "a customer's change of address where the site follows it",
        lambda shop, _: shop.customer_updated(NORA, "nora.new@buyers.test", at=NOW),
        told="the member at academy would be nora.new@buyers.test instead of nora@buyers.test",
        prepare=follow,
    ),
    Case(
        "a customer's change of address before they are made",
        lambda shop, _: shop.customer_updated(NORA, "nora.new@buyers.test", at=NOW),
        told="would be made there as nora.new@buyers.test",
    ),
    Case(
        "a rebill of somebody whom staff put on hold",
        lambda _, order: order.rebill(at=NOW),
        told="would give nothing",
        prepare=hold,
    ),
    Case(
        "an event without meaning for access",
        lambda shop, _: shop.cart_abandoned(NORA, sold.CLUB),
        told="Nothing would change",
        would_change=False,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_shown_is_what_happens_when_the_event_comes(shop, case):
    order = shop.order(NORA, *case.offers, at=ORDERED)
    come(*case.before(shop, order))
    case.prepare()
    event = case.event(shop, order)
    before = effects()

    found = tried(event)

    assert case.told in found.as_text()
    assert found.would_change is case.would_change
    assert ("Nothing would change" in found.as_text()) is not case.would_change
    shown = {
        (grant["order_number"], grant["item"], grant["charge"], grant["site"], grant["level"]): grant
        for grant in found.as_dict()["grants"]
    }
    come(event)
    after = effects()
    assert {key: (grant["live"], grant["until"], grant["reason"]) for key, grant in shown.items()} == {
        key: after[key] for key in shown
    }
    touched = {key for key in after if before.get(key, (None, None))[:2] != after[key][:2]}
    assert touched == {key for key, grant in shown.items() if grant["change"] != "unchanged"}
    for address in found.addresses:
        assert Member.objects.filter(site=address.site, email=address.to).exists() is address.changes


def effects() -> dict[tuple[str, str, str, str, str], tuple[bool, str | None, str]]:
    return {
        (grant.order.external_id, grant.item, grant.charge_key, grant.member.site_id, grant.level): (
            grant.live,
            str(grant.until_on) if grant.until_on else None,
            grant.reason,
        )
        for grant in Grant.objects.select_related("member", "order")
    }


# --- in particular ------------------------------------------------------------------------------------------------


def test_each_grant_tells_how_it_is_and_how_it_would_become(shop):
    order = shop.order(NORA, sold.COURSE, at=ORDERED)
    come(order.success())
    was_until = Grant.objects.get().until_on

    (grant,) = tried(order.refund()).as_dict()["grants"]

    assert (grant["change"], grant["was_live"], grant["was_until"], grant["live"]) == (
        "changed",
        True,
        str(was_until),
        False,
    )
    refunded_on = (NOW - timedelta(hours=1)).date()
    assert (
        grant["why"] == f"was until {was_until}; would end at once: refunded in full on {refunded_on}, so access ended"
    )
    assert (grant["email"], grant["order_number"], grant["charge"]) == ("nora@buyers.test", order.id, "first")


def test_who_keeps_the_level_through_another_order_is_told_so(shop):
    first, second = (shop.order(NORA, sold.COURSE, at=ORDERED - timedelta(days=days)) for days in (0, 1))
    come(first.success(), second.success())

    found = tried(first.refund())

    (level,) = found.as_dict()["access"]
    assert (level["change"], level["through"]) == ("changes", [f"order {second.id}"])
    assert f"(through order {second.id})" in found.as_text()


def test_who_loses_the_level_is_told_so(shop):
    order = shop.order(NORA, sold.COURSE, at=ORDERED)
    come(order.success())

    (level,) = tried(order.refund()).as_dict()["access"]

    assert (level["change"], level["had"], level["has"]) == ("loses", "until", "nothing")


def test_a_grant_that_is_planned_no_more_would_end(shop):
    order = shop.order(NORA, sold.COURSE, at=ORDERED)
    come(order.success())
    Decision.objects.update(rule=Decision.objects.get().rule | {"grants": [{"site": "academy", "level": "10"}]})

    found = tried(order.success())

    assert changes(found) == [("new", "product-101", "10"), ("changed", "product-101", "9")]
    assert "would end at once: no longer part of what was bought" in whys(found)


def test_an_order_of_unknown_mode_is_told_as_such(shop):
    sent = shop.order(NORA, sold.COURSE, at=ORDERED).success()
    del sent.body["mode"], sent.body["mode_int"]

    text = tried(sent).as_text()

    assert "does not say whether the order is live or a test" in text
    assert "unknown-mode" not in text


def test_a_level_that_was_never_read_is_waited_for(shop):
    Site.objects.filter(pk="academy").update(levels=[], levels_read_at=None)

    (grant,) = tried(shop.order(NORA, sold.COURSE, at=ORDERED).success()).as_dict()["grants"]

    assert grant["blocked"]
    assert "would wait until the site's levels are read" in grant["why"]


def test_orders_that_wait_for_an_address_are_part_of_the_event_that_names_it(shop):
    order = shop.order(NORA, sold.CLUB, at=ORDERED)
    come(order.success())
    Grant.objects.all().delete()
    Member.objects.all().delete()
    Customer.objects.update(email="", email_key="")

    found = tried(shop.customer_updated(NORA, "nora.new@buyers.test", at=NOW))

    assert {grant.foreseen.place.email for grant in found.grants} == {"nora.new@buyers.test"}
    assert {grant.change for grant in found.grants} == {"new"}
