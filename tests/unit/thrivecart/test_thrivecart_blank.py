"""No secret stays in a body; everything else does."""

from __future__ import annotations

import contextlib
import json
import time
from urllib.parse import quote

import pytest
from delivery_cases import RECEIVED_AT

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart import CART

WORD = "K7Q2M9X4T1ZB"


@pytest.mark.parametrize(
    ("body", "blanked"),
    [
        (b"a=1&thrivecart_secret=OTHER&b=%20+x", b"a=1&thrivecart_secret=(blanked)&b=%20+x"),
        (b"thrivecart_secret=A&thrivecart_secret=B", b"thrivecart_secret=(blanked)&thrivecart_secret=(blanked)"),
        (b"thrivecart%5Fsecret=OTHER&x=y", b"thrivecart%5Fsecret=(blanked)&x=y"),
        (b"o%5Bthrivecart_secret%5D%5B0%5D=OTHER", b"o%5Bthrivecart_secret%5D%5B0%5D=(blanked)"),
        (b"thrivecart_secret=", b"thrivecart_secret=(blanked)"),
        (b"thrivecart_secret&a=1", b"thrivecart_secret&a=1"),
        (b'{"thrivecart_secret" : "OTHER", "a": 1}', b'{"thrivecart_secret" : "(blanked)", "a": 1}'),
        (b'{"a":[{"thrivecart_secret":"O\\"THER"}]}', b'{"a":[{"thrivecart_secret":"(blanked)"}]}'),
        (b'{"thrivecart\\u005Fsecret":"OTHER"}', b'{"thrivecart\\u005Fsecret":"(blanked)"}'),
        (b'{"thrivecart_secret":12345}', b'{"thrivecart_secret":"(blanked)"}'),
        (b'{"thrivecart_secret":{"x":["OTHER"]},"a":2}', b'{"thrivecart_secret":"(blanked)","a":2}'),
        (b'{"a":"thrivecart_secret","b":"x"}', b'{"a":"thrivecart_secret","b":"x"}'),
        (b'{"a":"{\\"thrivecart_secret\\":1}"}', b'{"a":"{\\"thrivecart_secret\\":1}"}'),
        (b'{"thrivecart_secret":"OTHER', b'{"thrivecart_secret":"(blanked)"'),
    ],
)
def test_the_field_loses_its_value_though_the_word_is_not_known(body: bytes, blanked: bytes) -> None:
    assert CART.blank(body, []) == blanked


def in_percent(word: str) -> str:
    return "".join(f"%{byte:02X}" for byte in word.encode())


def in_escapes(word: str) -> str:
    return "".join(f"\\u{ord(char):04X}" for char in word)


@pytest.mark.parametrize("word", [WORD, "pass word/1", 'a"b\\c', "grün€uro", "a+b&c=d", "....", "%41%42"])
def test_a_known_word_is_taken_out_of_a_form_in_every_spelling(word: str) -> None:
    for spelling in (quote(word), quote(word, safe=""), in_percent(word), in_percent(word).lower(), quote(quote(word))):
        body = f"event=x&note=before-{spelling}-after&name=Ada+Vries".encode()

        assert CART.blank(body, ["no such word", word]) == b"event=x&note=before-(blanked)-after&name=Ada+Vries"


@pytest.mark.parametrize("word", [WORD, "pass word/1", 'a"b\\c', "grün€uro", "a+b&c=d", "....", "tab\tnew\nline"])
def test_a_known_word_is_taken_out_of_json_in_every_spelling(word: str) -> None:
    inside = json.dumps(word)[1:-1]
    utf8 = json.dumps(word, ensure_ascii=False)[1:-1]
    for spelling in (inside, utf8, inside.replace("/", "\\/"), in_escapes(word), in_escapes(word).lower(), quote(word)):
        body = f'{{"url": "https:\\/\\/x\\u0041/{spelling}\\n", "a": [1]}}'.encode()

        assert CART.blank(body, [word]) == b'{"url": "https:\\/\\/x\\u0041/(blanked)\\n", "a": [1]}'


def test_a_word_in_json_inside_json_is_taken_out() -> None:
    body = json.dumps({"passthrough": json.dumps({"x": f"é{WORD}é"})}).encode()

    assert WORD.encode() not in CART.blank(body, [WORD])


@pytest.mark.parametrize("body", [b'{"amount": 551234567, "b": 1}', b'{"b": 1, "amount":551234567}'])
def test_json_stays_json_when_a_word_stands_in_a_number(body: bytes) -> None:
    assert json.loads(CART.blank(body, ["1234567"])) == {"amount": "(blanked)", "b": 1}


def test_json_stays_json_when_a_word_begins_inside_an_escape() -> None:
    assert json.loads(CART.blank(b'{"a": "x\\u0041BCD", "b": "\\nABC"}', ["0041BCD", "nABC"])) == {
        "a": "(blanked)",
        "b": "(blanked)",
    }


def test_a_word_too_short_to_be_a_secret_is_blanked_in_its_field_only() -> None:
    assert CART.blank(b"thrivecart_secret=EUR&currency=EUR", ["EUR", ""]) == b"thrivecart_secret=(blanked)&currency=EUR"


def test_the_longer_of_two_words_goes_as_a_whole() -> None:
    assert CART.blank(b"a=ABCDEFGH", ["ABCD", "ABCDEFGH"]) == b"a=(blanked)"


def test_a_delivery_without_secrets_is_kept_as_it_is() -> None:
    body = bytes(range(256)) + b"&a=%zz"

    assert CART.blank(body, [WORD]) == body


@pytest.mark.parametrize(
    "body",
    [
        b"thrivecart_secret" * 15_000,
        b"&thrivecart_secre" * 15_000,
        b'{"a": "' + b"\\" * 250_000 + b'"}',
        b'{"a": "' + WORD[:-1].encode() * 20_000 + WORD.encode() + b'"}',
        b'{"thrivecart_secret":' * 12_000,
        b"{" + b"," * 130_000 + b" " * 130_000,
        b"%25" * 85_000,
        b"a[]=1&" * 42_000,
        b"a" + b"[b]" * 85_000 + b"=1",
        b"a" + b"[" * 250_000,
    ],
    ids=lambda body: body[:24].decode(),
)
def test_the_largest_body_made_to_be_slow_takes_no_more_than_seconds(body: bytes) -> None:
    begun = time.monotonic()

    CART.peek(body)
    CART.blank(body, [WORD])
    with contextlib.suppress(Unreadable):
        CART.read(body, RECEIVED_AT)

    assert time.monotonic() - begun < 20
