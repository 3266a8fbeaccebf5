"""What Guestlist says to a MemberPress site, how often, and how it finds its way there."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import count
from urllib.parse import parse_qs

import pytest
from driver import Driver
from memberpress_environment import MemberPressEnvironment

from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.periods import Period, Unit
from guestlist.domain.terms import FOREVER, Level, LevelTerms
from guestlist.sandbox.site.server import SandboxSite
from guestlist.sites.contract import AlreadyRight, Connection, Levels, NeedsAttention, RetryLater, WantedGrant
from guestlist.sites.memberpress import PLATFORM

SOON = datetime.now(UTC).date() + timedelta(days=40)
EMAIL = "ann@x.test"
_refs = count(1)
_names = count(1)


def grant(level: str = "8", until_on: date | None = SOON, **fields: object) -> WantedGrant:
    wanted = WantedGrant(
        ref=f"gl-{next(_refs):04d}-s",
        level=level,
        until_on=until_on,
        live=True,
        amount_minor=2900,
        total_minor=2900,
        currency="USD",
        charged_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    )
    return replace(wanted, **fields)  # type: ignore[arg-type]


def test_a_new_customer_with_one_level_is_three_requests(memberpress: MemberPressEnvironment) -> None:
    Driver.of(memberpress.open(), EMAIL, grant()).step()
    assert memberpress.seen() == [("GET", "/members"), ("POST", "/members"), ("POST", "/transactions")]


def test_a_rebill_of_a_known_member_is_one_request(memberpress: MemberPressEnvironment) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant())
    driver.step()
    driver.want(grant())
    driver.step()
    assert memberpress.seen()[3:] == [("POST", "/transactions")]


def test_a_member_who_is_there_already_is_two_requests(memberpress: MemberPressEnvironment) -> None:
    memberpress.add_member(EMAIL)
    Driver.of(memberpress.open(), EMAIL, grant()).step()
    assert memberpress.seen() == [("GET", "/members"), ("POST", "/transactions")]


@pytest.mark.parametrize("change", [{"live": False}, {"until_on": None}])
def test_a_change_is_a_look_and_one_write_of_what_changes(
    memberpress: MemberPressEnvironment, change: dict[str, object]
) -> None:
    wanted = grant()
    driver = Driver.of(memberpress.open(), EMAIL, wanted)
    driver.step()
    driver.want(replace(wanted, **change))  # type: ignore[arg-type]
    driver.step()
    # What ends is looked for by its reference, so that a copy of it ends as well.
    look = "/transactions" if "live" in change else "/transactions/1"
    assert memberpress.seen()[3:] == [("GET", look), ("PUT", "/transactions/1")]
    [sent] = memberpress.bodies("PUT", "/transactions/1")
    expected = {"status": "refunded"} if "live" in change else {"expires_at": "0000-00-00 00:00:00"}
    assert json.loads(sent) == expected


def test_what_is_sent_for_a_new_member(memberpress: MemberPressEnvironment) -> None:
    Driver.of(memberpress.open(), "Jo+Tag@x.test", grant()).step()
    [sent] = memberpress.bodies("POST", "/members")
    body = json.loads(sent)
    assert body.pop("username").startswith("jotag-")
    assert body == {"email": "Jo+Tag@x.test", "first_name": "Ann", "last_name": "Lee", "send_password_email": True}


def test_no_mail_is_asked_for_by_leaving_its_field_out(memberpress: MemberPressEnvironment) -> None:
    Driver.of(memberpress.open(), EMAIL, grant(), send_password=False).step()
    assert "send" not in memberpress.bodies("POST", "/members")[0]
    assert "send" not in memberpress.bodies("POST", "/transactions")[0]


def test_what_is_sent_for_a_charge(memberpress: MemberPressEnvironment) -> None:
    tokyo = timezone(timedelta(hours=9))
    wanted = grant(
        amount_minor=2900, total_minor=3451, currency="EUR", charged_at=datetime(2026, 11, 23, 1, 30, tzinfo=tokyo)
    )
    Driver.of(memberpress.open(), EMAIL, wanted).step()
    [sent] = memberpress.bodies("POST", "/transactions")
    assert json.loads(sent) == {
        "member": 3,
        "membership": 8,
        "trans_num": wanted.ref,
        "status": "complete",
        "gateway": "manual",
        "amount": "29.00",
        "total": "34.51",
        "tax_amount": "5.51",
        "created_at": "2026-11-22 16:30:00",
        "expires_at": f"{SOON} 23:59:59",
    }


@pytest.mark.parametrize(
    ("welcome", "there_already", "flags"),
    [
        ("new", False, [True, False]),
        ("new", True, [False, False]),
        ("always", True, [True, True]),
        ("never", False, [False, False]),
    ],
)
def test_a_new_members_first_transaction_asks_for_the_welcome_mail_and_each_that_always_does(
    memberpress: MemberPressEnvironment, welcome: str, there_already: bool, flags: list[bool]
) -> None:
    # A membership with a welcome mail of its own sends it each time that it is asked to.
    memberpress.change_level("8", own_welcome_mail=True)
    memberpress.change_level("9", own_welcome_mail=True)
    if there_already:
        memberpress.add_member(EMAIL)
    Driver.of(memberpress.open(), EMAIL, grant("8", welcome=welcome), grant("9", welcome=welcome)).step()
    sent = [json.loads(body) for body in memberpress.bodies("POST", "/transactions")]
    assert [body.get("send_welcome_email", False) for body in sent] == flags


def test_a_transaction_that_was_moved_to_somebody_else_is_ended_and_made_for_the_member(
    memberpress: MemberPressEnvironment,
) -> None:
    wanted = grant()
    driver = Driver.of(memberpress.open(), EMAIL, wanted)
    driver.run()
    other = memberpress.add_member("bob@x.test")
    memberpress.change_grant("1", member=other)
    driver.want(replace(wanted, until_on=None))
    driver.run()
    assert memberpress.access("bob@x.test") == {}
    assert memberpress.access(EMAIL) == {"8": None}


def test_a_transaction_that_was_moved_to_another_level_by_hand_is_left_alone(
    memberpress: MemberPressEnvironment,
) -> None:
    wanted = grant()
    driver = Driver.of(memberpress.open(), EMAIL, wanted)
    driver.run()
    memberpress.change_grant("1", membership="10")
    driver.want(replace(wanted, until_on=None))
    outcome = driver.step().grants[wanted.ref]
    assert isinstance(outcome, NeedsAttention)
    assert memberpress.access(EMAIL) == {"10": SOON}


def test_a_look_for_the_member_is_made_for_no_grant_in_particular(memberpress: MemberPressEnvironment) -> None:
    driver = Driver.of(memberpress.open(), EMAIL, grant())
    driver.run()
    memberpress.delete_member("3")
    driver.want(grant())
    driver.attempts.clear()
    driver.run()
    about = {attempt.path.split("/v1/")[1][:7]: attempt.ref for attempt in driver.attempts}
    assert about == {"members": "", "transac": driver.wanted.grants[0].ref}


def test_the_levels_of_the_site_with_their_terms(memberpress: MemberPressEnvironment) -> None:
    assert memberpress.open().levels() == Levels(
        (
            Level("11", "Season pass", LevelTerms(until_on=date(datetime.now(UTC).year + 1, 12, 31))),
            Level("10", "Lifetime", FOREVER),
            Level("9", "Silver yearly", LevelTerms(period=Period(1, Unit.YEARS))),
            Level("8", "Gold monthly", LevelTerms(period=Period(1, Unit.MONTHS))),
        )
    )


def test_a_level_that_is_trashed_is_not_listed(memberpress: MemberPressEnvironment) -> None:
    memberpress.retire_level("9")
    read = memberpress.open().levels()
    assert isinstance(read, Levels)
    assert [level.id for level in read.levels] == ["11", "10", "8"]


def test_reads_with_the_key_cannot_come_from_a_cache(memberpress: MemberPressEnvironment) -> None:
    site = memberpress.open()
    site.check()
    site.check()
    queries = [parse_qs(each["query"]) for each in memberpress.server.requests(memberpress.name)]
    assert len({query["_"][0] for query in queries}) == 2


def test_the_search_is_encoded_and_compares_exactly(memberpress: MemberPressEnvironment) -> None:
    Driver.of(memberpress.open(), "Jo+Tag@x.test", grant()).step()
    query = memberpress.server.requests(memberpress.name)[0]["query"]
    assert "search=jo%2Btag%40x.test&per_page=100&page=1" in query


class TestPlainPermalinks:
    """The pretty address of the REST API leads nowhere, and says so with a redirect or the blog's front page."""

    @pytest.fixture
    def plain(self, sandbox: SandboxSite) -> MemberPressEnvironment:
        return MemberPressEnvironment(sandbox, f"plain-{next(_names)}", plain=True)

    def test_the_other_address_is_found_by_one_look_and_remembered(self, plain: MemberPressEnvironment) -> None:
        site = plain.open()
        assert isinstance(site.check(), AlreadyRight)
        assert plain.requests() == 3
        assert isinstance(site.check(), AlreadyRight)
        assert plain.requests() == 4
        site.close()

    def test_a_site_opened_later_knows_it_too(self, plain: MemberPressEnvironment) -> None:
        first = plain.open()
        first.check()
        before = plain.requests()
        second = plain.open()
        assert isinstance(second.check(), AlreadyRight)
        assert plain.requests() == before + 1
        plain.close()

    def test_a_new_customer_is_served(self, plain: MemberPressEnvironment) -> None:
        Driver.of(plain.open(), EMAIL, grant()).step()
        assert plain.access(EMAIL) == {"8": SOON}
        assert plain.writes() == 2
        plain.close()

    def test_several_threads_may_find_it_at_once(self, plain: MemberPressEnvironment) -> None:
        plain.switch(latency_ms=20)
        site = plain.open()
        with ThreadPoolExecutor(8) as pool:
            outcomes = list(pool.map(lambda _: site.check(), range(8)))
        assert {type(outcome) for outcome in outcomes} == {AlreadyRight}
        plain.close()

    def test_permalinks_that_change_while_the_site_is_open_do_no_harm(self, plain: MemberPressEnvironment) -> None:
        plain.switch(plain_permalinks=False)
        driver = Driver.of(plain.open(), EMAIL, grant())
        driver.run()
        plain.switch(plain_permalinks=True)
        driver.want(grant())
        # The front page says nothing about whether the transaction was made.
        outcome = next(iter(driver.step().grants.values()))
        assert isinstance(outcome, RetryLater)
        assert outcome.unclear
        driver.run()
        assert len(plain.grants()) == 2
        plain.close()


