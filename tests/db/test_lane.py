"""A site's lane against the sandbox site: real HTTP, real tables, judged by the site's state."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
import structlog
from django.db import connection
from django.utils import timezone

from db.conftest import make_cart, make_site
from db.test_interpret import body, store
from db.test_planning import deliver, save
from factories import MONTH, event, line, placed, rebill, rule
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.access.outcome import write_outcome
from guestlist.access.sitestate import close_sites, open_site, read_levels, sites_with_work
from guestlist.connections.ending import ENDING
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer, Paused, Refunded, Resumed
from guestlist.engine import tasks
from guestlist.inbox import interpret
from guestlist.sandbox.site.server import SandboxSite
from guestlist.sites.contract import AlreadyRight, Done, Ensured, NeedsAttention, Outcome, RetryLater

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
UNTIL = (DUE + timedelta(days=3)).isoformat()
MONTHLY = placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE)))


@pytest.fixture
def academy():
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key)
        save(rule("product-12", "academy/8"), rule("product-13", "academy/10"))
        yield site
    close_sites()


def run():
    lanes.run_lane("academy")


def by_email(site: SandboxSite) -> dict[str, dict[int, str | None]]:
    return {
        person["email"]: {entry["membership"]: entry["until"] for entry in person["access"]}
        for person in site.state()["members"]
        if person["role"] == "subscriber"
    }


def complete(site: SandboxSite) -> list[dict]:
    return [row for row in site.state()["transactions"] if row["status"] == "complete"]


def make_due():
    """What the passing of time would do."""
    Site.objects.exclude(probe_at=None).update(probe_at=timezone.now())
    Member.objects.filter(state=MemberState.DUE).update(due_at=timezone.now())


def test_a_new_customer_with_one_level_costs_three_requests_and_a_rebill_one(academy):
    deliver(MONTHLY)
    run()

    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert [(r["method"], r["path"]) for r in academy.requests()] == [
        ("GET", "/members"),
        ("POST", "/members"),
        ("POST", "/transactions"),
    ]

    later = DUE + timedelta(days=30)
    deliver(rebill(str(DUE), index=2, next_due_at=str(later), frequency=MONTH))
    run()

    assert len(academy.requests()) == 4
    assert by_email(academy) == {"nora@buyers.test": {8: (later + timedelta(days=3)).isoformat()}}
    assert {(row["amount"], row["total"]) for row in complete(academy)} == {("29.00", "29.00")}
    assert Member.objects.get().state == MemberState.IDLE
    assert {grant.state for grant in Grant.objects.all()} == {GrantState.RIGHT}
    assert [(r.method, r.status) for r in SiteRequest.objects.order_by("id")] == [
        ("GET", 200),
        ("POST", 200),
        ("POST", 200),
        ("POST", 200),
    ]


def test_what_vanished_at_the_site_is_made_again_at_the_next_event_for_the_member(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=9900), order_id="7002"))
    deliver(MONTHLY)
    run()
    bought = {10: None, 8: UNTIL}
    assert by_email(academy) == {"nora@buyers.test": bought}
    vanish(academy, level=10)
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}

    later = DUE + timedelta(days=30)
    deliver(rebill(str(DUE), index=2, next_due_at=str(later), frequency=MONTH))
    run()

    assert by_email(academy) == {"nora@buyers.test": {10: None, 8: (later + timedelta(days=3)).isoformat()}}
    assert len(complete(academy)) == 3
    assert {grant.state for grant in Grant.objects.all()} == {GrantState.RIGHT}
    asked = len(academy.requests())
    make_due()
    run()
    assert len(academy.requests()) == asked


@pytest.mark.parametrize("fields", [{"status": "refunded"}, {"expires_at": "2031-01-01 23:59:59"}])
def test_what_the_owner_changed_at_the_site_is_left_alone_at_the_next_event_for_something_else(academy, fields):
    deliver(placed(str(TODAY), line("product-13", paid_minor=9900), order_id="7002"))
    run()
    [lifetime] = complete(academy)
    owner(academy, "PUT", f"/transactions/{lifetime['id']}", fields)

    deliver(MONTHLY)
    run()

    [now] = [row for row in academy.state()["transactions"] if row["id"] == lifetime["id"]]
    assert {name: now[name] for name in fields} == fields
    assert Member.objects.get().state == MemberState.IDLE


def test_a_site_that_cannot_tell_whether_something_vanished_is_asked_again(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=9900), order_id="7002"))
    run()
    vanish(academy, level=10)
    academy.switch(faults=[{"match": "GET /transactions", "kind": "html_500", "times": 1}])
    deliver(MONTHLY)
    run()
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert Member.objects.get().state == MemberState.DUE

    make_due()
    run()

    assert by_email(academy) == {"nora@buyers.test": {10: None, 8: UNTIL}}
    assert Member.objects.get().state == MemberState.IDLE


def vanish(site: SandboxSite, *, level: int) -> None:
    [row] = [row for row in complete(site) if row["membership_id"] == level]
    owner(site, "DELETE", f"/transactions/{row['id']}")


def owner(site: SandboxSite, method: str, route: str, fields: dict | None = None) -> None:
    """The site's owner at work by hand."""
    headers = {"MEMBERPRESS-API-KEY": site.key}
    url = f"{site.url}/wp-json/mp/v1{route}"
    assert httpx2.request(method, url, json=fields, headers=headers, trust_env=False).status_code == 200


