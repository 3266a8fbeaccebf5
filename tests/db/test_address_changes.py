"""Addresses that change at the cart, up to the site: real HTTP, real tables, judged by the site's state."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction
from django.utils import timezone

from db.conftest import make_cart, make_site
from db.test_people_and_orders import changed, rebill, sale, tell
from db.test_planning import save
from factories import rule
from guestlist.access import addresses
from guestlist.access import lane as lanes
from guestlist.access.addresses import follow
from guestlist.access.denied import changes_of
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.queries import person
from guestlist.access.sitestate import close_sites
from guestlist.access.staff import change
from guestlist.connections.models import Site
from guestlist.domain.staff import Act
from guestlist.orders.models import Customer
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "nora@buyers.test", "nora@home.test"


@pytest.fixture
def academy():
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key, on_email_change="follow")
        save(rule("product-12", "academy/10"))
        yield site
    close_sites()


def run(times: int = 1) -> None:
    """Lanes, with all waiting times over."""
    for _ in range(times):
        Site.objects.exclude(probe_at=None).update(probe_at=timezone.now())
        Member.objects.filter(state=MemberState.DUE).update(due_at=timezone.now())
        lanes.run_lane("academy")


def has(site: SandboxSite) -> dict[str, int]:
    """How many transactions give access, by the address that the site has now."""
    people = {row["id"]: row["email"] for row in site.state()["members"] if row["role"] == "subscriber"}
    found = dict.fromkeys(people.values(), 0)
    for row in site.state()["transactions"]:
        if row["status"] == "complete" and row["user_id"] in people:
            found[people[row["user_id"]]] += 1
    return found


def writes(site: SandboxSite) -> int:
    return sum(request["method"] != "GET" for request in site.requests())


def all_settled() -> bool:
    return not (
        Member.objects.exclude(state=MemberState.IDLE).exists()
        or Member.objects.filter(email_due=True).exists()
        or Grant.objects.exclude(state=GrantState.RIGHT).exists()
    )


def test_where_it_is_to_be_left_the_member_keeps_its_address(academy):
    Site.objects.update(on_email_change="leave")
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1), sale("2", "9", NEW, 2))
    run()

    assert has(academy) == {OLD: 2}
    assert all_settled()
    assert not Member.objects.get().alert


@pytest.mark.parametrize("told", [changed("9", NEW, 1), sale("1", "9", NEW, 1, again="1"), rebill("1", "9", NEW, 1)])
def test_where_it_is_to_follow_the_site_gets_the_new_address_and_the_member_stays_the_same(academy, told):
    tell(sale("1", "9", OLD, 0))
    run()
    before = Member.objects.get().remote_id
    tell(told)
    run()

    assert list(has(academy)) == [NEW]
    assert Member.objects.get().remote_id == before
    assert all_settled()

    tell(sale("2", "9", NEW, 40))
    run()
    assert list(has(academy)) == [NEW]
    assert [person(address).members[0].email for address in (OLD, NEW)] == [NEW, NEW]


def test_a_change_told_again_or_late_asks_nothing_more_of_the_site(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 3))
    run()
    asked = len(academy.requests())
    tell({**changed("9", NEW, 3), "again": "1"}, changed("9", "older@buyers.test", 2), changed("9", OLD, 0))
    run()

    assert len(academy.requests()) == asked
    assert has(academy) == {NEW: 1}


def test_only_the_letters_of_an_address_change_and_nothing_is_done(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    asked = len(academy.requests())
    tell(changed("9", OLD.upper(), 1))
    run()

    assert len(academy.requests()) == asked


def test_a_member_that_guestlist_did_not_make_is_never_renamed(academy):
    academy.act("POST", "members", {"email": OLD, "username": "nora"})
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1), sale("2", "9", NEW, 2))
    run()

    assert has(academy) == {OLD: 2}
    member = Member.objects.get()
    assert (member.email, member.email_due) == (OLD, False)
    assert NEW in member.alert
    assert "did not make" in member.alert
    assert all_settled()


def test_two_members_who_bought_separately_stay_apart(academy):
    tell(sale("1", "9", OLD, 0), sale("2", "8", NEW, 0))
    run()
    tell(changed("9", NEW, 1))
    run()

    assert has(academy) == {OLD: 1, NEW: 1}
    member = Member.objects.get(email=OLD)
    assert NEW in member.alert
    assert "stay apart" in member.alert
    assert all_settled()


def test_the_site_refuses_an_address_that_somebody_else_has_there(academy):
    academy.act("POST", "members", {"email": NEW, "username": "other"})
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1))
    run()

    assert has(academy) == {OLD: 1, NEW: 0}
    member = Member.objects.get()
    assert member.email == OLD
    assert member.alert
    tell(sale("2", "9", NEW, 2))
    run()
    assert has(academy) == {OLD: 2, NEW: 0}
    assert all_settled()


def test_an_address_that_wordpress_refuses_stays_as_it_was_with_an_alert(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", "zo\u00eb@home.test", 1))
    run()

    assert has(academy) == {OLD: 1}
    assert "zo\u00eb@home.test" in Member.objects.get().alert
    assert all_settled()


def test_while_the_site_is_down_the_change_waits_and_comes_by_itself(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    academy.switch(down="maintenance")
    tell(changed("9", NEW, 1))
    run(2)
    assert Site.objects.get().state == "down"
    academy.switch(down=None)
    run()

    assert has(academy) == {NEW: 1}
    assert all_settled()


@pytest.mark.parametrize("kind", ["close_after_work", "html_200_after_work", "html_500", "close_before_work"])
def test_an_unclear_answer_to_the_change_is_looked_up(academy, kind):
    tell(sale("1", "9", OLD, 0))
    run()
    number = Member.objects.get().remote_id
    academy.switch(faults=[{"match": f"PUT /members/{number}", "kind": kind, "times": 1}])
    tell(changed("9", NEW, 1))
    run(3)

    assert has(academy) == {NEW: 1}
    assert all_settled()
    assert len([mail for mail in academy.state()["mails"] if mail["kind"] == "change"]) == 1


def test_two_changes_before_the_site_was_told_end_at_the_latest(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", "between@home.test", 1), changed("9", NEW, 2))
    run()

    assert has(academy) == {NEW: 1}
    assert writes(academy) == 3


def test_a_change_that_is_taken_back_before_the_site_was_told_leaves_everything(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1), changed("9", OLD, 2))
    run()

    assert has(academy) == {OLD: 1}
    assert all_settled()
    assert writes(academy) == 2


def test_a_change_while_the_member_is_worked_on_is_not_forgotten(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(sale("2", "9", OLD, 1))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    tell(changed("9", NEW, 2))
    lanes._settle(lane, claim)
    run()

    assert has(academy) == {NEW: 2}
    assert all_settled()


def test_a_change_while_an_earlier_one_is_told_to_the_site_is_told_next(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", "between@home.test", 1))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    tell(changed("9", NEW, 2))
    lanes._settle(lane, claim)
    assert Member.objects.get().former_email_key == "between@home.test", "what the site has now"
    run()

    assert has(academy) == {NEW: 1}
    assert all_settled()


@pytest.mark.parametrize(("policy", "address"), [("follow", NEW), ("leave", OLD)])
def test_a_change_while_the_member_is_being_made(academy, policy, address):
    Site.objects.update(on_email_change=policy)
    tell(sale("1", "9", OLD, 0))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    tell(changed("9", NEW, 2))
    lanes._settle(lane, claim)
    run()

    assert has(academy) == {address: 1}
    assert Member.objects.get().email == address
    assert all_settled()


@pytest.mark.parametrize(("policy", "address"), [("follow", NEW), ("leave", OLD)])
def test_a_change_after_a_worker_died_while_it_made_the_member_makes_no_second_one(academy, policy, address):
    Site.objects.update(on_email_change=policy)
    tell(sale("1", "9", OLD, 0))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    lane.open_site.ensure(claim.wanted, record=lambda _: None, before_write=lambda: None)  # and here the worker died
    tell(changed("9", NEW, 2))
    run(3)

    assert has(academy) == {address: 1}
    assert all_settled()


def test_a_change_before_the_member_was_made_simply_uses_the_new_address(academy):
    Site.objects.update(on_email_change="leave")
    tell(sale("1", "9", OLD, 0), changed("9", NEW, 1))
    run()

    assert has(academy) == {NEW: 1}
    assert not any(mail["kind"] == "change" for mail in academy.state()["mails"])


def test_a_member_who_vanished_at_the_site_is_made_again_with_the_new_address(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    academy.act("POST", f"members/{Member.objects.get().remote_id}/delete", {})
    tell(changed("9", NEW, 1), sale("2", "9", NEW, 2))
    run()

    assert has(academy) == {NEW: 2}
    assert all_settled()


@pytest.mark.parametrize("policy", ["follow", "leave"])
def test_an_address_that_wordpress_refused_is_corrected_at_the_cart_and_the_member_settles_by_itself(academy, policy):
    Site.objects.update(on_email_change=policy)
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0))
    run()
    stuck = Member.objects.get()
    assert stuck.state == MemberState.ATTENTION
    assert "zo\u00eb@buyers.test" in stuck.reason
    assert stuck.remedy

    tell(changed("9", "zoe@buyers.test", 1))
    run()

    assert has(academy) == {"zoe@buyers.test": 1}
    assert all_settled()
    assert Member.objects.get().reason == ""


def test_a_correction_that_comes_while_the_site_refuses_the_old_address_counts_as_well(academy):
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    tell(changed("9", "zoe@buyers.test", 1))
    lanes._settle(lane, claim)
    run()

    assert has(academy) == {"zoe@buyers.test": 1}
    assert all_settled()


def test_a_correction_while_the_site_refuses_goes_to_the_member_who_has_the_right_address(academy):
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0), sale("2", "8", "zoe@buyers.test", 0))
    lane = lanes._take_over("academy")
    claims = [lanes._claim(lane), lanes._claim(lane)]
    tell(changed("9", "zoe@buyers.test", 1))
    for claim in claims:
        lanes._settle(lane, claim)
    run(2)

    assert has(academy) == {"zoe@buyers.test": 2}
    assert all_settled()


def test_a_hold_in_the_moment_in_which_access_goes_over_to_another_member_counts_for_it(academy, monkeypatch):
    tell(sale("1", "9", "zo\u00eb@buyers.test", 0), sale("2", "8", "zoe@buyers.test", 0))
    lane = lanes._take_over("academy")
    claims = [lanes._claim(lane), lanes._claim(lane)]
    tell(changed("9", "zoe@buyers.test", 1))
    holding = threading.Thread(target=_hold, args=("zoe@buyers.test",))

    def read_and_somebody_holds(members):
        changes = changes_of(members)
        holding.start()
        holding.join(1)  # it may have to wait for what is written here
        return changes

    monkeypatch.setattr(addresses, "changes_of", read_and_somebody_holds)
    for claim in claims:
        lanes._settle(lane, claim)
    holding.join(30)

    assert {grant.live for grant in Grant.objects.all()} == {False}
    run(2)
    assert has(academy) == {"zoe@buyers.test": 0}


def _hold(email: str) -> None:
    change("academy", email, Act.HOLD, level="", until_on=None, who="ada", why="a call")
    connection.close()


def test_an_address_that_goes_to_another_customer_gives_them_a_member_of_their_own(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1), sale("2", "8", OLD, 2))
    run()

    assert has(academy) == {NEW: 1, OLD: 1}
    assert all_settled()


@pytest.mark.parametrize("between", [True, False])
def test_an_address_that_its_holder_gives_up_later_goes_to_who_has_it_at_the_cart(academy, between):
    Site.objects.update(concurrency=4)
    tell(sale("1", "9", OLD, 0), sale("2", "8", NEW, 0))
    run()
    tell(changed("9", NEW, 2))
    if between:
        run()
    tell(changed("8", "omar@home.test", 1))
    run()

    assert has(academy) == {NEW: 1, "omar@home.test": 1}
    assert {member.alert for member in Member.objects.all()} == {""}
    assert all_settled()


def test_who_takes_over_an_address_waits_until_the_site_has_changed_it(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    number = Member.objects.get().remote_id
    academy.switch(faults=[{"match": f"PUT /members/{number}", "kind": "close_before_work", "times": 2}])
    tell(changed("9", NEW, 1), sale("2", "8", OLD, 2))
    lanes.run_lane("academy")
    assert has(academy) == {OLD: 1}, "the second customer's access has not gone to the first one's member"
    run(3)

    assert has(academy) == {NEW: 1, OLD: 1}
    assert all_settled()


def test_customers_who_share_a_member_must_agree_before_it_follows(academy):
    tell(sale("1", "9", OLD, 0), sale("2", "8", OLD, 0))
    run()
    tell(changed("9", NEW, 1))
    run()
    assert has(academy) == {OLD: 2}
    alert = Member.objects.get().alert
    assert OLD in alert
    assert NEW in alert

    tell(changed("8", NEW, 2))
    run()
    assert has(academy) == {NEW: 2}
    assert Member.objects.get().alert == ""


def test_a_merge_at_the_cart_follows_to_the_surviving_customers_address(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(sale("1", "8", NEW, 1, again="1"))
    run()

    assert has(academy) == {NEW: 1}
    assert all_settled()


def test_following_twice_changes_nothing_and_takes_no_lock_for_a_customer_who_is_as_told(academy):
    tell(sale("1", "9", OLD, 0))
    run()
    tell(changed("9", NEW, 1))
    run()
    version = Member.objects.get().version
    with transaction.atomic():
        follow(Customer.objects.get())
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM access_member WHERE xmax <> 0 AND version <> %s", [version])
            assert cursor.fetchone() == (0,)

    assert Member.objects.get().version == version
