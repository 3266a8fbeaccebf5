"""Whatever goes wrong between Guestlist and a MemberPress site: in the end one user, and one transaction per charge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from driver import Driver
from memberpress_environment import MemberPressEnvironment

from guestlist.sandbox.site.server import SandboxSite
from guestlist.sites.contract import (
    AlreadyRight,
    Done,
    HoldingsPage,
    NeedsAttention,
    Outcome,
    Person,
    RetryLater,
    Wanted,
    WantedGrant,
)
from guestlist.sites.memberpress.health import STILL_WORKING_SECONDS

SOON = datetime.now(UTC).date() + timedelta(days=40)
LATER = SOON + timedelta(days=30)
EMAIL = "ann@x.test"
_refs = count(1)

# Where the site may have done the work although its answer does not say so.
UNCLEAR = [
    "close_after_work",
    "close_before_work",
    "hang",
    "hang_after_work",
    "html_200",
    "html_200_after_work",
    "html_500",
    "html_500_after_work",
    "truncated_json_after_work",
    "huge",
    "status:502",
    "status:524",
]
CLEAR = ["status:429", "status:403", "redirect:https://elsewhere.example/"]
STEPS = ["POST /members", "POST /transactions", "PUT /transactions"]


def grant(level: str, until_on: date | None = SOON, **fields: object) -> WantedGrant:
    wanted = WantedGrant(
        ref=f"gl-{next(_refs):04d}-f",
        level=level,
        until_on=until_on,
        live=True,
        amount_minor=2900,
        total_minor=2900,
        currency="USD",
        charged_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    )
    return replace(wanted, **fields)  # type: ignore[arg-type]


def at_step(environment: MemberPressEnvironment, step: str) -> Driver:
    """A driver whose next requests come to the step."""
    wanted = (grant(environment.level), grant(environment.other_level))
    if step == "POST /members":
        return Driver.of(environment.open(), EMAIL, *wanted)
    if step == "POST /transactions":
        environment.add_member(EMAIL)
        return Driver.of(environment.open(), EMAIL, *wanted)
    driver = Driver.of(environment.open(), EMAIL, *(replace(each, until_on=LATER) for each in wanted))
    driver.run()
    driver.want(*wanted)
    return driver


def assert_all_is_right_once(environment: MemberPressEnvironment, driver: Driver, *others: str) -> None:
    """Nothing but what the driver wants, and the references of others, is live."""
    [member] = [each for each in environment.members() if each.email == EMAIL]
    seen = [each for each in environment.grants() if each.live and each.ref not in others]
    live = [(each.ref, each.member, each.level, each.until_on) for each in seen]
    assert sorted(live) == [(each.ref, member.id, each.level, SOON) for each in driver.wanted.grants]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", UNCLEAR + CLEAR)
def test_after_any_fault_of_a_write_each_thing_is_there_once(
    memberpress: MemberPressEnvironment, step: str, kind: str
) -> None:
    driver = at_step(memberpress, step)
    memberpress.switch(faults=[{"match": step, "kind": kind}])
    driver.run()
    assert_all_is_right_once(memberpress, driver)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["close_after_work", "html_200_after_work", "html_500_after_work"])
def test_a_fault_that_comes_again_and_again_adds_nothing(
    memberpress: MemberPressEnvironment, step: str, kind: str
) -> None:
    driver = at_step(memberpress, step)
    memberpress.switch(faults=[{"match": step, "kind": kind, "times": 3}])
    driver.run(most=12)
    assert_all_is_right_once(memberpress, driver)


@pytest.mark.parametrize("kind", UNCLEAR)
def test_a_write_that_ended_unclear_is_not_repeated_in_the_same_call(
    memberpress: MemberPressEnvironment, kind: str
) -> None:
    for step in STEPS[:2]:
        driver = at_step(memberpress, step)
        driver.wanted = replace(driver.wanted, grants=driver.wanted.grants[:1])
        memberpress.switch(faults=[{"match": step, "kind": kind}])
        route = step.partition(" ")[2]
        before = len(memberpress.bodies("POST", route))
        driver.step()
        assert len(memberpress.bodies("POST", route)) == before + 1
        memberpress.server.reset(memberpress.name)


@pytest.mark.parametrize("kind", UNCLEAR)
def test_an_unclear_transaction_is_reported_as_unclear(memberpress: MemberPressEnvironment, kind: str) -> None:
    driver = at_step(memberpress, "POST /transactions")
    memberpress.switch(faults=[{"match": "POST /transactions", "kind": kind}])
    outcome = driver.step().grants[driver.wanted.grants[0].ref]
    assert isinstance(outcome, RetryLater)
    assert outcome.unclear


@pytest.mark.parametrize("kind", CLEAR)
def test_a_transaction_that_was_clearly_not_made_is_not_reported_as_unclear(
    memberpress: MemberPressEnvironment, kind: str
) -> None:
    driver = at_step(memberpress, "POST /transactions")
    memberpress.switch(faults=[{"match": "POST /transactions", "kind": kind}])
    outcome = driver.step().grants[driver.wanted.grants[0].ref]
    assert isinstance(outcome, NeedsAttention) or (isinstance(outcome, RetryLater) and not outcome.unclear)


@pytest.mark.parametrize("step", ["GET /members", "GET /transactions"])
@pytest.mark.parametrize("kind", [*UNCLEAR, *CLEAR])
def test_after_any_fault_of_a_search_each_thing_is_there_once(
    memberpress: MemberPressEnvironment, step: str, kind: str
) -> None:
    driver = at_step(memberpress, "POST /members")
    driver.wanted = replace(
        driver.wanted, grants=tuple(replace(each, look_first=True) for each in driver.wanted.grants)
    )
    memberpress.switch(faults=[{"match": step, "kind": kind}])
    driver.run()
    assert_all_is_right_once(memberpress, driver)


def test_a_member_found_after_an_unclear_answer_counts_as_made_by_us(memberpress: MemberPressEnvironment) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant(memberpress.level, welcome="new"))
    memberpress.switch(faults=[{"match": "POST /members", "kind": "close_after_work"}])
    ensured = driver.step()
    [member] = [each for each in memberpress.members() if each.email == EMAIL]
    assert ensured.member == Done(member.id)
    assert memberpress.mails(EMAIL) == ["password", "welcome"]


def test_a_member_that_somebody_else_made_in_the_meantime_does_not_count_as_made_by_us(
    memberpress: MemberPressEnvironment,
) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant(memberpress.level, welcome="new"))
    memberpress.switch(faults=[{"match": "POST /members", "kind": "close_before_work"}])
    assert driver.step().member == RetryLater(
        "The site broke the answer off: Server disconnected without sending a response.", unclear=True
    )
    member = memberpress.add_member(EMAIL)
    assert driver.step().member == AlreadyRight(member)
    assert memberpress.mails(EMAIL) == []


def test_a_welcome_mail_that_was_not_sent_is_sent_with_the_second_attempt(memberpress: MemberPressEnvironment) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant(memberpress.level, welcome="new"))
    memberpress.switch(faults=[{"match": "POST /transactions", "kind": "close_before_work"}])
    driver.run()
    assert memberpress.mails(EMAIL) == ["password", "welcome"]


def test_an_answer_with_another_members_id_does_not_give_access_to_anybody_else(
    memberpress: MemberPressEnvironment,
) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant(memberpress.level))
    memberpress.switch(faults=[{"match": "POST /members", "kind": "wrong_id"}])
    driver.run()
    assert_all_is_right_once(memberpress, driver)
    assert driver.wanted.made_by_us


def test_a_wrong_id_in_the_answer_does_not_keep_access_from_ending(memberpress: MemberPressEnvironment) -> None:
    wanted = grant(memberpress.level)
    driver = Driver.of(memberpress.open(), EMAIL, wanted)
    memberpress.switch(faults=[{"match": "POST /transactions", "kind": "wrong_id"}])
    driver.run()
    driver.want(replace(wanted, live=False))
    driver.run()
    assert memberpress.access(EMAIL) == {}


def test_a_change_that_is_confirmed_for_another_id_is_not_believed(memberpress: MemberPressEnvironment) -> None:
    driver = at_step(memberpress, "PUT /transactions")
    memberpress.switch(faults=[{"match": "PUT /transactions", "kind": "wrong_id"}])
    outcome = driver.step().grants[driver.wanted.grants[0].ref]
    assert isinstance(outcome, RetryLater)
    assert outcome.unclear
    driver.run()
    assert_all_is_right_once(memberpress, driver)


@pytest.mark.parametrize("down", ["refuse", "hang", "maintenance", "database"])
def test_a_site_that_is_down_costs_two_requests_and_no_harm(memberpress: MemberPressEnvironment, down: str) -> None:
    driver = at_step(memberpress, "POST /transactions")
    memberpress.switch(down=down)
    before = memberpress.requests()
    ensured = driver.step()
    assert memberpress.requests() <= before + 2
    assert isinstance(ensured.member, RetryLater)
    assert ensured.member.site_down
    assert not ensured.member.unclear
    assert ensured.member.after == (600 if down == "maintenance" else None)
    assert ensured.grants == {}
    memberpress.switch(down=None)
    driver.run()
    assert_all_is_right_once(memberpress, driver)


def test_a_site_that_asks_for_patience_is_given_it(memberpress: MemberPressEnvironment) -> None:
    driver = at_step(memberpress, "POST /transactions")
    memberpress.switch(faults=[{"match": "POST /transactions", "kind": "status:429", "retry_after": 17}])
    ensured = driver.step()
    assert ensured.grants == {
        driver.wanted.grants[0].ref: RetryLater(
            "The site asks for fewer requests (429).", after=17, site_down=True, unclear=False
        )
    }


@pytest.mark.parametrize("kind", ["html_500", "status:502", "status:403", "status:406", "close_before_work", "hang"])
def test_what_the_site_does_to_one_member_only_does_not_stop_the_others(
    memberpress: MemberPressEnvironment, kind: str
) -> None:
    # A plugin that crashes over one member's name, a firewall that does not like it.
    memberpress.switch(faults=[{"match": "POST /members", "kind": kind, "times": None}])
    outcome = at_step(memberpress, "POST /members").step().member
    assert not concerns_site(outcome)
    memberpress.switch(faults=[{"match": "* /", "kind": kind, "times": None}])
    assert concerns_site(at_step(memberpress, "POST /members").step().member)


def concerns_site(outcome: Outcome) -> bool:
    return getattr(outcome, "site_down", False) or getattr(outcome, "site_wide", False)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        *((step, kind) for step in ("GET /members", *STEPS) for kind in ("hang", "close_before_work")),
        # A member who was made all the same is found at once.
        *((step, kind) for step in ("GET /members", *STEPS[1:]) for kind in ("hang_after_work", "huge")),
    ],
)
def test_what_hangs_or_breaks_for_one_member_is_that_members_trouble_alone(
    memberpress: MemberPressEnvironment, step: str, kind: str
) -> None:
    driver = at_step(memberpress, "POST /members" if step == "GET /members" else step)
    memberpress.switch(faults=[{"match": step, "kind": kind, "times": None, "email": EMAIL}])
    ensured = driver.step()
    trouble = next((o for o in (ensured.member, *ensured.grants.values()) if isinstance(o, RetryLater)), None)
    assert trouble is not None
    assert not trouble.site_down
    changing = step in STEPS
    assert trouble.unclear is changing
    # What a site still works on after a timeout is not there yet.
    assert trouble.after == (STILL_WORKING_SECONDS if changing and kind.startswith("hang") else None)
    other = Driver.of(driver.site, "bob@x.test", grant(memberpress.level))
    other.run(most=1)
    assert memberpress.access("bob@x.test") == {memberpress.level: SOON}
    memberpress.switch(faults=[])
    driver.run()
    assert_all_is_right_once(memberpress, driver, other.wanted.grants[0].ref)


@pytest.mark.parametrize("down", ["hang", "refuse"])
def test_a_site_that_hangs_for_everybody_is_down(memberpress: MemberPressEnvironment, down: str) -> None:
    for step in ("POST /members", "POST /transactions"):
        driver = at_step(memberpress, step)
        memberpress.switch(down=down)
        assert concerns_site(driver.step().member)
        memberpress.server.reset(memberpress.name)


@pytest.mark.parametrize("with_key", [True, False])
def test_a_cache_that_keeps_answers_does_not_make_a_charge_twice(sandbox: SandboxSite, with_key: bool) -> None:
    environment = MemberPressEnvironment(sandbox, f"cache-{next(_refs)}", with_key=with_key)
    driver = at_step(environment, "POST /transactions")
    environment.switch(
        faults=[
            {"match": "POST /transactions", "kind": "close_after_work"},
            {"match": "GET /", "kind": "old_answer", "times": None},
        ]
    )
    driver.wanted = replace(
        driver.wanted, grants=tuple(replace(each, look_first=True) for each in driver.wanted.grants)
    )
    driver.run()
    assert_all_is_right_once(environment, driver)
    environment.close()


def test_a_cache_that_does_not_look_at_the_query_is_told_and_makes_no_charge_twice(
    memberpress: MemberPressEnvironment,
) -> None:
    driver = at_step(memberpress, "POST /transactions")
    memberpress.switch(
        faults=[
            {"match": "POST /transactions", "kind": "close_after_work"},
            {"match": "GET /", "kind": "old_answer:route", "times": None},
        ]
    )
    assert isinstance(driver.site.holdings(), HoldingsPage)  # the cache keeps this
    for _ in range(3):
        driver.step()
    outcome = driver.site.check()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide
    assert "cache" in outcome.reason
    assert "/wp-json/" in outcome.remedy
    memberpress.switch(faults=[])
    driver.run()
    assert_all_is_right_once(memberpress, driver)


def follower(environment: MemberPressEnvironment) -> Driver:
    """A driver that wants a known member's address to follow, and one more grant."""
    driver = Driver.of(environment.open(), EMAIL, grant(environment.level))
    driver.run()
    driver.want_address("lee@y.test")
    driver.want(grant(environment.level, LATER))
    return driver


