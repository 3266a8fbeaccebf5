"""The pages row: what each page of the dashboard takes with 1,000,000 orders stored, and what it sends.

    --orders 50000       fewer orders
    --home FOLDER        a Guestlist that `bench.million` filled before, instead of a new one

A page is asked for as the signed-in owner's browser asks, through all middleware. Lists are asked for in all the ways
that they offer: sorted, filtered by each choice and by two at once, searched, and a thousand pages further on.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.environment import Environment
from bench.million import ORDERS, fill
from bench.troubles import OWNER
from bench.variants import next_page, offered, variants

WANTED_MS = 200.0
WANTED_BYTES = 300_000
REPEATS = 5
DEEP = 1000
_HEADERS = {"HTTP_ACCEPT_ENCODING": "gzip, br", "HTTP_ACCEPT": "text/html"}

# Names are of `_examples`.
PAGES = (
    "/",
    "/attention",
    "/attention/count",
    "/attention/members",
    "/attention/notes",
    "/attention/deliveries",
    "/attention/check/{checked_site}",
    "/activity",
    "/orders",
    "/orders/{order}",
    "/people",
    "/people/show?email={buyer}",
    "/people/show?email={best_buyer}",
    "/products",
    "/products/{cart}/{item}",
    "/deliveries",
    "/deliveries/{delivery}",
    "/deliveries/{unreadable}",
    "/simulator",
    "/help",
    "/settings/integrations",
    "/settings/integrations/carts/{cart}",
    "/settings/integrations/sites/{site}",
    "/settings/staff",
    "/settings/tokens",
    "/settings/audit",
    "/account/profile",
)
LISTS = ("/orders", "/people", "/deliveries", "/attention/members", "/settings/audit", "/activity")
FILES = ("/orders.csv", "/people.csv", "/deliveries.csv")


@dataclass
class Answer:
    """One answer: milliseconds, queries with theirs, bytes as sent."""

    milliseconds: float
    queries: list[tuple[float, str]]
    size: int
    text: str


@dataclass
class Row:
    """What is printed of a page, or of a list asked for in several ways."""

    name: str
    milliseconds: list[float] = field(default_factory=list)
    queries: int = 0
    size: int = 0
    # The slowest: address and its queries.
    slowest: tuple[float, str, list[tuple[float, str]]] = (0.0, "", [])

    def add(self, address: str, answers: list[Answer]) -> None:
        """Take in the answers to one address; a page's time is the median of its answers."""
        median = statistics.median(answer.milliseconds for answer in answers)
        self.milliseconds.append(median)
        self.queries = max(self.queries, *(len(answer.queries) for answer in answers))
        self.size = max(self.size, *(answer.size for answer in answers))
        if median > self.slowest[0]:
            self.slowest = median, address, answers[-1].queries

    @property
    def is_over(self) -> bool:
        """Too slow or too large."""
        return max(self.milliseconds) >= WANTED_MS or self.size >= WANTED_BYTES


def main() -> bool:
    """Run and print; tells whether all pages are quick and small enough."""
    options = argparse.ArgumentParser(description="Measure each page of the dashboard with many orders stored.")
    options.add_argument("--orders", type=int, default=ORDERS)
    options.add_argument("--home", type=Path)
    chosen = options.parse_args()
    with ExitStack() as stack:
        if chosen.home is None:
            stack.enter_context(Environment())
            fill(chosen.orders)
        else:
            _use(chosen.home)
        rows = list(_measure(_Owner()))
    over = [row for row in rows if row.is_over]
    for row in over:
        if row.queries:
            _tell_slow(row)
    print(f"pages: {len(over)} of {len(rows)} over {WANTED_MS:.0f} ms or {WANTED_BYTES // 1000} KB")
    return not over


def _use(home: Path) -> None:
    os.environ["GUESTLIST_HOME"] = str(home)
    os.environ["GUESTLIST_LOG_LEVEL"] = "WARNING"
    os.environ.pop("DATABASE_URL", None)
    from guestlist.engine.boot import boot

    boot()


class _Unusable(Exception):
    """A page that was not shown."""


class _Owner:
    """The owner's browser."""

    def __init__(self) -> None:
        from django.test import Client

        from guestlist.accounts.models import User

        self._client = Client(raise_request_exception=False)
        self._client.force_login(User.objects.get(email=OWNER))
        self._files: dict[str, int] = {}

    def ask(self, address: str, *, with_files: bool = False) -> Answer:
        """Ask for a page; `with_files` counts its style sheets, scripts and icons, too."""
        from django.db import connection

        queries: list[tuple[float, str]] = []

        def timed(execute: Callable[..., Any], sql: str, values: Any, many: bool, context: Any) -> Any:
            began = time.perf_counter()
            try:
                return execute(sql, values, many, context)
            finally:
                queries.append(((time.perf_counter() - began) * 1000, sql))

        with connection.execute_wrapper(timed):
            began = time.perf_counter()
            response = self._client.get(address, **_HEADERS)
            milliseconds = (time.perf_counter() - began) * 1000
        if response.status_code != 200:
            raise _Unusable(f"{address} answered {response.status_code}")
        size, text = len(response.content), ""
        if response["Content-Type"].startswith("text/html"):
            text = _plain(response)
            if with_files:
                size += sum(self._size_of(each) for each in offered(text).files)
        return Answer(milliseconds, queries, size, text)

    def _size_of(self, address: str) -> int:
        if address not in self._files:
            response = self._client.get(address, **_HEADERS)
            self._files[address] = len(response.getvalue())
        return self._files[address]

    def first_rows(self, address: str) -> float:
        """Milliseconds until the first rows of a file are there."""
        from django.test import AsyncClient

        async def ask() -> float:
            client = AsyncClient()
            client.cookies = self._client.cookies
            began = time.perf_counter()
            response: Any = await client.get(address)
            if response.status_code != 200:
                raise _Unusable(f"{address} answered {response.status_code}")
            parts = aiter(response.streaming_content)
            await anext(parts)
            await anext(parts)
            return (time.perf_counter() - began) * 1000

        return asyncio.run(ask())