def test_a_lane_with_nothing_due_asks_the_site_nothing(academy):
    run()

    assert academy.requests() == []


def test_every_buyer_gets_in_with_several_requests_at_a_time(academy):
    Site.objects.update(concurrency=4)
    for number in range(20):
        buyer = Buyer(f"buyer{number}@buyers.test", str(number))
        deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer, order_id=str(number)))
    run()

    assert by_email(academy) == {f"buyer{n}@buyers.test": {10: None} for n in range(20)}
    assert len(complete(academy)) == 20


def test_many_orders_for_one_new_address_make_one_member(academy):
    Site.objects.update(concurrency=4)
    for number in range(12):
        buyer = Buyer("Nora@buyers.test" if number % 2 else "nora@buyers.test", str(number))
        deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer, order_id=str(number)))
    run()

    assert len(by_email(academy)) == 1
    assert len(complete(academy)) == 12


@pytest.mark.parametrize("down", ["refuse", "maintenance", "database"])
def test_while_a_site_is_down_members_wait_untouched_and_one_request_probes(academy, down):
    for number in range(5):
        buyer = Buyer(f"buyer{number}@buyers.test", str(number))
        deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer, order_id=str(number)))
    Site.objects.update(concurrency=1)
    academy.switch(down=down)
    run()

    site = Site.objects.get()
    assert site.state == "down"
    assert site.reason
    assert {(m.state, m.attempts) for m in Member.objects.all()} == {(MemberState.DUE, 0)}
    asked = SiteRequest.objects.count()
    run()
    assert SiteRequest.objects.count() == asked, "before the time of the next probe nothing is asked"
    assert sites_with_work() == []

    make_due()
    assert sites_with_work() == ["academy"]
    run()
    assert SiteRequest.objects.count() == asked + 1

    academy.switch(down=None)
    make_due()
    run()
    assert Site.objects.get().state == "ok"
    assert len(by_email(academy)) == len(complete(academy)) == 5


def test_a_revoked_key_pauses_the_lane_until_it_is_entered_again(academy):
    academy.switch(key=None)
    deliver(MONTHLY)
    run()

    site = Site.objects.get()
    assert site.state == "attention"
    assert site.reason
    assert site.remedy
    assert Member.objects.get().attempts == 0

    academy.switch(key=academy.key)
    make_due()
    run()
    assert Site.objects.get().state == "ok"
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}


