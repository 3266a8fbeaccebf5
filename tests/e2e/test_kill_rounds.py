"""Fifty orders under way, and every process killed at random moments, again and again: nothing lost, nothing twice."""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import psutil
import pytest
from dateutil.relativedelta import relativedelta

from e2e.system import SECRET, System, access, cart_block, rule_block, site_block
from guestlist.engine.postgres import EmbeddedPostgres
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.site.server import SandboxSite

ROUNDS = 20
# Every so often the database server is killed with the rest.
DATABASE_TOO = 4
# And every so often they are killed while they start.
KILLED_AT_START = 5
ORDERS_AT_FIRST, ORDERS_PER_ROUND = 50, 5
SITES = ("north", "south", "east", "west", "coast", "hills")
COURSE = Offer(item="product-12", name="Course", price=9900, option="501")
WORKBOOK = Offer(item="bump-12", name="Workbook", price=1900)
TALKS = Offer(item="product-13", name="Talks", price=4900, option="502")
CLUB = Offer(item="product-20", name="Club", price=2900, option="503", frequency="month")
PLAN = Offer(item="product-21", name="Studio", price=16000, option="504", frequency="month", charges=3)

NOW = datetime.now(UTC).replace(microsecond=0)
BEGAN = NOW - relativedelta(months=2, days=3)

# Access at a site: level -> last day; how many transactions there may be for each level.
Access = dict[int, str | None]


@dataclass
class Sale:
    """What one person bought, and what has to come of it, whatever happens on the way."""

    email: str
    bodies: Sequence[bytes]
    access: dict[str, Access]
    live: dict[str, Counter[int]]


def day(moment: datetime, days: int = 0) -> str:
    return str((moment + timedelta(days=days)).date())


def sale(shop: Shop, number: int, dice: random.Random) -> Sale:
    """One of six lives of an order, its deliveries in any order."""
    buyer = Buyer(email=f"buyer{number}@buyers.test")
    both = ("east", "west")
    match number % 6:
        case 0:
            order = shop.order(buyer, COURSE, WORKBOOK, at=NOW)
            told, has = [order.success()], {"north": {10: None}, "south": {9: day(NOW + relativedelta(years=1))}}
            live = {"north": Counter({10: 1}), "south": Counter({9: 1})}
        case 1:
            order = shop.order(buyer, CLUB, at=BEGAN)
            until = {8: day(BEGAN + relativedelta(months=3), days=3)}
            told, has = [order.success(), order.rebill(), order.rebill()], dict.fromkeys(both, until)
            live = {site: Counter({8: 3}) for site in both}
        case 2:
            order = shop.order(buyer, COURSE, WORKBOOK, at=NOW)
            told = [order.success(), order.refund("product-12", at=NOW + timedelta(minutes=5))]
            has, live = {"south": {9: day(NOW + relativedelta(years=1))}}, {"south": Counter({9: 1})}
        case 3:
            order = shop.order(buyer, PLAN, at=BEGAN)
            told, has = [order.success(), order.rebill(), order.rebill()], {"coast": {10: None}}
            live = {"coast": Counter({10: 3})}
        case 4:
            order = shop.order(buyer, CLUB, at=NOW - timedelta(days=2))
            until = {8: day(NOW - timedelta(days=2) + relativedelta(months=1))}
            told, has = [order.success(), order.cancel(at=NOW)], dict.fromkeys(both, until)
            live = {site: Counter({8: 1}) for site in both}
        case _:
            order = shop.order(buyer, TALKS, at=NOW)
            told, has, live = [order.success()], {"hills": {10: None}}, {"hills": Counter({10: 1})}
    bodies = [delivery.as_form() for delivery in told]
    dice.shuffle(bodies)
    return Sale(buyer.email, bodies, has, live)


