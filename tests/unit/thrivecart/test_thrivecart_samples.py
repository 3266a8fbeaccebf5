"""The published deliveries that ThriveCart really sent (`../shared/reference/thrivecart-payloads` beside the clone)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from delivery_cases import RECEIVED_AT, shown

from guestlist.carts.thrivecart import CART
from guestlist.domain.facts import Ignored

REPOSITORY = Path(__file__).parents[3]
SAMPLES = REPOSITORY.parent / "shared" / "reference" / "thrivecart-payloads"
SECRET = "A1B2C3D4E5F6"

# The recordings are not part of the project. Where they should be (CI), their absence fails; elsewhere it is said.
pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir() and not os.environ.get("CI"), reason=f"the recorded deliveries are not at {SAMPLES}"
)

BUYER_OF_2018 = {"email": "buyer1@example.com", "customer_id": "4000001", "first_name": "demo", "last_name": "buyer"}
SUBSCRIPTION_OF_2018 = {
    "kind": "order_placed",
    "order_id": "1007038",
    "mode": "test",
    "at": "2018-10-15T10:04:38+00:00",
    "buyer": BUYER_OF_2018,
    "currency": "EUR",
    # One line, though the purchase made two charge rows.
    "lines": [
        {
            "item": "product-2",
            "name": "HostingBuddy Starter Paket",
            "option": "78572",
            "option_name": "Monatlich (30 €/Monat)",
            "billing": "recurring",
            "paid_minor": 3000,
            "paid_gross_minor": 3000,
            "frequency": "1 month",
        }
    ],
    "invoice_id": "000000004",
}
SIXTH_REBILL = {
    "kind": "payment_received",
    "order_id": "3230022",
    "mode": "live",
    "at": "2020-07-24T05:17:34+00:00",
    "buyer": {"email": "buyer2@example.com", "customer_id": "16000002", "first_name": "Jane", "last_name": "Example"},
    "item": "product-17",
    "currency": "USD",
    "amount_minor": 6900,
    "amount_gross_minor": 6900,
    "invoice_id": "000000141-6",
    "option": "31670",
    "index": 6,
    "frequency": "1 month",
    "next_due_at": "2020-08-24T05:17:33+00:00",
    "name": "$69/Month ExampleCRM Pat Special Friend Price",
}
ABANDONED = {"kind": "ignored", "reason": "Somebody left the checkout without buying."}
# The constructed ones carry no time of their own.
UPSELL = {
    "order_id": "1514394",
    "mode": "live",
    "at": RECEIVED_AT.isoformat(),
    "buyer": {"email": "buyer@example.com"},
    "item": "upsell-101",
}
READ_AS = {
    "order.success.2018-10-15.test.paypal-subscription.json": SUBSCRIPTION_OF_2018,
    "order.success.2018-10-15.test.paypal-subscription.derived.form": SUBSCRIPTION_OF_2018,
    "order.subscription_payment.2020-07-24.live.stripe.json": SIXTH_REBILL,
    "order.subscription_payment.2020-07-24.live.stripe.derived.form": SIXTH_REBILL,
    "cart.abandoned.2020-08-31.json": ABANDONED,
    "cart.abandoned.2020-08-31.derived.form": ABANDONED,
    "constructed.order.rebill_failed.upsell.form": {
        **UPSELL,
        "kind": "payment_failed",
        "invoice_id": "000000004",
    },
    "constructed.order.subscription_payment.upsell.form": {
        **UPSELL,
        "kind": "payment_received",
        "currency": "USD",
        "amount_minor": 4900,
        "amount_gross_minor": 4900,
        "invoice_id": "000000004-2",
    },
    "constructed.order.subscription_resumed.upsell.form": {**UPSELL, "kind": "resumed"},
    # Its publisher left out the order and the customer; what is left can be about nobody's access.
    "order.subscription_cancelled.2021-07.live.partial.json": {
        "kind": "ignored",
        "reason": "It names neither an order nor a customer, so it is about nobody's access.",
    },
}


def samples() -> set[str]:
    return {file.name for file in SAMPLES.iterdir() if file.suffix in {".json", ".form"}}


def test_every_sample_is_expected_here() -> None:
    assert samples() == set(READ_AS)


@pytest.mark.parametrize("name", READ_AS)
def test_a_sample_is_understood(name: str) -> None:
    facts = CART.read((SAMPLES / name).read_bytes(), RECEIVED_AT).facts

    assert [shown(fact) for fact in facts] == [READ_AS[name]]


@pytest.mark.parametrize("name", READ_AS)
def test_a_sample_is_read_the_same_without_its_secret(name: str) -> None:
    body = (SAMPLES / name).read_bytes()

    blanked = CART.blank(body, [SECRET])

    assert SECRET.encode() not in blanked
    assert CART.read(blanked, RECEIVED_AT) == CART.read(body, RECEIVED_AT)


def test_the_cancellation_with_its_envelope_put_back_from_the_rebill_ends_with_the_paid_period() -> None:
    """The envelope is the recorded rebill's, because none was published with a cancellation."""
    rebill = (SAMPLES / "order.subscription_payment.2020-07-24.live.stripe.derived.form").read_bytes()
    cancelled = rebill.replace(b"order.subscription_payment", b"order.subscription_cancelled", 1)
    cancelled += b"&subscription%5Bid%5D=10&subscription%5Bbilling_period_end%5D=1628712591"

    (fact,) = CART.read(cancelled, RECEIVED_AT).facts

    assert not isinstance(fact, Ignored)
    assert shown(fact) == {
        "kind": "subscription_cancelled",
        "order_id": "3230022",
        "mode": "live",
        "at": "2020-07-24T05:17:34+00:00",
        "buyer": SIXTH_REBILL["buyer"],
        "item": "product-10",
        "period_end_at": "2021-08-11T20:09:51+00:00",
    }
