"""Scalars as they really come: texts, null words, twins, several ways to write a moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from delivery_cases import RECEIVED_AT, SECRET

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart import CART
from guestlist.carts.thrivecart.body import Node, Number, decode
from guestlist.carts.thrivecart.values import Fields, moment, text
from guestlist.domain.facts import Mode, OrderPlaced, Paused


@pytest.mark.parametrize("node", ["", " ", "null", None, [], {}, "\x00", "\ud800"])
def test_these_say_nothing(node: Node) -> None:
    assert text(node) == ""


@pytest.mark.parametrize(
    ("node", "said"),
    [(" Ada ", "Ada"), ("Null", "Null"), ("0", "0"), (True, "true"), (False, "false"), (Number("17"), "17")],
)
def test_these_say_something(node: Node, said: str) -> None:
    assert text(node) == said


@pytest.mark.parametrize("said", ["a\x00b", "a\tb", "a\r\nb", "a\ud800b"])
def test_what_no_database_stores_becomes_a_space(said: str) -> None:
    assert text(said) == "a b"


@pytest.mark.parametrize(
    "said",
    [
        "1788257100",
        "1788257100000",
        "1788257100.7",
        "2026-09-01T10:05:00+00:00",
        "2026-09-01T12:05:00+02:00",
        "2026-09-01T10:05:00Z",
        "2026-09-01T10:05:00.25Z",
        "2026-09-01 10:05:00",
    ],
)
def test_a_moment_is_read_however_it_is_written(said: str) -> None:
    assert moment(said) == datetime(2026, 9, 1, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "said", ["", "0", "false", "soon", "0000-00-00 00:00:00", "99999999999999999999", "1970-01-01"]
)
def test_no_moment_is_made_of_these(said: str) -> None:
    assert moment(said) is None


@pytest.mark.parametrize("said", ["69.00", "6.9e3", "1,5", "EUR 69", "true", "٣"])
def test_an_amount_that_is_no_whole_number_is_refused_by_name(said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        Fields({"amount": said}, "refund").minor("amount")

    assert refused.value.field == "refund.amount"
    assert refused.value.remedy


@pytest.mark.parametrize(("twin", "minor"), [("69.00", 6900), ("1,069.05", 106905), ("-0.50", -50)])
def test_an_amount_is_taken_from_its_text_twin(twin: str, minor: int) -> None:
    assert Fields({"amount": "?", "amount_str": twin}).minor("amount") == minor


def test_a_twin_without_cents_is_no_help() -> None:
    with pytest.raises(Unreadable):
        Fields({"amount": "?", "amount_str": "6900"}).minor("amount")


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ("mode=live&mode_int=2", Mode.LIVE),
        ("mode=test", Mode.TEST),
        ("mode=Test&mode_int=2", Mode.TEST),
        ("mode_int=1", Mode.TEST),
        ("mode=null&mode_int=2", Mode.LIVE),
        ("mode_int=3", Mode.UNKNOWN),
        ("", Mode.UNKNOWN),
    ],
)
def test_the_mode_is_live_or_test_only_where_it_is_said(fields: str, mode: Mode) -> None:
    assert paused(fields).mode is mode


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ("date_unix=1788257100&date=2020-01-01", datetime(2026, 9, 1, 10, 5, tzinfo=UTC)),
        ("date_iso8601=2026-09-01T10%3A05%3A00%2B00%3A00", datetime(2026, 9, 1, 10, 5, tzinfo=UTC)),
        ("date=2026-09-01+10%3A05%3A00", datetime(2026, 9, 1, 10, 5, tzinfo=UTC)),
        # The order's own date is when it was placed, not when it was paused.
        ("order%5Bdate_unix%5D=1788257100", RECEIVED_AT),
        ("", RECEIVED_AT),
    ],
)
def test_the_time_is_the_events_own_or_that_of_its_arrival(fields: str, at: datetime) -> None:
    assert paused(fields).at == at


def test_a_repeated_order_keeps_its_own_date() -> None:
    order = "event=order.success&order_id=7&customer_id=5&purchase_map=product-1&order_timestamp=1788257100"

    (fact,) = CART.read(f"{order}&date_unix=1790849100".encode(), RECEIVED_AT).facts

    assert isinstance(fact, OrderPlaced)
    assert fact.at == datetime(2026, 9, 1, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("form", "tree"),
    [
        ("a=1&a=2", {"a": "2"}),
        ("a=1&a[b]=2", {"a": {"b": "2"}}),
        ("a[b]=2&a=1", {"a": "1"}),
        ("a[product-2]=x&pro-rata=false", {"a": {"product-2": "x"}, "pro-rata": "false"}),
        ("a%5Bb%5D%5Bc%5D=1%2B1+%C3%A9%FF", {"a": {"b": {"c": "1+1 é\ufffd"}}}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("a[b=1&]c=2", {"a[b": "1", "]c": "2"}),
    ],
)
def test_a_form_is_read_as_php_reads_it(form: str, tree: dict[str, Node]) -> None:
    assert decode(form.encode()) == tree


def test_elements_without_an_index_keep_their_order_behind_those_with_one() -> None:
    decoded = Fields(decode(b"a[]=x&a[1]=b&a[]=y&a[0]=a"))

    assert decoded.words("a") == ["a", "b", "x", "y"]


def paused(fields: str) -> Paused:
    body = (
        f"event=subscription_paused&thrivecart_secret={SECRET}&order_id=7&customer_id=5&subscription%5Btype%5D=product"
    )
    (fact,) = CART.read(f"{body}&subscription%5Bid%5D=1&{fields}".encode(), RECEIVED_AT).facts
    assert isinstance(fact, Paused)
    return fact
