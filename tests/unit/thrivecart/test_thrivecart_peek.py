"""What the door sees of a body."""

from __future__ import annotations

import pytest

from guestlist.carts.contract import Peek
from guestlist.carts.thrivecart import CART


@pytest.mark.parametrize(
    ("body", "secret"),
    [
        (b"thrivecart_secret=ABC", "ABC"),
        (b"event=order.success&thrivecart_secret=ABC&mode=live", "ABC"),
        (b"event=x&thrivecart_secret=ABC\r\n", "ABC"),
        (b"\xef\xbb\xbf \r\nthrivecart_secret=ABC", "ABC"),
        (b"thrivecart%5Fsecret=ABC", "ABC"),
        (b"%74hrivecart%5fsecret=%41BC", "ABC"),
        (b"thrivecart_secret=a%2Bb+c%26d", "a+b c&d"),
        (b"thrivecart_secret=gr%C3%BCn", "grün"),
        (b"thrivecart_secret=wrong&thrivecart_secret=ABC", "ABC"),
        (b"thrivecart_secret=ABC&thrivecart_secret=", ""),
        (b"x_thrivecart_secret=ABC", None),
        (b"thrivecart_secrets=ABC", None),
        (b"thrivecart_secret[]=ABC", None),
        (b"customer[thrivecart_secret]=ABC", None),
        (b"note=thrivecart_secret%3DABC", None),
        (b"thrivecart_secret", None),
        (b"", None),
        (b'{"thrivecart_secret": "ABC"}', "ABC"),
        (b'\xef\xbb\xbf\n {"thrivecart_secret": "ABC"}', "ABC"),
        (b'{"thrivecart\\u005fsecret": "\\u0041BC"}', "ABC"),
        (b'{"thrivecart_secret": "wrong", "thrivecart_secret": "ABC"}', "ABC"),
        (b'{"thrivecart_secret": "ABC", "thrivecart_secret": true}', None),
        (b'{"thrivecart_secret": true}', None),
        (b'{"thrivecart_secret": 123456789012}', None),
        (b'{"thrivecart_secret": 1.5}', None),
        (b'{"thrivecart_secret": NaN}', None),
        (b'{"thrivecart_secret": null}', None),
        (b'{"thrivecart_secret": ["ABC"]}', None),
        (b'{"thrivecart_secret": "\\ud800ABC"}', None),
        (b'{"order": {"thrivecart_secret": "ABC"}}', None),
        (b'[{"thrivecart_secret": "ABC"}]', None),
        (b'{"thrivecart_secret": "ABC"', None),
        (b"[" * 100_000, None),
        (b'{"a":' * 100_000, None),
    ],
)
def test_the_secret_is_found_only_as_a_text_in_its_own_field(body: bytes, secret: str | None) -> None:
    assert CART.peek(body).secret == secret


@pytest.mark.parametrize(
    ("body", "customer"),
    [
        (b"customer%5Bemail%5D=Ada%2BSummer%40Example.com&customer_id=5&order_id=7", "ada+summer@example.com"),
        (b"order_id=7&customer_id=5&customer[email]=+Ada%40example.com+", "ada@example.com"),
        (b"customer%5Bemail%5D=null&customer_id=5&order_id=7", "5"),
        (b"customer%5bid%5d=5&order_id=7", "5"),
        (b"order_id=7", "7"),
        (b"order%5Bid%5D=7", "7"),
        (b"event=order.success", ""),
        (b'{"customer": {"email": " Ada@Example.com "}, "customer_id": "5"}', "ada@example.com"),
        (b'{"customer": [], "customer_id": 900719925474099312}', "900719925474099312"),
        (b'{"customer": {"id": 5}, "order_id": "7"}', "5"),
        (b'{"customer": "Ada", "order": {"id": "7"}}', "7"),
        (b'{"customer": null}', ""),
    ],
)
def test_deliveries_of_one_customer_give_one_hint(body: bytes, customer: str) -> None:
    assert CART.peek(body).customer == customer


def test_a_body_that_is_no_text_has_no_secret_and_no_customer() -> None:
    assert CART.peek(bytes(range(256)) * 40) == Peek(None, "")