def test_an_unknown_level_needs_attention_and_holds_nobody_else_up(academy):
    save(rule("product-14", "academy/77", access="forever"))
    deliver(placed(str(TODAY), line("product-14", paid_minor=100), line("product-13", paid_minor=100)))
    run()

    member = Member.objects.get()
    assert member.state == MemberState.ATTENTION
    assert "77" in member.reason
    assert member.remedy
    assert by_email(academy) == {"nora@buyers.test": {10: None}}
    assert {row["status"] for row in academy.state()["transactions"] if row["membership_id"] == 77} <= {"refunded"}


def test_a_member_that_does_not_succeed_is_tried_again_by_the_schedule(academy):
    academy.switch(faults=[{"match": "POST /transactions", "kind": "html_200", "times": 2}])
    deliver(MONTHLY)
    for attempt, seconds in enumerate([5, 30], start=1):
        make_due()
        run()
        member = Member.objects.get()
        assert (member.state, member.attempts) == (MemberState.DUE, attempt)
        assert timedelta(0) < member.due_at - timezone.now() <= timedelta(seconds=seconds)
        assert member.reason

    make_due()
    run()
    member.refresh_from_db()
    assert (member.state, member.attempts, member.reason) == (MemberState.IDLE, 0, "")
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}


@pytest.mark.parametrize("step", ["POST /members", "POST /transactions"])
@pytest.mark.parametrize(
    "kind",
    [
        "close_after_work",
        "close_before_work",
        "html_200_after_work",
        "truncated_json_after_work",
        "html_500_after_work",
    ],
)
def test_an_unclear_answer_never_leads_to_a_second_user_or_transaction(academy, step, kind):
    academy.switch(faults=[{"match": step, "kind": kind, "times": 1}])
    deliver(MONTHLY)
    for _ in range(4):
        run()
        make_due()

    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert len(academy.state()["transactions"]) == 1
    assert Member.objects.get().state == MemberState.IDLE


def test_what_a_dead_worker_left_is_looked_up_before_it_is_done_again(academy, monkeypatch):
    deliver(MONTHLY)
    monkeypatch.setattr(lanes, "write_outcome", _die)
    run()
    assert len(complete(academy)) == 1
    assert Member.objects.get().state == MemberState.WORKING, "the worker died between the site's work and the outcome"
    assert sites_with_work() == ["academy"]

    monkeypatch.setattr(lanes, "write_outcome", write_outcome)
    run()
    assert len(complete(academy)) == 1, "its last request may still be on its way: looked at a little later"
    make_due()
    run()

    assert len(academy.state()["transactions"]) == 1
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert Member.objects.get().state == MemberState.IDLE
    assert Member.objects.get().made_by_us


def test_an_end_that_a_dead_worker_made_and_that_is_taken_back_since_is_not_taken_for_the_owners(academy, monkeypatch):
    save(rule("product-14", "academy/8", on_pause="now"))
    deliver(placed(str(TODAY), line("product-14", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))))
    run()
    deliver(event(Paused, f"{TODAY} 12:00", "product-14"))
    monkeypatch.setattr(lanes, "write_outcome", _die)
    run()
    assert complete(academy) == []

    monkeypatch.setattr(lanes, "write_outcome", write_outcome)
    deliver(event(Resumed, f"{TODAY} 13:00", "product-14"))
    run()
    make_due()
    run()

    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert Member.objects.get().state == MemberState.IDLE


def _die(*args):
    raise SystemError("killed here")


def test_a_worker_taken_for_dead_neither_claims_nor_writes(academy):
    deliver(MONTHLY)
    zombie = lanes._take_over("academy")
    claim = lanes._claim(zombie)

    run()  # another worker takes the lane over and finishes
    make_due()
    run()

    assert lanes._claim(zombie) is None
    ref = Grant.objects.get().ref
    late = Ensured(Done("999"), {ref: AlreadyRight("999")})
    write_outcome(claim, late, [], zombie.site, zombie.state_lock)
    assert Member.objects.get().remote_id != "999"
    assert Grant.objects.get().remote_id != "999"
    assert len(complete(academy)) == 1


