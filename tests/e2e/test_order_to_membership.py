"""The main job, with real processes: a delivery posted to the door becomes a membership at the site."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.relativedelta import relativedelta

from e2e.system import SECRET, System, access, cart_block, rule_block, site_block
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.site.server import SandboxSite

COURSE = Offer(item="product-12", name="Course", price=9900, option="501")
WORKBOOK = Offer(item="bump-12", name="Workbook", price=1900)
TALKS = Offer(item="upsell-12", name="Talks", price=4900, option="502")
CLUB = Offer(item="product-20", name="Club", price=2900, option="503", frequency="month")
PLAN = Offer(item="product-21", name="Studio", price=16000, option="504", frequency="month", charges=3)
OPTION_A = Offer(item="product-30", name="Library", price=7500, option="601")
OPTION_B = Offer(item="product-30", name="Library", price=49000, option="602")
UNMAPPED = Offer(item="product-1", name="Something else", price=100)

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def site():
    with SandboxSite() as running:
        yield running


@pytest.fixture
def system(guestlist_env, tmp_path):
    running = System(guestlist_env, tmp_path)
    yield running
    running.close()


def settings(site: SandboxSite) -> str:
    return (
        cart_block()
        + site_block(site)
        + rule_block("product-12", "academy/10")
        + rule_block("bump-12", "academy/9")
        + rule_block("upsell-12", "academy/11", access="90 days")
        + rule_block("product-20", "academy/8")
        + rule_block("product-21", "academy/10")
        + rule_block("product-30", "academy/9", option="601")
        + rule_block("product-30", "academy/10", "academy/8", option="602")
    )


def after(moment: datetime, days: int = 0, months: int = 0, years: int = 0) -> str:
    return str((moment + relativedelta(months=months, years=years) + timedelta(days=days)).date())


def amounts(site: SandboxSite) -> Counter[tuple[int, str]]:
    rows = site.state()["transactions"]
    assert {row["status"] for row in rows} == {"complete"}
    return Counter((row["membership_id"], row["amount"]) for row in rows)


def test_realistic_orders_give_exactly_the_right_levels_dates_and_amounts(system: System, site: SandboxSite):
    system.apply(settings(site))
    site.act("POST", "members", {"email": "Old.Friend@buyers.test", "username": "oldfriend"})
    system.web()
    system.worker()
    shop = Shop(SECRET)
    began = NOW - relativedelta(months=2, days=3)
    funnel = shop.order(Buyer(email="funnel@buyers.test", first_name="Fay"), COURSE, WORKBOOK, TALKS, at=NOW)
    club = shop.order(Buyer(email="club@buyers.test"), CLUB, at=began)
    plan = shop.order(Buyer(email="plan@buyers.test"), PLAN, at=began)
    friend = shop.order(Buyer(email="old.friend@buyers.test"), COURSE, at=NOW)
    option_a = shop.order(Buyer(email="a@buyers.test"), OPTION_A, at=NOW)
    option_b = shop.order(Buyer(email="b+shop@buyers.test"), OPTION_B, at=NOW)
    tested = shop.order(Buyer(email="tester@buyers.test"), COURSE, at=NOW, mode="test")
    other = shop.order(Buyer(email="other@buyers.test"), UNMAPPED, at=NOW)
    rebills = [club.rebill(), club.rebill(), plan.rebill(), plan.rebill()]
    orders = [each.success() for each in (funnel, club, plan, friend, option_a, option_b, tested, other)]

    for number, delivery in enumerate([*rebills, *orders, orders[0]]):  # rebills before their orders, one order twice
        if number % 2:
            assert system.post(delivery.as_json(), "application/json") == 200
        else:
            assert system.post(delivery.as_form()) == 200
    system.settle()

    assert access(site) == {
        "funnel@buyers.test": {10: None, 9: after(NOW, years=1), 11: after(NOW, days=90)},
        "club@buyers.test": {8: after(began + relativedelta(months=3), days=3)},
        "plan@buyers.test": {10: None},
        "Old.Friend@buyers.test": {10: None},
        "a@buyers.test": {9: after(NOW, years=1)},
        "b+shop@buyers.test": {10: None, 8: after(NOW, months=1)},
    }
    assert amounts(site) == Counter(
        {
            (10, "99.00"): 2,
            (9, "19.00"): 1,
            (11, "49.00"): 1,
            (8, "29.00"): 3,
            (10, "160.00"): 3,
            (9, "75.00"): 1,
            (10, "490.00"): 1,
            (8, "0.00"): 1,
        }
    )
    status = system.json("status")
    assert "product-1" in str(status)
    shown = system.json("members", "show", "FUNNEL@buyers.test")
    assert "upsell-12" in str(shown)


def test_twenty_orders_for_one_new_address_at_once_make_one_user(system: System, site: SandboxSite):
    site.switch(race_window_ms=150)
    system.apply(settings(site).replace("allow_private", "concurrency = 4\nallow_private"))
    system.web()
    system.worker()
    system.worker()
    shop = Shop(SECRET)
    bodies = [
        shop.order(Buyer(email="Nora@buyers.test" if n % 2 else "nora@buyers.test"), COURSE, at=NOW).success().as_form()
        for n in range(20)
    ]

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(system.post, bodies)) == {200}
    system.settle()

    assert [{email.lower(): levels} for email, levels in access(site).items()] == [{"nora@buyers.test": {10: None}}]
    assert amounts(site) == Counter({(10, "99.00"): 20})
    mails = Counter(mail["subject"] for mail in site.state()["mails"])
    assert set(mails.values()) == {1}, "one password mail, one welcome mail"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_ended_in_mid_work_is_replaced_and_nothing_is_done_twice(
    system: System, site: SandboxSite, number: signal.Signals
):
    site.switch(latency_ms=120)
    system.apply(settings(site))
    system.web()
    doomed = system.worker()
    shop = Shop(SECRET)
    people = [f"buyer{n}@buyers.test" for n in range(25)]
    for person in people:
        assert system.post(shop.order(Buyer(email=person), COURSE, WORKBOOK, at=NOW).success().as_form()) == 200
    deadline = time.monotonic() + 30
    while len(site.requests()) < 15:
        assert time.monotonic() < deadline, system.logs()
        time.sleep(0.02)

    os.kill(doomed.pid, number)
    doomed.wait(9)
    killed_at = datetime.now(UTC)
    asked = len(site.requests())
    system.worker()
    system.settle(90)

    assert access(site) == {person: {10: None, 9: after(NOW, years=1)} for person in people}
    assert amounts(site) == Counter({(10, "99.00"): 25, (9, "19.00"): 25})
    again = datetime.fromisoformat(site.requests()[asked + 2]["at"])
    assert again - killed_at < timedelta(seconds=30), "taken over by heartbeat, not by chance"
