"""Trouble with a whole site: what its members get, what its owner sees, what it costs the others; and the way back."""

from __future__ import annotations

import email.utils
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from django.utils import timezone

from db.two_sites import AFTER, World, assert_all_is_right, time_passes, two_sites
from front import Authority, Front
from guestlist.access.models import Member, MemberState
from guestlist.access.sitestate import close_sites, sites_with_work
from guestlist.connections.models import Site
from guestlist.sites import http
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress
from unit.memberpress.raw_site import json_page, page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[World]:
    with two_sites() as running:
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests that hang are given up soon."""
    monkeypatch.setitem(MemberPress.open.__kwdefaults__, "timeouts", Timeouts(connect=5, read=1, create=1, total=3))


@dataclass(frozen=True)
class Trouble:
    """One way for a site not to work.

    Attributes:
        breaks, mends: how it comes and goes.
        state, reason, remedy: what the owner sees; words out of the sentences.
        wait: the next look is about so many seconds away.
        looks: requests that one look may take at most.
        begins: so many requests of the lane get through before it comes.
    """

    name: str
    breaks: Callable[[World], None]
    mends: Callable[[World], None]
    state: str
    reason: str
    remedy: str
    wait: float = 5
    looks: int = 1
    begins: int = 4


def switches(name: str, on: object, off: object, state: str, reason: str, remedy: str, **more: float) -> Trouble:
    return Trouble(
        f"{name}={on}",
        lambda world: world.switch(**{name: on}),
        lambda world: world.switch(**{name: off if off != "key" else world.site.key}),
        state,
        reason,
        remedy,
        **more,
    )


def every_request(kind: str, state: str, reason: str, remedy: str, **more: float) -> Trouble:
    fault = {"match": "* /", "kind": kind, "times": None, "retry_after": int(more.get("wait", 1))}
    return Trouble(
        kind,
        lambda world: world.switch(faults=[fault]),
        lambda world: world.switch(faults=[]),
        state,
        reason,
        remedy,
        **more,
    )


def answers(
    name: str,
    answer: Callable[[], bytes],
    state: str,
    reason: str,
    remedy: str,
    method: str = "*",
    **more: float,
) -> Trouble:
    """Something in front of the site answers in its place."""

    def breaks(world: World) -> None:
        world.front.spoil = lambda asked: answer() if method in ("*", asked.method) else None

    def mends(world: World) -> None:
        world.front.spoil = lambda asked: None

    return Trouble(name, breaks, mends, state, reason, remedy, **more)


def in_seconds(seconds: int) -> str:
    return email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


def busy(status: str, retry_after: Callable[[], str]) -> Callable[[], bytes]:
    return lambda: page("<p>Not now</p>", status, "text/html", f"Retry-After: {retry_after()}")


ASKS_ON = "Nothing has to be done in Guestlist"
TROUBLES = [
    switches("down", "refuse", None, "down", "broke the answer off", ASKS_ON),
    switches("down", "maintenance", None, "down", "maintenance or overloaded (503)", ASKS_ON, wait=600),
    switches("down", "database", None, "down", "Error establishing a database connection", ASKS_ON),
    switches("key", None, "key", "attention", "refuses the credentials (401)", "Compare the API key"),
    switches("plugin_active", False, True, "attention", "no MemberPress REST API (404)", "Developer Tools", looks=2),
    every_request("status:502", "down", "does not work (502)", ASKS_ON),
    every_request("status:503", "down", "maintenance or overloaded (503)", ASKS_ON, wait=90),
    every_request("status:504", "down", "does not work (504)", ASKS_ON),
    every_request("status:429", "down", "asks for fewer requests (429)", ASKS_ON, wait=120),
    every_request("html_500", "down", "WordPress crashed (500)", ASKS_ON),
    every_request("html_200", "attention", "a web page instead of data", "page caches", looks=2, begins=0),
    every_request("status:403", "attention", "forbids the request (403)", "firewall or a security plugin"),
    every_request("close_before_work", "down", "broke the answer off", ASKS_ON),
    every_request("truncated_json_after_work", "down", "cut short or damaged", ASKS_ON),
    every_request("huge", "down", "longer than 5 MB", ASKS_ON),
    every_request(
        "redirect:https://new.example.test/",
        "attention",
        "redirects to https://new.example.test",
        "Enter https://new.example.test as the site's address",
    ),
    answers("503 until a moment", busy("503 Busy", lambda: in_seconds(300)), "down", "(503)", ASKS_ON, wait=300),
    answers("429 until a moment", busy("429 Slow", lambda: in_seconds(300)), "down", "(429)", ASKS_ON, wait=300),
    answers("429 without patience", busy("429 Slow", lambda: "0"), "down", "(429)", ASKS_ON),
    answers(
        "a cache",
        lambda: json_page('{"success": true, "data": {}}', "200 OK", "Age: 4000"),
        "attention",
        "answers with old data",
        "Exclude /wp-json/",
        method="GET",
    ),
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_a_site_in_trouble_holds_up_only_its_own_members_and_all_is_right_afterwards(world: World, trouble: Trouble):
    world.sell_before()
    world.sell_meanwhile()
    world.front.after(trouble.begins, lambda: trouble.breaks(world))
    assert_it_is_borne(world, trouble)
    trouble.mends(world)
    assert_it_comes_back(world)


def test_a_site_that_hangs_holds_up_only_its_own_members_and_all_is_right_afterwards(world: World, impatient: None):
    world.sell_before()
    world.sell_meanwhile()
    hangs = switches("down", "hang", None, "down", "did not answer in time", ASKS_ON)
    world.front.after(0, lambda: hangs.breaks(world))
    assert_it_is_borne(world, hangs)
    hangs.mends(world)
    assert_it_comes_back(world)


def test_a_server_that_is_off_holds_up_only_its_own_members_and_all_is_right_afterwards(world: World):
    world.sell_before()
    world.sell_meanwhile()
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        Site.objects.filter(pk="academy").update(url=f"http://127.0.0.1:{reserved.getsockname()[1]}")
        off = switches("down", None, None, "down", "refuses the connection", ASKS_ON)
        assert_it_is_borne(world, off)
    Site.objects.filter(pk="academy").update(url=world.front.url)
    assert_it_comes_back(world)


@dataclass(frozen=True)
class Certificate:
    """What is wrong with it, as arguments of `Authority.load`, and what the owner reads."""

    name: str
    wrong: dict[str, object]
    reason: str


CERTIFICATES = [
    Certificate("out of date", {"days": -1}, "certificate has expired"),
    Certificate("for another name", {"host": "127.0.0.2"}, "IP address mismatch"),
    Certificate("signed by itself", {"signed": False}, "self-signed certificate"),
]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """An authority that this process trusts."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    http._ssl_context.cache_clear()
    yield authority
    http._ssl_context.cache_clear()


