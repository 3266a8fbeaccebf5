"""Pages by keyset: every row once, whichever way one pages, and files of all of them."""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import QuerySet
from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.conftest import make_cart
from guestlist.connections.models import Cart
from guestlist.dashboard.listing import Listing, Sort, batches, csv_response, listing
from guestlist.orders.models import Customer

pytestmark = pytest.mark.django_db

SORTS = (Sort("since", ("as_of",)), Sort("email", ("email_key",)))
FIRST = datetime(2026, 3, 1, tzinfo=UTC)


def customer(cart: Cart, number: int | str, day: int, email: str) -> Customer:
    return Customer(cart=cart, email_key=email, external_id=str(number), as_of=FIRST + timedelta(day))


def store(days: list[int]) -> QuerySet[Customer]:
    cart = Cart.objects.first() or make_cart()
    Customer.objects.all().delete()
    rows = [customer(cart, number, day, f"n{number % 3}@example.com") for number, day in enumerate(days)]
    Customer.objects.bulk_create(rows)
    return Customer.objects.all()


def page(found: QuerySet[Customer], rows: int = 3, **query: str | None) -> Listing[Customer]:
    asked = {name: value for name, value in query.items() if value is not None}
    return listing(RequestFactory().get("/", asked), found, SORTS, rows=rows)


@pytest.mark.parametrize("sort", ["since", "-since", "email", "-email"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(0, 4), max_size=14))
def test_paging_to_the_end_and_back_shows_every_row_once(sort: str, days: list[int]) -> None:
    found = store(days)
    column = "as_of" if "since" in sort else "email_key"
    minus = "-" if sort.startswith("-") else ""
    wanted = list(found.order_by(f"{minus}{column}", f"{minus}pk").values_list("pk", flat=True))
    shown, pages, cursor = [], [], None
    while True:
        part = page(found, sort=sort, after=cursor)
        pages.append([row.pk for row in part.rows])
        shown += pages[-1]
        if part.next is None:
            break
        cursor = part.next
    assert shown == wanted
    for earlier in reversed(pages[:-1]):
        part = page(found, sort=sort, before=part.previous)
        assert [row.pk for row in part.rows] == earlier
        assert part.next is not None
    assert part.previous is None


def test_the_first_sort_newest_first_is_taken_where_the_address_names_none() -> None:
    part = page(store([1, 3, 2]), sort="nonsense")
    assert [row.as_of.day for row in part.rows] == [4, 3, 2]
    assert part.descending


@pytest.mark.parametrize("cursor", ["x", "!!!", "W10", "WyJhIiwgImIiXQ", "bnVsbA", "WzEsMl0"])
def test_a_cursor_that_is_none_shows_the_first_page(cursor: str) -> None:
    assert len(page(store([1, 2]), after=cursor).rows) == 2


@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_a_cursor_with_what_no_database_takes_shows_the_first_page(text: str) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps([text, "1"]).encode()).decode()
    assert len(page(store([1, 2]), sort="email", after=cursor).rows) == 2


def test_rows_that_come_while_somebody_pages_do_not_shift_the_pages() -> None:
    found = store([1, 2, 3, 4])
    first = page(found, rows=2)
    customer(found[0].cart, "late", 9, "late@example.com").save()
    assert [row.as_of.day for row in page(found, rows=2, after=first.next).rows] == [3, 2]


@pytest.mark.parametrize(("way", "gone", "left"), [("after", [2, 3], [5, 4]), ("before", [4, 5], [3, 2])])
def test_where_all_rows_of_a_page_are_gone_the_list_begins_anew_instead_of_being_empty(
    way: str, gone: list[int], left: list[int]
) -> None:
    found = store([1, 2, 3, 4])
    first = page(found, rows=2)
    second = page(found, rows=2, after=first.next)
    found.filter(as_of__day__in=gone).delete()
    part = page(found, rows=2, **{way: first.next if way == "after" else second.previous})
    assert [row.as_of.day for row in part.rows] == left
    assert (part.previous, part.next) == (None, None)


def test_a_file_has_all_rows_and_no_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.dashboard.listing.ROWS_AT_ONCE", 2)
    found = store([1, 2, 3, 4, 5])
    Customer.objects.filter(external_id="2").update(first_name="=1+1", last_name='@"x, y')
    some = batches(RequestFactory().get("/", {"sort": "since"}), found, SORTS)
    rows = [[(row.external_id, row.first_name, row.last_name, -5) for row in batch] for batch in some]
    answer = csv_response("people", ["id", "first", "last", "number"], iter(rows))

    async def read() -> bytes:
        return b"".join([part async for part in answer])

    lines = list(csv.reader(io.StringIO(asyncio.run(read()).decode("utf-8-sig"))))
    assert [line[0] for line in lines] == ["id", "0", "1", "2", "3", "4"]
    assert lines[3] == ["2", "'=1+1", "'@\"x, y", "-5"]
    assert answer["Content-Disposition"] == 'attachment; filename="people.csv"'
