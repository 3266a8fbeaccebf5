"""Rows of the transactions' list as real sites show them, and as none should."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from raw_site import RawSite, json_page, page

from guestlist.domain.facts import Item, ItemType
from guestlist.domain.plan import is_reference, reference
from guestlist.domain.rules import Target
from guestlist.sites.contract import Connection, Holding, HoldingsPage, NeedsAttention, RetryLater
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress, MemberPressSite

Start = Callable[..., RawSite]
OURS = f"gl-1042-{'0a' * 12}"


def open_site(raw: RawSite) -> MemberPressSite:
    connection = Connection(url=raw.url, credentials={"api_key": "Ab3dE6gH9k"}, allow_private_address=True)
    return MemberPress().open(connection, timeouts=Timeouts(connect=2, read=2, create=2, total=5))


def row(**fields: Any) -> dict[str, Any]:
    return {
        "id": "5",
        "trans_num": OURS,
        "status": "complete",
        "txn_type": "payment",
        "expires_at": "2027-01-31 23:59:59",
        "member": {"id": 17, "email": "Ann@X.test"},
        "membership": {"id": 8, "status": "publish"},
        **fields,
    }


def read(raw_site: Start, *rows: Any, member: str | None = None) -> HoldingsPage | RetryLater | NeedsAttention:
    site = open_site(raw_site(lambda request: json_page(json.dumps(rows))))
    result = site.holdings(member=member)
    site.close()
    return result


def read_one(raw_site: Start, **fields: Any) -> Holding:
    result = read(raw_site, row(**fields))
    assert isinstance(result, HoldingsPage)
    [holding] = result.rows
    return holding


def test_a_row_is_read_whole(raw_site: Start) -> None:
    assert read_one(raw_site) == Holding(
        remote_id="5",
        ref=OURS,
        ours=True,
        member="17",
        email="ann@x.test",
        level="8",
        live=True,
        status="complete",
        until_on=date(2027, 1, 31),
    )


@pytest.mark.parametrize(
    ("expires_at", "until_on"),
    [
        ("0000-00-00 00:00:00", None),
        ("1970-01-01 23:59:59", date(1970, 1, 1)),
        ("2027-01-31", date(2027, 1, 31)),
        ("soon", date(1970, 1, 1)),
    ],
)
def test_the_last_day(raw_site: Start, expires_at: str, until_on: date | None) -> None:
    assert read_one(raw_site, expires_at=expires_at).until_on == until_on


@pytest.mark.parametrize(
    ("fields", "live"),
    [
        ({"status": "complete"}, True),
        ({"status": "refunded"}, False),
        ({"status": "pending"}, False),
        ({"status": "failed"}, False),
        ({"status": "confirmed"}, False),
        ({"txn_type": "subscription_confirmation", "status": "confirmed"}, False),
        ({"txn_type": "subscription_confirmation", "status": "complete"}, False),
    ],
)
def test_what_gives_access(raw_site: Start, fields: dict[str, str], live: bool) -> None:
    holding = read_one(raw_site, **fields)
    assert holding.live is live
    assert fields["status"] in holding.status


def test_a_member_and_a_level_that_are_gone_are_plain_numbers(raw_site: Start) -> None:
    holding = read_one(raw_site, member="0", membership="99999")
    assert (holding.member, holding.email, holding.level) == ("0", None, "99999")


def test_rows_of_others_are_dropped_where_the_site_ignores_the_filter(raw_site: Start) -> None:
    result = read(raw_site, row(), row(id="6", member={"id": 170, "email": "bob@x.test"}), member="17")
    assert isinstance(result, HoldingsPage)
    assert [holding.remote_id for holding in result.rows] == ["5"]


@pytest.mark.parametrize("missing", ["id", "member", "membership", "status", "expires_at"])
def test_an_incomplete_row_of_somebody_else_hides_nothing(raw_site: Start, missing: str) -> None:
    result = read(raw_site, row(**{"id": "6", "trans_num": "mp-txn-1", missing: None}), row())
    assert isinstance(result, HoldingsPage)
    assert OURS in [holding.ref for holding in result.rows]


@pytest.mark.parametrize(
    "broken",
    [row(id=None), row(id="none"), row(member=None), row(membership=None), row(expires_at=""), {"id": "7"}],
)
def test_an_incomplete_row_of_ours_is_not_overlooked(raw_site: Start, broken: dict[str, Any]) -> None:
    result = read(raw_site, row(), broken)
    assert isinstance(result, RetryLater)
    assert not result.site_down


@pytest.mark.parametrize(
    "answer", [json_page("{}"), json_page("[1]"), json_page('[{"id":"5",'), json_page("null"), page("<p>x</p>")]
)
def test_a_page_that_is_no_list_of_transactions_is_not_called_empty(raw_site: Start, answer: bytes) -> None:
    site = open_site(raw_site(lambda request: answer))
    assert isinstance(site.holdings(), RetryLater | NeedsAttention)
    site.close()


def test_the_request_asks_for_one_page_past_every_cache(raw_site: Start) -> None:
    raw = raw_site(lambda request: json_page("[]", "200 OK", "X-WP-TotalPages: 9"))
    site = open_site(raw)
    result = site.holdings("3", member="17")
    site.close()
    assert result == HoldingsPage(rows=(), next=None, pages=9)
    [request] = raw.requests
    target = request.split(b" ")[1].decode()
    assert target.startswith("/wp-json/mp/v1/transactions?member=17&per_page=100&page=3&_=")
    assert b"cache-control: no-cache" in request.lower()


def test_pages_go_on_until_the_last(raw_site: Start) -> None:
    raw = raw_site(lambda request: json_page(json.dumps([row()]), "200 OK", "X-WP-TotalPages: 3"))
    site = open_site(raw)
    cursor, seen = None, 0
    for _ in range(5):
        result = site.holdings(cursor)
        assert isinstance(result, HoldingsPage)
        seen, cursor = seen + 1, result.next
        if cursor is None:
            break
    site.close()
    assert seen == 3


def test_of_several_with_one_reference_the_one_that_gives_access_is_the_holding(raw_site: Start) -> None:
    rows = [row(id="9"), row(id="7"), row(id="5", status="refunded")]
    site = open_site(raw_site(lambda request: json_page(json.dumps(rows))))
    found = site.holding("", OURS, "17")
    site.close()
    assert isinstance(found, Holding)
    assert found.remote_id == "7"


def test_a_refusal_is_no_proof_that_a_holding_is_gone(raw_site: Start) -> None:
    refusal = json_page('{"code":"mp_db_error","message":"no"}', "500 Internal Server Error")
    site = open_site(raw_site(lambda request: refusal))
    assert isinstance(site.holding("5", OURS, "17"), RetryLater)
    site.close()


@pytest.mark.parametrize("header", ["Age: 1", "X-Cache: HIT from edge", "CF-Cache-Status: HIT"])
def test_an_answer_out_of_a_cache_is_told(raw_site: Start, header: str) -> None:
    site = open_site(raw_site(lambda request: json_page("[]", "200 OK", header)))
    outcome = site.holdings()
    site.close()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide


@pytest.mark.parametrize("header", ["Age: 0", "Age: soon", "X-Cache: MISS", "CF-Cache-Status: DYNAMIC"])
def test_an_answer_that_went_by_a_cache_is_the_sites(raw_site: Start, header: str) -> None:
    site = open_site(raw_site(lambda request: json_page("[]", "200 OK", header)))
    assert isinstance(site.holdings(), HoldingsPage)
    site.close()


@pytest.mark.parametrize("order", ["1042", "", "a/b c", "9" * 99])
def test_every_reference_of_ours_is_known_as_one(order: str) -> None:
    item = Item(ItemType.PRODUCT, "12")
    assert is_reference(reference("shop", "live", order, item, "first", Target("academy", "8")))


@pytest.mark.parametrize(
    "ref",
    ["", "gl-1", "gl-1-abc", f"mp-1-{'0a' * 12}", f"gl-1-{'0A' * 12}", f"{OURS}0", f"x{OURS}", f"gl-{'0a' * 12}"],
)
def test_others_references_are_not_taken_for_ours(ref: str) -> None:
    assert not is_reference(ref)


def test_a_hand_made_reference_is_ours() -> None:
    assert is_reference(f"gl-by-hand-{'0a' * 12}")