def test_an_event_that_comes_while_its_member_is_worked_on_is_not_forgotten(academy):
    deliver(MONTHLY)
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    later = DUE + timedelta(days=30)
    deliver(rebill(str(DUE), index=2, next_due_at=str(later), frequency=MONTH))
    assert Member.objects.get().state == MemberState.WORKING

    lanes._settle(lane, claim)

    assert Member.objects.get().state == MemberState.DUE
    run()
    assert by_email(academy) == {"nora@buyers.test": {8: (later + timedelta(days=3)).isoformat()}}
    assert len(complete(academy)) == 2


def test_a_plan_that_completes_makes_the_last_charge_last_for_ever(academy):
    deliver(MONTHLY)
    run()
    deliver(rebill(str(DUE), index=2, frequency=MONTH, payments_left=0))
    run()

    assert by_email(academy) == {"nora@buyers.test": {8: None}}


def test_a_date_that_changes_is_changed_at_the_site_on_the_same_transaction(academy):
    deliver(placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH)), delivery=900_001)
    run()
    deliver(MONTHLY, delivery=900_001)
    run()

    [row] = academy.state()["transactions"]
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert row["status"] == "complete"


def test_a_grant_that_is_no_longer_planned_ends_at_the_site(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=100)), delivery=900_002)
    run()
    deliver(MONTHLY, delivery=900_002)
    run()

    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert sorted(row["status"] for row in academy.state()["transactions"]) == ["complete", "refunded"]


def test_a_member_that_the_owner_made_is_used_and_not_mailed(academy):
    academy.act("POST", "members", {"email": "Nora@buyers.test", "username": "nora"})
    deliver(MONTHLY)
    run()

    assert by_email(academy) == {"Nora@buyers.test": {8: UNTIL}}
    assert academy.state()["mails"] == []
    assert Member.objects.get().made_by_us is False


def test_a_new_member_is_welcomed_once_and_gets_one_password_mail(academy):
    deliver(placed(str(TODAY), line("product-12", paid_minor=100, frequency=MONTH), line("product-13", paid_minor=1)))
    run()
    deliver(rebill(str(DUE), index=2, frequency=MONTH))
    run()

    subjects = [mail["subject"] for mail in academy.state()["mails"]]
    assert len(subjects) == 2
    assert sum("Password" in subject for subject in subjects) == 1
    assert sum("Welcome" in subject for subject in subjects) == 1


def test_an_error_of_ours_loses_nothing(academy, monkeypatch):
    deliver(MONTHLY)
    open_site = lanes.open_site(Site.objects.get())
    monkeypatch.setattr(open_site, "ensure", _die)
    run()
    assert Member.objects.get().attempts == 1

    monkeypatch.undo()
    make_due()
    run()

    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}


def test_a_grant_that_needs_attention_is_not_forgotten_while_another_is_retried(academy):
    save(rule("product-14", "academy/77", access="forever"))
    academy.switch(faults=[{"match": "POST /transactions", "kind": "html_500", "times": 1}])
    deliver(placed(str(TODAY), line("product-13", paid_minor=100), line("product-14", paid_minor=100)))
    for _ in range(4):
        run()
        make_due()

    member = Member.objects.get()
    assert by_email(academy) == {"nora@buyers.test": {10: None}}
    assert member.state == MemberState.ATTENTION
    assert "77" in member.reason


def test_a_grant_that_needs_attention_is_not_forgotten_when_another_order_comes_meanwhile(academy):
    save(rule("product-14", "academy/77", access="forever"))
    deliver(placed(str(TODAY), line("product-14", paid_minor=100)))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    deliver(placed(str(TODAY), line("product-13", paid_minor=100), order_id="7002"))
    lanes._settle(lane, claim)
    run()

    assert by_email(academy) == {"nora@buyers.test": {10: None}}
    assert Member.objects.get().state == MemberState.ATTENTION


