"""Every file in `fixtures/` is a case; adding a file adds a test."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from delivery_cases import FIXTURES, RECEIVED_AT, SECRET, as_form, cases, expected, outcome

from guestlist.carts.thrivecart import CART

# Reference thrivecart 1.4, with the two aliases that integrators use.
EVENTS = {
    *("order.success", "order_created"),
    *(f"order_payment_{kind}" for kind in ("product", "bump", "upsell", "downsell")),
    *("order_payment_declined_product", "order.subscription_payment", "order_rebill"),
    *("order.rebill_failed", "order_rebill_failed", "order_rebill_completed"),
    *("order.subscription_cancelled", "order_rebill_cancelled", "order.rebill_cancelled"),
    *("order.subscription_paused", "subscription_paused", "order.subscription_resumed", "subscription_resumed"),
    *("order.refund", "order_refund", "order.refunded"),
    *(f"order_refund_{kind}" for kind in ("product", "bump", "upsell", "downsell")),
    *("cart.abandoned", "cart_abandoned", "customer_updated"),
    *(f"affiliate{join}commission_{word}" for join in "._" for word in ("earned", "payout", "refund")),
    *("affiliate_created", "affiliate_approved", "affiliate_rejected"),
}


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_delivery_is_read_as_the_facts_beside_it(case: Path) -> None:
    assert outcome(case.read_bytes()) == json.loads(expected(case).read_text())


def test_every_event_of_the_reference_has_a_case() -> None:
    read = {json.loads(file.read_text()).get("event") for file in FIXTURES.glob("*.facts.json")}

    assert read >= EVENTS


def test_no_expectation_is_left_without_its_delivery() -> None:
    assert {expected(case) for case in cases()} == set(FIXTURES.glob("*.facts.json"))


@pytest.mark.parametrize("case", [case for case in cases() if case.suffix == ".json"], ids=lambda case: case.name)
def test_a_json_delivery_says_the_same_as_a_form(case: Path) -> None:
    told = outcome(case.read_bytes())
    if told.get("unreadable", {}).get("field") in {"body", "event"}:
        return  # No object with an event that could be written as a form.

    assert outcome(as_form(json.loads(case.read_text()))) == told


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_blanking_the_secret_leaves_the_facts_and_every_other_byte(case: Path) -> None:
    body = case.read_bytes()

    blanked = CART.blank(body, [SECRET])

    assert SECRET.encode() not in blanked
    assert outcome(blanked) == outcome(body)
    blank = b'"(blanked)"' if case.suffix == ".json" else b"(blanked)"
    secret = f'"{SECRET}"'.encode() if case.suffix == ".json" else SECRET.encode()
    assert blanked.replace(blank, secret) == body


@pytest.mark.parametrize("case", [case for case in cases() if SECRET in case.read_text()], ids=lambda case: case.name)
def test_the_door_finds_the_secret_in_each(case: Path) -> None:
    assert CART.peek(case.read_bytes()).secret == SECRET


def test_form_and_json_of_one_event_have_the_same_natural_keys() -> None:
    twins = [case for case in cases() if case.suffix == ".json" and case.with_suffix(".form") in cases()]
    readable = [case for case in twins if "facts" in json.loads(expected(case).read_text())]

    assert len(readable) >= 5
    for case in readable:
        facts = [CART.read(file.read_bytes(), RECEIVED_AT).facts for file in (case, case.with_suffix(".form"))]
        assert [fact.key for fact in facts[0]] == [fact.key for fact in facts[1]]
