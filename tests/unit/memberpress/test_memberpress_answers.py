"""Answers that no sandbox gives: what Guestlist makes of them, and that it never makes a second transaction of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from raw_site import RawSite, json_page, page

from guestlist.sites.contract import (
    AlreadyRight,
    Connection,
    Done,
    Ensured,
    Levels,
    NeedsAttention,
    Person,
    RetryLater,
    Wanted,
    WantedGrant,
)
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress, MemberPressSite

Start = Callable[..., RawSite]
REF = "gl-1-abc"
UNTIL = date(2027, 1, 31)


def open_site(raw: RawSite, path: str = "", **credentials: str) -> MemberPressSite:
    connection = Connection(
        url=raw.url + path, credentials=credentials or {"api_key": "Ab3dE6gH9k"}, allow_private_address=True
    )
    return MemberPress().open(connection, timeouts=Timeouts(connect=2, read=2, create=2, total=5))


def ensure(site: MemberPressSite, **fields: Any) -> Ensured:
    person = fields.pop("person", Person("ann@x.test", "Ann", "Lee", remote_id="17"))
    wanted = WantedGrant(
        ref=REF,
        level="8",
        until_on=UNTIL,
        live=fields.pop("live", True),
        amount_minor=100,
        total_minor=100,
        currency="USD",
        charged_at=datetime(2026, 11, 22, tzinfo=UTC),
        **fields,
    )
    try:
        return site.ensure(
            Wanted(person=person, grants=(wanted,)),
            record=lambda attempt: None,
            before_write=lambda: None,
        )
    finally:
        site.close()


def transaction(**fields: Any) -> bytes:
    return json_page(
        json.dumps(
            {
                "id": "5",
                "trans_num": REF,
                "status": "complete",
                "expires_at": f"{UNTIL} 23:59:59",
                "member": {"id": 17, "email": "Ann@x.test"},
                "membership": {"id": 8, "status": "publish"},
                **fields,
            }
        )
    )


def conversation(*answers: bytes) -> tuple[Callable[[bytes], bytes | None], list[str]]:
    """Say these answers one after the other; what was asked is in the list."""
    asked: list[str] = []
    left = list(answers)

    def say(request: bytes) -> bytes | None:
        asked.append(request.split(b" HTTP/1.1")[0].decode().partition("?")[0])
        return left.pop(0)

    return say, asked


def test_an_expiry_that_the_site_did_not_understand_is_corrected_once(raw_site: Start) -> None:
    say, asked = conversation(transaction(expires_at="1970-01-01 23:59:59"), transaction())
    raw = raw_site(say)
    assert ensure(open_site(raw)).grants == {REF: Done("5")}
    assert asked == ["POST /wp-json/mp/v1/transactions", "PUT /wp-json/mp/v1/transactions/5"]
    assert json.loads(raw.requests[1].partition(b"\r\n\r\n")[2]) == {"expires_at": "2027-01-31 23:59:59"}


def test_a_status_that_the_site_changed_is_corrected_once(raw_site: Start) -> None:
    say, _ = conversation(transaction(status="pending"), transaction())
    raw = raw_site(say)
    assert ensure(open_site(raw)).grants == {REF: Done("5")}
    assert json.loads(raw.requests[1].partition(b"\r\n\r\n")[2]) == {"status": "complete"}


@pytest.mark.parametrize(
    "second",
    [
        transaction(expires_at="1970-01-01 23:59:59"),
        json_page('{"code":"rest_forbidden","message":"no","data":{"status":401}}', "401 Unauthorized"),
        json_page('{"code":"mp_db_update_error","message":"no","data":null}', "500 Internal Server Error"),
        page("gone", "404 Not Found"),
    ],
)
def test_a_transaction_that_could_not_be_corrected_is_looked_for_the_next_time(raw_site: Start, second: bytes) -> None:
    # Whatever the reason: the transaction is there, so nothing but "unclear" keeps the next attempt from a second one.
    say, _ = conversation(transaction(expires_at="1970-01-01 23:59:59"), second, page("", "404 Not Found"))
    outcome = ensure(open_site(raw_site(say))).grants[REF]
    assert isinstance(outcome, RetryLater)
    assert outcome.unclear


@pytest.mark.parametrize(
    "answer",
    [
        json_page("[]"),
        json_page("{}"),
        json_page("null"),
        json_page("true"),
        json_page(""),
        json_page('{"id":"5"'),
        json_page("[" * 100_000),
        transaction(id=None),
        transaction(trans_num="gl-1-abcd"),
        transaction(member=None),
        page('{"id":"5"}', content_type="text/html"),
        page("", "202 Accepted"),
    ],
)
def test_an_answer_that_does_not_show_the_transaction_is_unclear(raw_site: Start, answer: bytes) -> None:
    outcome = ensure(open_site(raw_site(lambda request: answer))).grants[REF]
    assert isinstance(outcome, RetryLater)
    assert outcome.unclear


def test_a_site_that_never_shows_the_member_is_given_up_with_words(raw_site: Start) -> None:
    def say(request: bytes) -> bytes:
        if b"/members" in request.partition(b" HTTP/1.1")[0]:
            return json_page(json.dumps([{"id": 17, "email": "ann@x.test"}]))
        if request.startswith(b"PUT"):
            return transaction(member="17", status="refunded")
        return transaction(member="17")

    raw = raw_site(say)
    outcome = ensure(open_site(raw)).grants[REF]
    assert isinstance(outcome, NeedsAttention)
    assert "17" in outcome.reason
    posts = sum(request.startswith(b"POST") for request in raw.requests)
    assert posts == sum(request.startswith(b"PUT") for request in raw.requests) == 3


@pytest.mark.parametrize("made", ['{"id":5,"email":"other@x.test"}', '{"email":"ann@x.test"}', '{"id":0}', "[]"])
def test_an_answer_that_does_not_show_the_member_is_unclear_and_gives_nobody_access(raw_site: Start, made: str) -> None:
    raw = raw_site(lambda request: json_page("[]" if request.startswith(b"GET") else made))
    ensured = ensure(open_site(raw), person=Person("ann@x.test", "Ann", "Lee"))
    assert isinstance(ensured.member, RetryLater)
    assert ensured.member.unclear
    assert [request.split(b" ")[0] for request in raw.requests] == [b"GET", b"POST", b"GET"]


def test_a_byte_order_mark_in_front_of_the_data_does_not_matter(raw_site: Start) -> None:
    # A theme file saved with one puts it in front of everything that the site says.
    head, _, body = transaction().partition(b"\r\n\r\n")
    length = f"Content-Length: {len(body)}".encode()
    marked = head.replace(length, f"Content-Length: {len(body) + 3}".encode()) + b"\r\n\r\n\xef\xbb\xbf" + body
    assert ensure(open_site(raw_site(lambda request: marked))).grants == {REF: Done("5")}


def test_a_host_that_blocks_put_is_asked_with_post(raw_site: Start) -> None:
    say, asked = conversation(
        transaction(expires_at="2026-12-31 23:59:59"),
        page("Method Not Allowed", "405 Method Not Allowed"),
        transaction(),
    )
    assert ensure(open_site(raw_site(say)), remote_id="5").grants == {REF: Done("5")}
    assert [line.partition(" ")[0] for line in asked] == ["GET", "PUT", "POST"]


def test_a_post_that_was_redirected_goes_out_again_the_way_that_a_look_has_found(raw_site: Start) -> None:
    def say(request: bytes) -> bytes:
        if b"rest_route" in request.partition(b" HTTP/1.1")[0]:
            return transaction() if request.startswith(b"POST") else json_page('{"success":true,"data":{}}')
        path = request.split(b" ")[1].decode().partition("?")[0]
        return page("", "301 Moved Permanently", "text/html", f"Location: {path}/")

    raw = raw_site(say)
    assert ensure(open_site(raw, "/folder")).grants == {REF: Done("5")}
    lines = [request.partition(b" HTTP/1.1")[0].decode() for request in raw.requests]
    assert lines[0] == "POST /folder/wp-json/mp/v1/transactions"
    assert lines[1].startswith("GET /folder/index.php?rest_route=/mp/v1/me&_=")
    assert lines[2] == "POST /folder/index.php?rest_route=/mp/v1/transactions"


def test_a_crash_that_is_told_in_json_is_no_refusal(raw_site: Start) -> None:
    crash = json_page(
        '{"code":"internal_server_error","message":"<p>Critical error.</p>"}', "500 Internal Server Error"
    )
    outcome = ensure(open_site(raw_site(lambda request: crash))).grants[REF]
    assert isinstance(outcome, RetryLater)
    assert (outcome.unclear, outcome.site_down) == (True, True)


def test_a_refusal_of_the_plugin_is_told_in_its_words(raw_site: Start) -> None:
    refusal = json_page(
        '{"code":"mp_db_create_error","message":"<b>gateway</b> must be free &amp; manual\\n\\n#0 /srv/x.php"}',
        "500 Internal Server Error",
    )
    outcome = ensure(open_site(raw_site(lambda request: refusal))).grants[REF]
    assert isinstance(outcome, NeedsAttention)
    assert "gateway must be free & manual" in outcome.reason
    assert "/srv" not in outcome.reason
    assert not outcome.site_wide


def test_a_member_list_that_never_ends_is_given_up_with_words(raw_site: Start) -> None:
    rows = json_page(json.dumps([{"id": 1, "email": "other@x.test"}]), "200 OK", "X-WP-TotalPages: 100000")
    raw = raw_site(lambda request: rows)
    ensured = ensure(open_site(raw), person=Person("ann@x.test", "Ann", "Lee"))
    assert isinstance(ensured.member, NeedsAttention)
    assert len(raw.requests) == 100


def test_pages_are_counted_by_their_length_where_a_proxy_drops_the_header(raw_site: Start) -> None:
    level = {"title": "L", "period_type": "lifetime", "expire_type": "none"}

    def say(request: bytes) -> bytes:
        first = b"page=1" in request.partition(b" HTTP/1.1")[0].rpartition(b"per_page=100&")[2]
        return json_page(json.dumps([{"id": n, **level} for n in (range(1, 101) if first else range(101, 104))]))

    site = open_site(raw_site(say))
    read = site.levels()
    site.close()
    assert isinstance(read, Levels)
    assert len(read.levels) == 103


def test_a_redirect_within_the_site_is_told_as_such(raw_site: Start) -> None:
    raw = raw_site(lambda request: page("", "302 Found", "text/html", "Location: /coming-soon"))
    site = open_site(raw)
    outcome = site.check()
    site.close()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide
    assert "/coming-soon" in outcome.reason


def test_a_site_that_wants_https_is_told_by_its_new_address(raw_site: Start) -> None:
    raw = raw_site(
        lambda request: page(
            "",
            "301 Moved Permanently",
            "text/html",
            "Location: https://academy.example" + request.split(b" ")[1].decode(),
        )
    )
    site = open_site(raw, "/members/area")
    outcome = site.check()
    site.close()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.remedy == "Enter https://academy.example/members/area as the site's address."


def test_a_redirect_to_nowhere_is_told_as_such(raw_site: Start) -> None:
    site = open_site(raw_site(lambda request: page("", "302 Found")))
    outcome = site.check()
    site.close()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide


def test_exactly_one_credential_goes_out(raw_site: Start) -> None:
    raw = raw_site(lambda request: json_page('{"success":true,"data":{"username":"x"}}'))
    for credentials in ({"api_key": "Ab3dE6gH9k"}, {"username": "u", "application_password": "p p"}):
        site = open_site(raw, **credentials)
        assert site.check() == AlreadyRight("")
        site.close()
    with_key, with_password = (request.lower() for request in raw.requests)
    assert b"memberpress-api-key: ab3de6gh9k" in with_key
    assert b"authorization" not in with_key
    assert b"authorization: basic " in with_password
    assert b"memberpress-api-key" not in with_password