def test_a_level_that_the_site_does_not_have_needs_attention_at_once(academy):
    save(rule("product-14", "academy/77"))
    deliver(placed(str(TODAY), line("product-14", paid_minor=100)))

    member = Member.objects.get()
    assert member.state == MemberState.ATTENTION
    assert "77" in member.reason
    assert "rule" in member.remedy
    assert sites_with_work() == []


def test_grants_that_waited_for_levels_go_on_although_the_worker_died_after_reading_them(academy):
    Site.objects.update(levels=[], levels_read_at=None)
    deliver(placed(str(TODAY), line("product-13", paid_minor=100)))
    assert Grant.objects.get().state == GrantState.BLOCKED
    assert read_levels(Site.objects.get())  # and here the worker died
    assert sites_with_work() == ["academy"]

    tasks.lane("academy")

    assert by_email(academy) == {"nora@buyers.test": {10: None}}


def test_levels_that_are_read_while_a_lane_begins_are_kept(academy):
    Site.objects.update(levels=[])
    site = Site.objects.get()
    Site.objects.update(epoch=site.epoch + 1)

    assert read_levels(site)

    assert Site.objects.get().levels == site.levels != []


def test_levels_of_a_site_that_is_reached_in_another_way_by_now_are_not_kept(academy):
    Site.objects.update(levels=[])
    site = Site.objects.get()
    Site.objects.update(url="https://other.example.com", epoch=site.epoch + 1)

    assert not read_levels(site)

    assert Site.objects.get().levels == []


def test_a_new_order_after_five_days_of_failure_is_tried_anew(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=100)))
    long_ago = timezone.now() - timedelta(days=40)
    Member.objects.update(state=MemberState.ATTENTION, due_at=None, attempts=17, first_attempt_at=long_ago)
    deliver(placed(str(TODAY), line("product-13", paid_minor=100), order_id="7002"))
    academy.switch(faults=[{"match": "POST /transactions", "kind": "html_200", "times": 1}])
    run()

    member = Member.objects.get()
    assert (member.state, member.attempts) == (MemberState.DUE, 1)


def test_nothing_is_asked_of_a_site_while_a_database_connection_is_held(academy, monkeypatch):
    held = []
    opened = open_site(Site.objects.get())
    for name in ("check", "levels", "ensure"):
        real = getattr(opened, name)

        def watched(*args, real=real, name=name, **kwargs):
            held.append((name, connection.connection is not None))
            return real(*args, **kwargs)

        monkeypatch.setattr(opened, name, watched)
    Site.objects.update(state="down", probe_at=timezone.now())
    deliver(MONTHLY)
    tasks.lane("academy")
    Site.objects.update(levels_read_at=None)
    tasks.lane("academy")

    assert held == [("check", False), ("ensure", False), ("levels", False)]
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}


def test_a_process_that_is_to_end_claims_no_more(academy):
    deliver(MONTHLY)
    ENDING.set()
    try:
        run()
        assert academy.requests() == []
    finally:
        ENDING.clear()

    run()
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}


def test_members_who_come_due_while_the_lane_is_at_work_are_worked_on_side_by_side(academy):
    Site.objects.update(concurrency=3)
    academy.switch(latency_ms=400)
    deliver(MONTHLY)
    lane = threading.Thread(target=lambda: (run(), connection.close()))
    lane.start()
    deadline = time.monotonic() + 20
    while not academy.requests():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for number in range(6):
        buyer = Buyer(f"buyer{number}@buyers.test", str(number))
        deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer, order_id=str(number)))
    working = 0
    while lane.is_alive():
        working = max(working, Member.objects.filter(state=MemberState.WORKING).count())
        time.sleep(0.05)
    lane.join()

    assert working == 3
    assert len(complete(academy)) == 7


