"""GUESTLIST_EMAIL_URL."""

from __future__ import annotations

import pytest

from guestlist.accounts.mail_settings import MailUrlUnreadable, mail_settings


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp+tls://me:word@mail.example.com", 587, True, False),
        ("smtp+tls://me:word@mail.example.com:2525", 2525, True, False),
        ("smtps://me:word@mail.example.com", 465, False, True),
        ("smtp://me:word@mail.example.com", 25, False, False),
    ],
)
def test_a_mail_server_is_read(url, port, tls, ssl):
    found = mail_settings(url)

    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.com", port)
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me", "word")
    assert (found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (tls, ssl)
    assert found["EMAIL_BACKEND"].endswith("smtp.EmailBackend")


def test_percent_encoded_characters_are_read():
    assert mail_settings("smtp+tls://me%40example.com:a%2Fb%40c@mail.example.com")["EMAIL_HOST_PASSWORD"] == "a/b@c"


def test_without_an_address_nothing_is_sent():
    assert mail_settings("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtp://", "smtp://host:port", "file:///x"]
)
def test_what_is_no_mail_server_is_refused(url):
    with pytest.raises(MailUrlUnreadable):
        mail_settings(url)
