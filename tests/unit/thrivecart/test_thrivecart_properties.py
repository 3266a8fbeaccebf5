"""Whatever comes: no crash, no secret left, one meaning in both encodings."""

from __future__ import annotations

import json
from typing import Any

from delivery_cases import as_form, cases, outcome
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guestlist.carts.contract import Peek
from guestlist.carts.thrivecart import CART
from guestlist.carts.thrivecart.body import decode
from guestlist.carts.thrivecart.values import Fields

FIELD = "thrivecart_secret"
SECRETS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=12, max_size=12)
BODIES = [case.read_bytes() for case in cases()]
FIELDS = sorted({word for body in BODIES for word in body.decode().replace("%5B", '"').replace("=", '"').split('"')})
ITEM_IDS = st.integers(1, 10**18 - 1).map(str)

SCALARS = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats() | st.text() | st.sampled_from(FIELDS)
TREES = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), below, max_size=6),
    max_leaves=25,
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), TREES, max_size=12)


def only_unreadable(body: bytes) -> None:
    assert isinstance(CART.peek(body), Peek)
    for kept in (body, CART.blank(body, ["K7Q2M9X4T1ZB"])):
        told = outcome(kept)
        assert outcome(kept) == told
        assert all(told["unreadable"].values()) if "unreadable" in told else told["event"] and told["facts"]


@given(st.binary(max_size=400))
@example(b"\xff\xfe{\x00}\x00")
@example(b"event=order.success&order[charges][][]=1")
@settings(deadline=None)
def test_arbitrary_bytes_are_read_or_refused_in_words(body: bytes) -> None:
    only_unreadable(body)


@given(st.sampled_from(BODIES), st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_delivery_is_read_or_refused_in_words(body: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(body)))
    to = data.draw(st.integers(at, len(body)))
    only_unreadable(body[:at] + data.draw(st.binary(max_size=12)) + body[to:])


@given(OBJECTS, st.sampled_from(BODIES))
@settings(max_examples=300, deadline=None)
def test_a_delivery_with_odd_values_in_known_fields_is_read_or_refused_in_words(
    odd: dict[str, Any], body: bytes
) -> None:
    try:
        known = json.loads(body)
    except ValueError:
        known = {}
    tree = {**(known if isinstance(known, dict) else {}), **odd}

    only_unreadable(json.dumps(tree).encode())
    only_unreadable(as_form(json.loads(json.dumps(tree).encode("utf-8"))))


@given(SECRETS, TREES, st.booleans(), st.booleans())
@settings(deadline=None)
def test_no_nested_json_keeps_the_secret(secret: str, tree: Any, as_ascii: bool, spaced: bool) -> None:
    inner = {"thrivecart_secret": secret, "b": f"x{secret}y{secret}"}
    body = {"thrivecart_secret": secret, "o": [inner, {"tree": tree}]}
    raw = json.dumps(body, ensure_ascii=as_ascii, indent=1 if spaced else None).encode("utf-8", "surrogatepass")

    blanked = CART.blank(raw, [secret])

    assert secret.encode() not in blanked
    after, before = Fields(decode(blanked)).rows("o"), Fields(decode(raw)).rows("o")
    assert not any(holds(part.values, secret) for part in after)
    untouched = [part for part in before if not holds(part.values, secret) and not holds(part.values, FIELD)]
    assert all(part in after for part in untouched)


@given(SECRETS, st.text(max_size=30), st.text(max_size=30), st.data())
@settings(deadline=None)
def test_no_form_keeps_the_secret_however_it_is_encoded(
    secret: str, before: str, after: str, data: st.DataObject
) -> None:
    encoded = "".join(f"%{ord(char):02X}" if data.draw(st.booleans()) else char for char in secret)
    tree = {"note": before, "thrivecart_secret": secret, "o": {"thrivecart_secret": secret, "x": after}}
    raw = as_form(json.loads(json.dumps(tree).encode())) + f"&url=https://example.com/?s={encoded}".encode()

    blanked = CART.blank(raw, [secret])

    assert not holds(decode(blanked), secret)
    assert decode(blanked)["note"] == decode(raw)["note"] or secret in before


def holds(node: Any, secret: str) -> bool:
    match node:
        case dict():
            return any(holds(below, secret) or secret in name for name, below in node.items())
        case list():
            return any(holds(below, secret) for below in node)
        case str():
            return secret in node
    return False


ROWS = st.fixed_dictionaries(
    {
        "item_type": st.sampled_from(["product", "bump", "upsell", "downsell"]),
        "reference": ITEM_IDS,
        "type": st.sampled_from(["single", "recurring"]),
        "amount": st.integers(0, 10**9).flatmap(lambda amount: st.sampled_from([amount, str(amount)])),
    },
    optional={
        "name": st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
        "amount_gross": st.integers(0, 10**9).map(str),
        "tax_paid": st.none() | st.integers(0, 10**6),
        "payment_plan_id": ITEM_IDS | st.none() | st.just("null"),
        "frequency": st.sampled_from(["day", "week", "month", "quarter", "year", "null"]),
        "quantity": st.integers(1, 9),
        "defer": st.booleans() | st.sampled_from(["true", "false", "null"]),
        "due": st.integers(1_700_000_000, 1_900_000_000),
        "related_to_recur": st.booleans(),
    },
)


@given(
    rows=st.lists(ROWS, min_size=1, max_size=5),
    later=st.lists(ROWS, max_size=3),
    order=ITEM_IDS,
    email=st.emails(),
    mode=st.sampled_from(["live", "test", None]),
)
@settings(deadline=None)
def test_form_and_json_of_one_order_are_one_fact_with_one_line_per_item(
    rows: list[dict[str, Any]], later: list[dict[str, Any]], order: str, email: str, mode: str | None
) -> None:
    tree = {
        "event": "order.success",
        "mode": mode,
        "order_id": int(order),
        "order_timestamp": 1_788_257_100,
        "customer": {"email": email, "address": []},
        "order": {"charges": rows, "future_charges": later},
    }

    twins = [outcome(body) for body in (json.dumps(tree).encode(), as_form(tree))]

    assert twins[0] == twins[1]
    (fact,) = twins[0]["facts"]
    items = {f"{row['item_type']}-{row['reference']}" for row in [*rows, *later]}
    assert sorted(line["item"] for line in fact["lines"]) == sorted(items)
    assert fact["buyer"]["email"] == email
    assert fact["order_id"] == order
