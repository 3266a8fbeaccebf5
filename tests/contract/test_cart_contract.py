"""What every cart must do, whichever it is. Its deliveries are the files in `tests/unit/<kind>/fixtures`."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.carts.contract import Cart, Peek, Reading, Unreadable
from guestlist.carts.registry import all_carts
from guestlist.domain.facts import CustomerChanged, Ignored

RECEIVED_AT = datetime(2026, 12, 24, 18, 0, tzinfo=UTC)
LATER = datetime(2026, 12, 25, 9, 30, tzinfo=UTC)
UNIT_TESTS = Path(__file__).parents[1] / "unit"

each_cart = pytest.mark.parametrize("cart", all_carts().values(), ids=lambda cart: cart.kind)


def deliveries(cart: Cart) -> list[bytes]:
    folder = UNIT_TESTS / cart.kind / "fixtures"
    return [file.read_bytes() for file in sorted(folder.iterdir()) if not file.name.endswith(".facts.json")]


def readings(cart: Cart) -> Iterator[tuple[bytes, Reading]]:
    for body in deliveries(cart):
        try:
            yield body, cart.read(body, RECEIVED_AT)
        except Unreadable:
            continue


def test_carts_are_found_by_their_folders() -> None:
    assert "thrivecart" in all_carts()


@each_cart
def test_a_cart_is_known_by_the_name_of_its_folder_and_has_a_page_for_its_user(cart: Cart) -> None:
    package = importlib.import_module(f"guestlist.carts.{cart.kind}")

    assert package.CART is cart
    assert cart.label
    assert package.__file__ is not None
    assert Path(package.__file__).with_name("README.md").read_text().startswith(f"# {cart.label}\n")


@each_cart
def test_a_delivery_gives_at_least_one_fact_and_always_the_same(cart: Cart) -> None:
    read = list(readings(cart))

    assert len(read) >= 10
    for body, reading in read:
        assert reading.event
        assert reading.facts
        assert cart.read(body, RECEIVED_AT) == reading


@each_cart
def test_moments_are_utc_and_ids_fit_where_they_are_kept(cart: Cart) -> None:
    for _, reading in readings(cart):
        assert len(reading.event) <= 80
        for fact in reading.facts:
            if isinstance(fact, Ignored):
                assert fact.reason.endswith(".")
                continue
            assert fact.at.utcoffset() == RECEIVED_AT.utcoffset()
            assert len(fact.key) <= 300
            if not isinstance(fact, CustomerChanged):
                assert 0 < len(fact.order_id) <= 64
                assert fact.buyer.email or fact.buyer.customer_id


@each_cart
def test_the_time_of_arrival_counts_only_where_the_delivery_has_none(cart: Cart) -> None:
    for body, reading in readings(cart):
        later = cart.read(body, LATER)
        told = {fact.at for fact in reading.facts if not isinstance(fact, Ignored)}
        assert later == reading or told == {RECEIVED_AT}


@each_cart
def test_what_cannot_be_read_is_refused_with_place_problem_and_remedy(cart: Cart) -> None:
    for body in (b"", b"\x00", b"<html></html>", b"{}", b"[]", b"null", b"a=b"):
        with pytest.raises(Unreadable) as refused:
            cart.read(body, RECEIVED_AT)
        assert refused.value.field
        assert refused.value.problem
        assert not refused.value.problem.endswith(".")
        assert refused.value.remedy.endswith(".")


@each_cart
def test_the_door_sees_a_secret_that_is_gone_once_it_is_blanked(cart: Cart) -> None:
    seen = {secret: body for body in deliveries(cart) if (secret := cart.peek(body).secret)}

    assert seen
    for secret, body in seen.items():
        blanked = cart.blank(body, [secret])
        assert secret.encode() not in blanked
        assert cart.peek(blanked).secret != secret
        assert cart.peek(blanked).customer == cart.peek(body).customer
        assert cart.blank(blanked, [secret]) == blanked


@each_cart
@given(body=st.binary(max_size=300), secrets=st.lists(st.text(max_size=20), max_size=3))
@settings(deadline=None)
def test_the_door_never_stumbles(cart: Cart, body: bytes, secrets: list[str]) -> None:
    peeked = cart.peek(body)

    assert isinstance(peeked, Peek)
    assert isinstance(cart.blank(body, secrets), bytes)
    assert peeked.customer.encode("utf-8")[:0] == b""