@pytest.mark.parametrize("certificate", CERTIFICATES, ids=lambda each: each.name)
def test_a_bad_certificate_pauses_the_site_until_it_is_renewed(
    world: World, authority: Authority, certificate: Certificate
):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.load(context)
    secure = Front(world.site, context)
    Site.objects.filter(pk="academy").update(url=secure.url)
    world.sell_before()
    world.sell_meanwhile()

    authority.load(context, **certificate.wrong)
    close_sites()  # the web server was started anew with it
    asked = len(secure.asked)
    trouble = switches("down", None, None, "attention", certificate.reason, "ask the host to renew", looks=0)
    assert_it_is_borne(world, trouble)
    assert len(secure.asked) == asked, "nothing was sent to a server that may be somebody else"

    authority.load(context)
    assert_it_comes_back(world)
    secure.close()


def assert_it_is_borne(world: World, trouble: Trouble) -> None:
    """Run into the trouble: see what the members get, what the owner sees, and what it costs the others."""
    with structlog.testing.capture_logs() as logs:
        world.run("academy", "club")

        assert_owner_is_told(world, trouble)
        assert_members_wait_untouched()
        assert world.access("club") == AFTER, "another site has nothing to do with it"
        assert world.owner_sees("club").state == "ok"
        asked = world.asked()
        world.run()
        assert world.asked() == asked, "nothing is asked before it is time to look again"
        assert "academy" not in sites_with_work()

        time_passes()
        assert sites_with_work() == ["academy"]
        world.run()
        assert world.asked() <= asked + trouble.looks
        assert_members_wait_untouched()
    said = [entry["event"] for entry in logs if entry.get("site") == "academy" and entry["log_level"] == "warning"]
    assert said == [f"site_{trouble.state}"], "the owner is told once, whatever number of members waits"


def assert_it_comes_back(world: World) -> None:
    time_passes()
    world.run()
    assert_all_is_right(world)


def assert_owner_is_told(world: World, trouble: Trouble) -> None:
    seen = world.owner_sees()
    assert (seen.state, trouble.reason in seen.reason, trouble.remedy in seen.remedy) == (trouble.state, True, True), (
        seen
    )
    assert seen.asked_again_at is not None
    assert abs((seen.asked_again_at - timezone.now()).total_seconds() - trouble.wait) <= 5
    assert seen.state_since is not None


def assert_members_wait_untouched() -> None:
    waiting = Member.objects.filter(site="academy").exclude(state=MemberState.IDLE)
    assert waiting.count() >= 3
    assert {(member.state, member.attempts, member.remedy) for member in waiting} == {(MemberState.DUE, 0, "")}
    assert {member.reason for member in waiting} <= {"", "waiting until the site works again"}
