import base64
from typing import Any

import pytest

from guestlist.sites.memberpress import PLATFORM
from guestlist.sites.memberpress.settings import credential

GOOD_KEY = {"api_key": "Ab3dE6gH9k"}
GOOD_PASSWORD = {"username": "owner@x.test", "application_password": "abcd EFGH 1234 ijkl MNOP 5678"}


@pytest.mark.parametrize(
    "fields",
    [GOOD_KEY, GOOD_PASSWORD, {"api_key": " Ab3dE6gH9k\n"}, {"api_key": "short"}, {**GOOD_KEY, "username": ""}],
)
def test_usable_credentials_have_no_problems(fields: dict[str, Any]) -> None:
    assert PLATFORM.check_credentials(fields) == {}


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({}, "api_key", "missing"),
        ({"api_key": ""}, "api_key", "missing"),
        ({"api_key": "   "}, "api_key", "empty"),
        ({**GOOD_KEY, **GOOD_PASSWORD}, "username", "not both"),
        ({**GOOD_KEY, "application_password": "x"}, "application_password", "not both"),
        ({"username": "owner"}, "application_password", "missing"),
        ({"application_password": "abcd"}, "username", "missing"),
        ({"username": "owner", "application_password": '"abcd EFGH"'}, "application_password", "quotation"),
        ({"api_key": "“Ab3dE6gH9k”"}, "api_key", "quotation"),
        ({"username": "a:b", "application_password": "x"}, "username", "colon"),
        ({"api_key": "Ab3dE\n6gH9k"}, "api_key", "Copy it again"),
        ({"api_key": "Ab3dE6gH9ķ"}, "api_key", "Copy it again"),
        ({"api_key": "abcd EFGH 1234"}, "api_key", "no spaces"),
        ({"api_key": 12345}, "api_key", "text"),
        ({**GOOD_KEY, "password": "x"}, "password", "no such setting"),
    ],
)
def test_each_wrong_field_is_named_with_a_remedy(fields: dict[str, Any], field: str, words: str) -> None:
    problems = PLATFORM.check_credentials(fields)
    assert list(problems) == [field]
    assert words in problems[field]


def test_exactly_one_credential_is_sent() -> None:
    assert credential(GOOD_KEY).header == ("MEMBERPRESS-API-KEY", "Ab3dE6gH9k")
    name, value = credential(GOOD_PASSWORD).header
    assert name == "Authorization"
    assert base64.b64decode(value.removeprefix("Basic ")).decode() == "owner@x.test:abcd EFGH 1234 ijkl MNOP 5678"


def test_what_is_secret_includes_each_form_of_it() -> None:
    secrets = credential(GOOD_PASSWORD).secrets
    assert "abcdEFGH1234ijklMNOP5678" in secrets
    assert "abcd EFGH 1234 ijkl MNOP 5678" in secrets
    assert credential(GOOD_PASSWORD).header[1].removeprefix("Basic ") in secrets
    assert "owner@x.test" not in secrets