def _plain(response: Any) -> str:
    import gzip

    content = response.content
    return (gzip.decompress(content) if response.headers.get("Content-Encoding") == "gzip" else content).decode()


def _measure(owner: _Owner) -> Iterator[Row]:
    print(f"pages: {'':58} times   median    worst  queries       KB")
    words = _examples()
    tasks: list[Callable[[], list[Row]]] = [
        *(partial(_alone, owner, page.format(**words)) for page in PAGES),
        *(partial(_asked_in_all_ways, owner, page, words) for page in LISTS),
        *(partial(_far_on, owner, page) for page in LISTS),
        *(partial(_file, owner, page) for page in FILES),
    ]
    for task in tasks:
        try:
            yield from map(_told, task())
        except _Unusable as problem:
            print(f"pages: {problem}", flush=True)
            yield Row(str(problem), [math.inf])


def _alone(owner: _Owner, address: str) -> list[Row]:
    row = Row(address)
    owner.ask(address)  # templates are read the first time
    row.add(address, [owner.ask(address, with_files=True) for _ in range(REPEATS)])
    return [row]


def _file(owner: _Owner, address: str) -> list[Row]:
    row = Row(f"{address}, until its first rows are there")
    row.add(address, [Answer(owner.first_rows(address), [], 0, "") for _ in range(REPEATS)])
    return [row]


def _asked_in_all_ways(owner: _Owner, page: str, words: Mapping[str, str]) -> list[Row]:
    found = offered(owner.ask(page).text)
    rows: defaultdict[str, Row] = defaultdict(lambda: Row(page))
    for name, address in variants(page, found, [words[name] for name in _SEARCHED]):
        rows[name].name = f"{page} {name}"
        rows[name].add(address, _answers(owner, address))
    return list(rows.values())


def _answers(owner: _Owner, address: str) -> list[Answer]:
    """One answer; several if it was slow: a pause of the machine is no fault of the page."""
    first = owner.ask(address)
    return [first] if first.milliseconds < WANTED_MS / 2 else [owner.ask(address) for _ in range(REPEATS)]


def _far_on(owner: _Owner, page: str) -> list[Row]:
    row = Row(f"{page} and the {DEEP} pages after it")
    address: str | None = page
    for _ in range(DEEP):
        answers = _answers(owner, address)
        row.add(address, answers)
        address = next_page(address, offered(answers[0].text))
        if address is None:
            break
    return [row]


_SEARCHED = ("buyer", "number", "invoice", "name", "surname", "nobody")


def _examples() -> dict[str, str]:
    """Things to show, from the middle of what is stored."""
    from guestlist.access.models import Member
    from guestlist.access.reconcile.models import Drift
    from guestlist.fulfilment.models import Rule
    from guestlist.inbox.models import Delivery, DeliveryState
    from guestlist.orders.models import Customer, Order

    last = Order.objects.order_by("-pk")[0]
    order = (
        Order.objects.filter(pk__lte=(1_000_000 + last.pk) // 2, cart="main").select_related("customer").latest("pk")
    )
    best = Customer.objects.filter(cart="main", pk__gt=1_000_000).order_by("pk")[0]
    drift = Drift.objects.select_related("reconciliation").latest("pk")
    site = Member.objects.filter(email_key=order.customer.email_key)[0].site_id
    return {
        "order": str(order.pk),
        "number": order.external_id,
        "invoice": order.invoice_id,
        "buyer": order.customer.email,
        "best_buyer": best.email,
        "name": order.customer.first_name,
        "surname": order.customer.last_name,
        "nobody": "nobody.at.all@example.org",
        "cart": order.cart_id,
        "item": Rule.objects.filter(cart=order.cart_id).order_by("pk")[0].item,
        "site": site,
        "checked_site": drift.reconciliation.site_id,
        "delivery": str(Delivery.objects.filter(state=DeliveryState.DONE).latest("pk").pk),
        "unreadable": str(Delivery.objects.filter(state=DeliveryState.UNREADABLE).latest("pk").pk),
    }


def _told(row: Row) -> Row:
    times = row.milliseconds
    print(
        f"pages: {row.name:58} {len(times):5} {statistics.median(times):5.0f} ms {max(times):5.0f} ms"
        f" {row.queries:8} {row.size / 1000:8.1f}{'  <-- over' if row.is_over else ''}",
        flush=True,
    )
    return row


def _tell_slow(row: Row) -> None:
    milliseconds, address, queries = row.slowest
    print(
        f"\npages: {address}: {milliseconds:.0f} ms in {len(queries)} queries, {row.size / 1000:.0f} KB. Its slowest:"
    )
    for took, sql in sorted(queries, reverse=True)[:3]:
        print(f"  {took:.0f} ms  {sql[:1500]}")


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