class TestHealth:
    """Each way in which a site can be out of order, told to its owner with what to do about it."""

    def test_a_wrong_key(self, memberpress: MemberPressEnvironment) -> None:
        memberpress.switch(key="AnotherKey")
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert "401" in outcome.reason
        assert "API key" in outcome.remedy
        assert "header" in outcome.remedy

    def test_a_key_that_does_not_look_like_one_is_said_to(self, memberpress: MemberPressEnvironment) -> None:
        connection = replace(memberpress.connection(), credentials={"api_key": "much-too-long-for-a-key"})
        site = PLATFORM.open(connection)
        outcome = site.check()
        site.close()
        assert isinstance(outcome, NeedsAttention)
        assert "10 letters and digits" in outcome.remedy

    def test_a_header_that_the_host_strips(self, sandbox: SandboxSite) -> None:
        environment = MemberPressEnvironment(sandbox, f"stripped-{next(_names)}", with_key=False)
        environment.switch(strip_authorization=True)
        outcome = environment.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert "Authorization" in outcome.remedy
        assert "enter the API key instead" in outcome.remedy
        environment.close()

    @pytest.mark.parametrize("plain_permalinks", [False, True])
    def test_application_passwords_that_are_switched_off(self, sandbox: SandboxSite, plain_permalinks: bool) -> None:
        environment = MemberPressEnvironment(sandbox, f"without-passwords-{next(_names)}", with_key=False)
        environment.switch(application_passwords=False, plain_permalinks=plain_permalinks)
        site = environment.open()
        outcome = site.check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.help is HelpTopic.APPLICATION_PASSWORDS_DISABLED
        assert "Enter the API key instead" in outcome.remedy
        environment.switch(application_passwords=True)
        assert isinstance(site.check(), AlreadyRight)
        environment.close()

    @pytest.mark.parametrize(
        ("switches", "topic"),
        [
            ({"key": "AnotherKey"}, HelpTopic.WRONG_CREDENTIALS),
            ({"plugin_active": False}, HelpTopic.DEVELOPER_TOOLS_MISSING),
            ({"faults": [{"match": "* /", "kind": "status:403", "times": None}]}, HelpTopic.REST_BLOCKED),
            ({"faults": [{"match": "* /", "kind": "status:404", "times": None}]}, HelpTopic.REST_BLOCKED),
            ({"faults": [{"match": "* /", "kind": "html_200", "times": None}]}, HelpTopic.PERMALINKS_PLAIN),
            (
                {"faults": [{"match": "* /", "kind": "redirect:https://moved.example/", "times": None}]},
                HelpTopic.SITE_UNREACHABLE,
            ),
        ],
    )
    def test_each_trouble_names_its_page_of_help(
        self, memberpress: MemberPressEnvironment, switches: dict[str, object], topic: HelpTopic
    ) -> None:
        memberpress.switch(**switches)
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.help is topic

    def test_a_login_password_instead_of_an_application_password(self, memberpress: MemberPressEnvironment) -> None:
        credentials = {"username": "admin", "application_password": "admin-login"}
        site = PLATFORM.open(replace(memberpress.connection(), credentials=credentials))
        outcome = site.check()
        assert isinstance(outcome, NeedsAttention)
        assert "login password does not work" in outcome.remedy
        site.close()

    def test_a_user_who_may_not_manage_members(self, memberpress: MemberPressEnvironment) -> None:
        editor = memberpress.server.options.editor_password
        credentials = {"username": "editor", "application_password": editor}
        site = PLATFORM.open(replace(memberpress.connection(), credentials=credentials))
        outcome = site.check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert "403" in outcome.reason
        assert "remove_users" in outcome.remedy
        site.close()

    def test_a_plugin_that_is_off(self, memberpress: MemberPressEnvironment) -> None:
        memberpress.switch(plugin_active=False)
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert "Developer Tools" in outcome.remedy

    def test_an_address_where_there_is_no_wordpress(self, memberpress: MemberPressEnvironment) -> None:
        memberpress.switch(faults=[{"match": "* /", "kind": "status:404", "times": None}])
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert "address" in outcome.remedy

    def test_a_web_page_in_front_of_the_site(self, memberpress: MemberPressEnvironment) -> None:
        memberpress.switch(faults=[{"match": "* /", "kind": "html_200", "times": None}])
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert "Just a moment" in outcome.reason
        assert "cache" in outcome.remedy

    def test_a_site_that_moved(self, memberpress: MemberPressEnvironment) -> None:
        target = "https://www.moved.example/academy/wp-json/mp/v1/me"
        memberpress.switch(faults=[{"match": "* /", "kind": f"redirect:{target}", "times": None}])
        outcome = memberpress.open().check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide
        assert outcome.remedy == "Enter https://www.moved.example/academy as the site's address."

    @pytest.mark.parametrize(
        ("down", "words", "after"),
        [("maintenance", "maintenance", 600), ("database", "database", None), ("refuse", "answer", None)],
    )
    def test_a_site_that_is_down(
        self, memberpress: MemberPressEnvironment, down: str, words: str, after: float | None
    ) -> None:
        memberpress.switch(down=down)
        outcome = memberpress.open().check()
        assert isinstance(outcome, RetryLater)
        assert (outcome.site_down, outcome.after) == (True, after)
        assert words in outcome.reason
        memberpress.switch(down=None)
        assert isinstance(memberpress.open().check(), AlreadyRight)

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 520, 524])
    def test_statuses_that_pass_by_themselves(self, memberpress: MemberPressEnvironment, status: int) -> None:
        memberpress.switch(faults=[{"match": "* /", "kind": f"status:{status}", "times": None}])
        outcome = memberpress.open().check()
        assert isinstance(outcome, RetryLater)
        assert outcome.site_down
        assert str(status) in outcome.reason

    def test_an_address_that_is_none(self) -> None:
        outcome = PLATFORM.open(Connection(url="academy", credentials={"api_key": "Ab3dE6gH9k"})).check()
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide

    def test_what_the_site_refuses_is_told_in_its_own_words_without_its_paths(
        self, memberpress: MemberPressEnvironment
    ) -> None:
        outcome = Driver.of(memberpress.open(), "zoë@x.test", grant()).step().member
        assert isinstance(outcome, NeedsAttention)
        assert "user_email (zoë@x.test) must be a valid email" in outcome.reason
        assert "/srv/www" not in outcome.reason
        assert "#0" not in outcome.reason