def test_a_replay_tries_a_stuck_member_again(academy):
    content = body(customer={"email": "zo\u00eb@buyers.test"})
    delivery = store(content)
    save(rule("product-15", "academy/10"))
    interpret.interpret_shard(3)
    run()
    assert Member.objects.get().state == MemberState.ATTENTION
    sent = len(academy.requests())

    interpret.replay([delivery.pk])
    interpret.interpret_shard(3)
    run()

    assert len(academy.requests()) > sent


LATER = str(DUE + timedelta(days=5))
DUE_LATER = placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=LATER))


def changed_meanwhile(academy: SandboxSite, outcome: Outcome) -> tuple[Member, Grant]:
    """A grant is claimed; its date changes while the site is asked; then an outcome of the old wish is written."""
    deliver(DUE_LATER, delivery=900_003)
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    deliver(MONTHLY, delivery=900_003)
    made = academy.act("POST", "members", {"email": "nora@buyers.test"})
    ensured = Ensured(Done(str(made["id"])), {Grant.objects.get().ref: outcome})
    write_outcome(claim, ensured, [], lane.site, lane.state_lock)
    return Member.objects.get(), Grant.objects.get()


@pytest.mark.parametrize(
    "outcome",
    [
        Done("51"),
        AlreadyRight("51"),
        RetryLater("the site is slow", unclear=True),
        RetryLater("the site is away", site_down=True),
        NeedsAttention("the level is gone", "publish it"),
        NeedsAttention("the key is refused", "enter it again", site_wide=True),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_a_grant_that_changes_while_it_is_worked_on_stays_due_without_the_old_trouble(academy, outcome):
    written_at = timezone.now()
    member, grant = changed_meanwhile(academy, outcome)

    assert (grant.state, grant.problem, grant.remedy) == (GrantState.DUE, "", "")
    assert (member.state, member.attempts, member.first_attempt_at, member.remedy) == (MemberState.DUE, 0, None, "")
    # What was unclear may still be at work at the site.
    soon = timedelta(seconds=5) if outcome == RetryLater("the site is slow", unclear=True) else timedelta()
    assert timedelta() <= member.due_at - written_at <= soon + timedelta(seconds=2)
    make_due()
    run()
    make_due()
    run()
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert len(academy.state()["transactions"]) == 1


def test_an_unclear_answer_to_an_old_wish_is_looked_up_all_the_same(academy):
    _, grant = changed_meanwhile(academy, RetryLater("the site is slow", unclear=True))
    assert grant.look_first


def test_an_event_after_an_unclear_answer_waits_for_what_the_site_may_still_be_at_work_on(academy):
    deliver(MONTHLY)
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    slow = RetryLater("no answer in time", after=30.0, unclear=True)
    write_outcome(claim, Ensured(slow), [], lane.site, lane.state_lock)

    deliver(rebill(str(DUE), index=2, frequency=MONTH))

    assert Member.objects.get().due_at > timezone.now() + timedelta(seconds=20)


def test_what_the_owner_ended_by_hand_stays_ended_although_a_worker_died_over_it(academy):
    deliver(MONTHLY, delivery=900_005)
    run()
    [row] = complete(academy)
    owner(academy, "PUT", f"/transactions/{row['id']}", {"status": "refunded"})
    deliver(DUE_LATER, delivery=900_005)
    assert lanes._claim(lanes._take_over("academy"))  # and here the worker died

    run()
    make_due()
    run()

    assert by_email(academy) == {"nora@buyers.test": {}}
    assert Member.objects.get().state == MemberState.ATTENTION


def test_trouble_that_the_owner_mended_is_over_once_the_old_wish_is_back(academy):
    deliver(MONTHLY, delivery=900_006)
    run()
    [row] = complete(academy)
    owner(academy, "PUT", f"/transactions/{row['id']}", {"status": "refunded"})
    deliver(DUE_LATER, delivery=900_006)
    run()
    assert Member.objects.get().state == MemberState.ATTENTION
    owner(academy, "PUT", f"/transactions/{row['id']}", {"status": "complete"})

    deliver(MONTHLY, delivery=900_006)
    run()

    assert (Member.objects.get().state, Grant.objects.get().state) == (MemberState.IDLE, GrantState.RIGHT)


def test_a_copy_of_a_transaction_ends_with_the_grant(academy):
    deliver(MONTHLY)
    run()
    [row] = complete(academy)
    copied = {"member": row["user_id"], "membership": 8, "trans_num": row["trans_num"], "status": "complete"}
    owner(academy, "POST", "/transactions", copied)

    deliver(event(Refunded, str(TODAY), amount_minor=2900))
    run()

    assert by_email(academy) == {"nora@buyers.test": {}}


def test_who_signed_up_by_themselves_with_the_address_of_a_member_who_is_gone_is_not_renamed(academy):
    Site.objects.update(on_email_change="follow")
    deliver(MONTHLY)
    run()
    [row] = complete(academy)
    owner(academy, "DELETE", f"/members/{row['user_id']}")
    owner(academy, "POST", "/members", {"email": "nora@buyers.test", "username": "nora-wilson"})
    deliver(rebill(str(TODAY), index=2, next_due_at=str(DUE)))
    run()
    assert by_email(academy)["nora@buyers.test"]
    assert not Member.objects.get().made_by_us


def test_a_grant_changed_back_to_what_was_confirmed_is_proved_again(academy):
    deliver(MONTHLY, delivery=900_004)
    run()
    deliver(DUE_LATER, delivery=900_004)
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    deliver(MONTHLY, delivery=900_004)
    lanes._settle(lane, claim)

    assert Grant.objects.get().state == GrantState.DUE
    run()
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert len(academy.state()["transactions"]) == 1


def test_what_a_dead_worker_left_is_looked_up_later_the_slower_the_site_writes(academy):
    deliver(MONTHLY)
    run()
    SiteRequest.objects.filter(method="POST").update(milliseconds=20_000)
    SiteRequest.objects.filter(method="GET").update(milliseconds=60_000)
    deliver(rebill(str(DUE), index=2, frequency=MONTH))
    lanes._claim(lanes._take_over("academy"))  # and here the worker died

    lanes._take_over("academy")

    wait = Member.objects.get().due_at - timezone.now()
    assert timedelta(seconds=35) < wait <= timedelta(seconds=40)


def test_a_site_that_answers_the_look_but_not_the_work_is_asked_less_and_less_often(academy):
    academy.switch(faults=[{"match": "POST /members", "kind": "status:429", "times": None, "retry_after": 0}])
    deliver(MONTHLY)
    waits = []
    for _ in range(4):
        run()
        waits.append(round((Site.objects.get().probe_at - timezone.now()).total_seconds()))
        make_due()
    assert waits == [5, 10, 30, 60]

    academy.switch(faults=[])
    run()
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
    assert Site.objects.get().probes == 0


def test_a_site_that_was_down_is_looked_at_although_nobody_waits(academy):
    Site.objects.update(state="down", reason="It was away.", remedy="Wait.", probes=3, probe_at=timezone.now())
    assert sites_with_work() == ["academy"]
    run()

    site = Site.objects.get()
    assert (site.state, site.reason, site.remedy, site.probe_at, site.probes) == ("ok", "", "", None, 0)
    assert sites_with_work() == []


def test_levels_that_cannot_be_read_pause_the_site_once_not_again_and_again(academy):
    Site.objects.update(levels=[], levels_read_at=None)
    academy.switch(faults=[{"match": "GET /memberships", "kind": "html_500", "times": None}])
    deliver(MONTHLY)
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            tasks.lane("academy")
            make_due()
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == ["site_down"]

    academy.switch(faults=[])
    tasks.lane("academy")
    assert by_email(academy) == {"nora@buyers.test": {8: UNTIL}}
