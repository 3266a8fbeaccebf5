"""What a site's owner reads while it is in trouble, and what entering something anew does; redirects and permalinks."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from django.test import Client

from db.two_sites import AFTER, World, assert_all_is_right, time_passes, two_sites
from front import Authority, Front
from guestlist.access.models import Member, MemberState
from guestlist.access.sitestate import close_sites
from guestlist.accounts.tokens import create_token
from guestlist.cli.status import status
from guestlist.connections.models import Site
from guestlist.fulfilment.apply import apply_settings
from guestlist.sites import http
from unit.memberpress.raw_site import page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[World]:
    with two_sites() as running:
        yield running


def entered(world: World, **fields: str) -> str:
    said = {"id": "academy", "kind": "memberpress", "url": world.front.url, "api_key": world.site.key, **fields}
    lines = [f'{name} = "{value}"' for name, value in said.items()]
    return "\n".join(["[[sites]]", *lines, "concurrency = 2", "allow_private_address = true"])


@pytest.fixture
def api(world: World) -> Client:
    return Client(headers={"Authorization": f"Bearer {create_token('tests')}"})


def api_status(api: Client, site: str) -> dict[str, object]:
    [seen] = [each for each in api.get("/api/v1/status").json()["sites"] if each["id"] == site]
    return seen


def printed_status(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    status()
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("switch", "state", "reason", "remedy"),
    [
        ({"down": "maintenance"}, "down", "maintenance or overloaded (503)", "Nothing has to be done in Guestlist"),
        ({"key": None}, "attention", "refuses the credentials (401)", "Compare the API key"),
    ],
    ids=["down", "attention"],
)
def test_status_says_what_is_wrong_what_to_do_and_when_the_site_is_asked_again(
    world: World,
    api: Client,
    capsys: pytest.CaptureFixture[str],
    switch: dict[str, object],
    state: str,
    reason: str,
    remedy: str,
):
    world.sell_before()
    world.switch(**switch)
    world.sell_meanwhile()
    world.run()

    again = Site.objects.get(pk="academy").probe_at
    text = printed_status(capsys)
    assert f"Site academy, {state} since" in text
    assert reason in text
    assert remedy in text
    assert f"Asked again at {again:%Y-%m-%d %H:%M:%S} UTC" in text
    told = api_status(api, "academy")
    assert told["state"] == state
    assert reason in told["reason"]
    assert remedy in told["remedy"]
    assert told["asked_again_at"][:19] == again.isoformat()[:19]
    assert api_status(api, "club")["asked_again_at"] is None

    world.switch(down=None, key=world.site.key)
    time_passes()
    world.run()
    assert "Asked again" not in printed_status(capsys)
    assert api_status(api, "academy")["asked_again_at"] is None


def test_credentials_revoked_in_mid_work_pause_the_lane_until_new_ones_are_entered(world: World):
    world.sell_before()
    world.sell_meanwhile()
    world.front.after(4, lambda: world.switch(key="N3wN3wN3w0"))
    with structlog.testing.capture_logs() as logs:
        world.run("academy", "club")
        time_passes()
        world.run()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["site_attention"]
    assert world.owner_sees().members.attention == Member.objects.filter(site="academy", state=MemberState.DUE).count()
    assert world.access("club") == AFTER

    apply_settings(entered(world, api_key="N3wN3wN3w0"))
    seen = world.owner_sees()
    assert (seen.state, seen.reason, seen.remedy, seen.asked_again_at) == ("ok", "", "", None)
    world.run()
    assert_all_is_right(world)


def test_a_site_that_moves_to_https_says_so_and_goes_on_at_the_address_that_is_entered(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    http._ssl_context.cache_clear()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.load(context)
    secure = Front(world.site, context)
    world.sell_before()
    world.sell_meanwhile()
    world.front.spoil = lambda asked: page("", "301 Moved", "text/html", f"Location: {secure.url}{asked.target}")
    world.run("academy", "club")

    seen = world.owner_sees()
    assert seen.state == "attention"
    assert f"redirects to {secure.url} (301)" in seen.reason
    assert seen.remedy == f"Enter {secure.url} as the site's address."
    assert secure.asked == [], "a redirect is never followed: whose address that is, only the owner can say"
    assert world.access("club") == AFTER

    apply_settings(entered(world, url=secure.url))
    world.run()
    assert_all_is_right(world)
    secure.close()
    http._ssl_context.cache_clear()


def test_permalinks_set_to_plain_in_mid_work_stop_nobody(world: World):
    world.sell_before()
    world.sell_meanwhile()
    world.front.after(4, lambda: world.switch(plain_permalinks=True))
    with structlog.testing.capture_logs() as logs:
        world.run("academy", "club")
        # A write that met the site's front page is looked up before it is done again.
        time_passes()
        world.run()
    assert not [entry for entry in logs if entry["log_level"] == "warning"]
    assert_all_is_right(world)

    world.switch(plain_permalinks=False)
    close_sites()
    world.run()
    assert_all_is_right(world)
