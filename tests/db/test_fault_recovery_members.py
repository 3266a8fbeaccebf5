"""Trouble over one member only: it costs that member a try, and nobody else anything; and the way back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.utils import timezone

from db.test_planning import deliver
from db.two_sites import AFTER, TODAY, World, assert_all_is_right, buyer, number, time_passes, two_sites
from factories import line, placed
from front import Asked
from guestlist.access.models import Grant, Member, MemberState, SiteRequest
from guestlist.access.schedule import GIVE_UP_AFTER
from guestlist.access.staff import try_members_again
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress
from unit.memberpress.raw_site import json_page, page

pytestmark = pytest.mark.django_db(transaction=True)

HUGE = " " * (6 * 1024 * 1024)
CLEO = "cleo@buyers.test"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    # Requests that hang are given up soon.
    patient = Timeouts(connect=5, read=2, create=2, total=4)
    monkeypatch.setitem(MemberPress.open.__kwdefaults__, "timeouts", patient)
    with two_sites() as running:
        yield running


@dataclass(frozen=True)
class Trouble:
    """What happens to requests about one member, and what is told of it."""

    name: str
    answer: Callable[[World], bytes]
    reason: str


TROUBLES = [
    Trouble("PHP crashes", lambda world: page("<p>critical error</p>", "500 Error"), "WordPress crashed (500)"),
    Trouble("the proxy gives up", lambda world: page("<p>bad</p>", "502 Bad Gateway"), "does not work (502)"),
    Trouble("it hangs", lambda world: world.front.hang(), "did not answer in time"),
    Trouble("it is cut short", lambda world: json_page('{"id": 17, "ema'), "cut short or damaged"),
    Trouble("it is huge", lambda world: json_page(HUGE), "longer than 5 MB"),
    Trouble("a web page comes", lambda world: page("<p>Hello</p>"), "a web page instead of data"),
]


def spoil(world: World, trouble: Trouble, method: str) -> None:
    """From now on what is written about Cleo meets the trouble."""

    def answer(asked: Asked) -> bytes | None:
        return trouble.answer(world) if asked.method == method and asked.names(CLEO, *words) else None

    known = Member.objects.filter(site="academy", email_key=CLEO).exclude(remote_id="").first()
    words = [f'"member": {known.remote_id},'] if known else []
    world.front.spoil = answer


def heal(world: World) -> None:
    world.front.spoil = lambda asked: None


def cleo() -> Member:
    return Member.objects.get(site="academy", email_key=CLEO)


@pytest.mark.parametrize("known", [False, True], ids=["new member", "known member"])
@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_trouble_over_one_member_uses_up_that_members_tries_only(world: World, trouble: Trouble, known: bool):
    world.sell_before()
    if known:
        make_known(world)
    world.sell_meanwhile()
    spoil(world, trouble, "POST")
    world.run("academy", "club")

    member = cleo()
    assert (member.state, member.attempts) == (MemberState.DUE, 1)
    assert trouble.reason in member.reason
    assert timedelta(0) < member.due_at - timezone.now() <= timedelta(seconds=30)
    assert world.access("club") == AFTER
    others = {name: levels for name, levels in AFTER.items() if name != "cleo"}
    assert {name: levels for name, levels in world.access("academy").items() if name != "cleo"} == others
    seen = world.owner_sees()
    assert (seen.state, seen.reason, seen.members.retrying, seen.members.open) == ("ok", "", 1, 1)

    time_passes()
    world.run()
    assert (cleo().state, cleo().attempts) == (MemberState.DUE, 2)
    assert world.owner_sees().state == "ok"

    heal(world)
    time_passes()
    world.run()
    time_passes()
    world.run()
    assert_all_is_right(world)


def make_known(world: World) -> None:
    """Cleo is a member of both sites already, without access."""
    deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer("cleo"), order_id=number("cleo")))
    Grant.objects.filter(member__email_key=CLEO).delete()
    for site in ("academy", "club"):
        name = "" if site == "academy" else "club"
        made = world.site.act("POST", "members", {"email": CLEO}, name=name)
        Member.objects.filter(site=site, email_key=CLEO).update(remote_id=str(made["id"]), state=MemberState.IDLE)


def test_what_a_firewall_does_to_one_member_is_told_with_its_remedy_and_tried_again_on_request(world: World):
    world.sell_before()
    world.sell_meanwhile()
    spoil(world, Trouble("a firewall", lambda world: page("<p>Blocked</p>", "403 Forbidden"), ""), "POST")
    world.run("academy", "club")

    member = cleo()
    assert member.state == MemberState.ATTENTION
    assert "forbids the request (403)" in member.reason
    assert "firewall" in member.remedy
    seen = world.owner_sees()
    assert (seen.state, seen.members.attention, seen.members.open) == ("ok", 1, 0)

    heal(world)
    assert try_members_again("academy", CLEO) == 1
    world.run()
    assert_all_is_right(world)


def test_a_member_is_given_up_after_five_days_and_tried_again_on_request(world: World):
    world.sell_before()
    world.sell_meanwhile()
    spoil(world, TROUBLES[0], "POST")
    world.run("academy", "club")
    long_ago = timezone.now() - GIVE_UP_AFTER
    Member.objects.filter(pk=cleo().pk).update(attempts=16, first_attempt_at=long_ago)
    time_passes()
    world.run()

    member = cleo()
    assert (member.state, member.due_at) == (MemberState.ATTENTION, None)
    assert "WordPress crashed" in member.reason
    assert "tried for five days" in member.remedy
    assert world.owner_sees().members.attention == 1
    asked = world.asked()
    time_passes()
    world.run()
    assert world.asked() == asked

    heal(world)
    assert try_members_again() == 1
    world.run()
    assert_all_is_right(world)


def test_requests_are_kept_with_the_grant_that_they_were_made_for(world: World):
    world.sell_before()
    nora = Member.objects.get(site="academy", email_key="nora@buyers.test")

    made = list(SiteRequest.objects.filter(member=nora).order_by("id").values_list("method", "ref"))
    assert made == [("GET", ""), ("POST", ""), ("POST", nora.grants.get().ref)]


@pytest.mark.parametrize("status", ["trash", "draft"])
def test_a_level_that_is_gone_stops_only_who_buys_it_and_serves_them_when_it_is_back(world: World, status: str):
    world.sell_before()
    world.site.act("POST", "memberships/10", {"status": status})
    world.sell_meanwhile()
    world.run("academy", "club")

    stuck = Member.objects.filter(site="academy", state=MemberState.ATTENTION)
    assert {member.email_key.partition("@")[0] for member in stuck} == {"omar", "ada", "ben", "cleo", "dan", "eve"}
    for member in stuck:
        assert "level 10 does not exist at the site any more, or is not published" in member.reason
        assert "Publish the level again" in member.remedy
    assert not any(10 in levels for levels in world.access("academy").values()), "nothing half done is left there"
    assert world.access("academy")["nora"] == AFTER["nora"]
    assert world.access("club") == AFTER
    seen = world.owner_sees()
    assert (seen.state, seen.members.attention, seen.members.open) == ("ok", 6, 0)

    world.site.act("POST", "memberships/10", {"status": "publish"})
    assert try_members_again("academy") == 6
    world.run()
    assert world.access("academy") == AFTER
    assert {member.state for member in Member.objects.all()} == {MemberState.IDLE}


def test_access_to_a_level_that_is_gone_can_still_be_ended(world: World):
    world.sell_before()
    world.site.act("POST", "memberships/8", {"status": "trash"})
    world.sell_meanwhile()
    world.run("academy", "club")

    omar = int(Member.objects.get(site="academy", email_key="omar@buyers.test").remote_id)
    rows = [row for row in world.site.state()["transactions"] if row["user_id"] == omar]
    assert {(row["membership_id"], row["status"]) for row in rows} == {(8, "refunded"), (10, "complete")}
    nora = Member.objects.get(site="academy", email_key="nora@buyers.test")
    assert nora.state == MemberState.ATTENTION, "her second charge cannot be given"
    assert world.access("academy")["omar"] == {10: None}

    world.site.act("POST", "memberships/8", {"status": "publish"})
    try_members_again()
    world.run()
    assert world.access("academy") == AFTER