class Shelled:
    """A whole Guestlist with its own PostgreSQL, under fire."""

    def __init__(self, system: System, home: Path) -> None:
        self.system = system
        self.home = home
        self.waiting: list[bytes] = []
        self.answered = 0
        self._client = httpx2.Client(trust_env=False, headers={"Content-Type": "application/x-www-form-urlencoded"})

    def start(self) -> None:
        self.system.start("web", "--port", str(self.system.port))
        self.system.start("worker")
        self.system.start("worker")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while not self._ready():
            assert time.monotonic() < deadline, self.system.logs()
            time.sleep(0.05)

    def _ready(self) -> bool:
        first = len(self.system.processes) - 2
        workers = [self.system.folder / f"worker-{number}.log" for number in (first, first + 1)]
        if not all("worker_ready" in log.read_text() for log in workers):
            return False
        try:
            return self._client.get(f"{self.system.url}/readyz").status_code == 200
        except httpx2.TransportError:
            return False

    def post_until(self, ends_at: float) -> None:
        """Send what waits, as a cart does: what was not answered with 200 is sent again later."""
        with ThreadPoolExecutor(4) as pool:
            answered = list(pool.map(lambda body: self._posted(body, ends_at), self.waiting))
        self.waiting = [body for body, stored in zip(self.waiting, answered, strict=True) if not stored]
        self.answered += sum(answered)

    def _posted(self, body: bytes, ends_at: float) -> bool:
        while time.monotonic() < ends_at:
            try:
                if self._client.post(f"{self.system.url}/hooks/shop", content=body).status_code == 200:
                    return True
            except httpx2.TransportError:
                pass
            time.sleep(0.05)
        return False

    def close(self) -> None:
        self._client.close()
        self.system.close()

    def kill_everything(self, *, database: bool) -> None:
        doomed = [process for process in self.system.processes if process.poll() is None]
        victims = [process.pid for process in doomed]
        if database:
            victims.append(self.postmaster())
        for victim in victims:
            with suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        for process in doomed:
            process.wait(10)

    def postmaster(self) -> int:
        pid = int((self.home / "postgres/data/postmaster.pid").read_text().split()[0])
        assert psutil.Process(pid).cwd() == str(self.home / "postgres/data")
        return pid


@pytest.fixture
def sites() -> Iterator[SandboxSite]:
    with SandboxSite(latency_ms=120) as running:
        yield running


@pytest.fixture
def shelled(tmp_path: Path) -> Iterator[Shelled]:
    folder = Path(tempfile.mkdtemp(prefix="guestlist-test-"))
    folder.chmod(0o711)
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("GUESTLIST_", "PYTEST_")) and name != "DATABASE_URL"
    }
    system = System({**inherited, "GUESTLIST_HOME": str(folder / "home")}, tmp_path)
    system.env["GUESTLIST_LOG_LEVEL"] = "INFO"  # tells when a worker is ready
    running = Shelled(system, (folder / "home").resolve())
    yield running
    running.close()
    EmbeddedPostgres(folder / "home").stop()
    shutil.rmtree(folder)


def settings(sites: SandboxSite) -> str:
    return (
        cart_block()
        + "".join(site_block(sites, name, f"/s/{name}") for name in SITES)
        + rule_block("product-12", "north/10")
        + rule_block("bump-12", "south/9")
        + rule_block("product-13", "hills/10")
        + rule_block("product-20", "east/8", "west/8")
        + rule_block("product-21", "coast/10")
    )


def test_twenty_times_everything_is_killed_and_nothing_is_lost_or_done_twice(shelled: Shelled, sites: SandboxSite):
    dice = random.Random(20)
    shop = Shop(SECRET)
    sales: list[Sale] = []
    shelled.system.apply(settings(sites))
    for turn in range(ROUNDS):
        for _ in range(ORDERS_PER_ROUND if turn else ORDERS_AT_FIRST):
            sales.append(sale(shop, len(sales), dice))
            shelled.waiting += sales[-1].bodies
        shelled.start()
        if turn % KILLED_AT_START != KILLED_AT_START - 1:
            shelled.wait_until_ready()
        ends_at = time.monotonic() + dice.uniform(0.2, 3.0)
        shelled.post_until(ends_at)
        time.sleep(max(0.0, ends_at - time.monotonic()))
        shelled.kill_everything(database=turn % DATABASE_TOO == DATABASE_TOO - 1)
    asked = sum(len(sites.requests(name)) for name in SITES)
    shelled.start()
    shelled.post_until(time.monotonic() + 60)
    shelled.system.settle(90)

    assert asked > 100, "the rounds were too short for the lanes to be at work"
    assert shelled.system.logs().count("lane_taken_over") >= 5, "nobody was killed in mid-work"
    assert shelled.waiting == []
    assert shelled.answered == sum(len(each.bodies) for each in sales)
    for name in SITES:
        has = {email: levels for email, levels in access(sites, name).items() if levels}
        assert has == {each.email: each.access[name] for each in sales if name in each.access}, name
        assert_nothing_twice(sites, name, sales)


def assert_nothing_twice(sites: SandboxSite, name: str, sales: Sequence[Sale]) -> None:
    state = sites.state(name)
    emails = {person["id"]: person["email"] for person in state["members"]}
    rows = state["transactions"]
    assert max(Counter(row["trans_num"] for row in rows).values()) == 1
    live = Counter((emails[row["user_id"]], row["membership_id"]) for row in rows if row["status"] == "complete")
    wanted = {(each.email, level): n for each in sales for level, n in each.live.get(name, {}).items()}
    assert live == Counter(wanted)
    mails = Counter((mail["to"], mail["kind"]) for mail in state["mails"])
    assert {mail: times for mail, times in mails.items() if times > 1} == {}