@pytest.mark.parametrize("kind", UNCLEAR)
def test_an_address_whose_change_ended_unclear_keeps_nothing_waiting_and_follows_later(
    memberpress: MemberPressEnvironment, kind: str
) -> None:
    driver = follower(memberpress)
    memberpress.switch(faults=[{"match": "PUT /members", "kind": kind}])
    ensured = driver.step()
    assert isinstance(ensured.member, RetryLater)
    assert ensured.member.unclear
    assert not ensured.email_settled
    assert [type(outcome) for outcome in ensured.grants.values()] == [Done]
    assert ensured.alerts == ()
    ensured = driver.step()
    assert ensured.email_settled
    assert isinstance(ensured.member, AlreadyRight)
    assert memberpress.access("lee@y.test") == {memberpress.level: LATER}
    assert memberpress.mails(EMAIL) == ["password", "change"]
    assert len(memberpress.grants()) == 2


def test_a_firewall_that_does_not_like_the_change_of_an_address_is_told(memberpress: MemberPressEnvironment) -> None:
    driver = follower(memberpress)
    memberpress.switch(faults=[{"match": "* /members", "kind": "status:403", "times": None}])
    ensured = driver.step()
    assert ensured.email_settled
    assert "firewall" in ensured.alerts[0]
    assert memberpress.access(EMAIL) == {memberpress.level: LATER}


def test_while_the_site_is_down_no_address_is_given_up(memberpress: MemberPressEnvironment) -> None:
    driver = follower(memberpress)
    memberpress.switch(down="maintenance")
    ensured = driver.step()
    assert isinstance(ensured.member, RetryLater)
    assert ensured.member.site_down
    assert (ensured.email_settled, ensured.grants) == (False, {})


def test_a_user_whom_guestlist_did_not_make_keeps_the_address(memberpress: MemberPressEnvironment) -> None:
    member = memberpress.add_member(EMAIL, "the-boss")
    person = Person("attacker@x.test", "Ann", "Lee", remote_id=member)
    wanted = Wanted(person=person, grants=(grant(memberpress.level),), change_email=True)
    ensured = Driver(memberpress.open(), wanted).step()
    assert ensured.email_settled
    assert "Guestlist did not make this user" in ensured.alerts[0]
    assert memberpress.access(EMAIL) == {memberpress.level: SOON}
