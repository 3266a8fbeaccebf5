"""Addresses in running text: found and taken out as a whole, however they are written."""

from __future__ import annotations

import pytest

from guestlist.domain.addresses import names_one, without

JOE = {"joe+shop@buyers.test", "joe@buyers.test"}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("joe@buyers.test", "(erased)"),
        ("Joe <JOE@Buyers.Test>, by phone", "Joe <(erased)>, by phone"),
        ("asked by joe@buyers.test.", "asked by (erased)."),
        ("joe@buyers.test.\nNext", "(erased).\nNext"),
        ("GET /members?search=joe%2Bshop%40buyers.test&page=1", "GET /members?search=(erased)&page=1"),
        ("joe%40buyers.test", "(erased)"),
        ("joe+shop@buyers.test and joe@buyers.test", "(erased) and (erased)"),
        ('{"email":"joe@buyers.test"}', '{"email":"(erased)"}'),
    ],
)
def test_an_address_is_taken_out_wherever_it_is_named(text, left):
    assert names_one(JOE, text)
    assert without(JOE, text) == left


@pytest.mark.parametrize(
    "text",
    [
        "billyjoe@buyers.test",
        "billy.joe@buyers.test",
        "billy-joe@buyers.test",
        "joe@buyers.test.example",
        "joe@buyers.tests",
        "joe@buyers-test",
        "joeXbuyers.test",
        "",
    ],
)
def test_another_s_longer_address_is_another_s(text):
    assert not names_one(JOE, text)
    assert without(JOE, text) == text


def test_nobody_is_named_nowhere():
    assert not names_one(set(), "joe@buyers.test")
    assert without(set(), "joe@buyers.test") == "joe@buyers.test"
