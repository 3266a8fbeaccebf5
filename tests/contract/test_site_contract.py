"""What every platform's adapter must do, whatever the site behind it."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from driver import Driver, settled
from environments import Environment, SeenGrant

from guestlist.sites.contract import (
    AlreadyRight,
    Attempt,
    ClaimLost,
    Done,
    Holding,
    HoldingsPage,
    Levels,
    NeedsAttention,
    Person,
    RetryLater,
    Site,
    Wanted,
    WantedGrant,
)

SOON = datetime.now(UTC).date() + timedelta(days=40)
LATER = SOON + timedelta(days=30)
_refs = count(1)


def grant(level: str, until_on: date | None = SOON, **fields: object) -> WantedGrant:
    wanted = WantedGrant(
        ref=_ref(),
        level=level,
        until_on=until_on,
        live=True,
        amount_minor=2900,
        total_minor=2900,
        currency="USD",
        charged_at=datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
    )
    return replace(wanted, **fields)  # type: ignore[arg-type]


def _ref() -> str:
    number = next(_refs)
    return f"gl-{number}-{number:024x}"


def only_grant(environment: Environment) -> SeenGrant:
    [seen] = environment.grants()
    return seen


def ids_of(environment: Environment, email: str) -> list[str]:
    return [member.id for member in environment.members() if member.email.lower() == email.lower()]


def test_a_site_in_order_is_found_in_order(environment: Environment) -> None:
    attempts: list[Attempt] = []
    assert isinstance(environment.open(attempts.append).check(), AlreadyRight)
    assert len(attempts) == environment.requests()


def test_credentials_that_work_have_no_problems_and_none_at_all_do(environment: Environment) -> None:
    assert environment.platform.check_credentials(environment.connection().credentials) == {}
    assert environment.platform.check_credentials({}) != {}


def test_levels_are_read_with_their_terms(environment: Environment) -> None:
    read = environment.open().levels()
    assert isinstance(read, Levels)
    assert {environment.level, environment.other_level} <= {level.id for level in read.levels}
    assert all(level.title for level in read.levels)


def test_a_level_with_unreadable_terms_is_left_out_and_the_others_are_read(environment: Environment) -> None:
    environment.break_terms(environment.other_level)
    read = environment.open().levels()
    assert isinstance(read, Levels)
    assert environment.other_level not in {level.id for level in read.levels}
    assert environment.level in {level.id for level in read.levels}


def test_if_no_level_can_be_read_one_is_named(environment: Environment) -> None:
    site = environment.open()
    read = site.levels()
    assert isinstance(read, Levels)
    for level in read.levels:
        environment.break_terms(level.id)
    outcome = site.levels()
    assert isinstance(outcome, NeedsAttention)
    assert any(level.id in outcome.reason for level in read.levels)
    assert outcome.remedy


def test_a_new_member_is_made_and_has_access_until_the_last_day(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    ensured = driver.step()
    [member] = ids_of(environment, "ann@x.test")
    assert ensured.member == Done(member)
    assert ensured.grants == {driver.wanted.grants[0].ref: Done(only_grant(environment).id)}
    assert ensured.alerts == ()
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_the_names_and_the_charge_are_kept_at_the_site(environment: Environment) -> None:
    wanted = grant(environment.level, amount_minor=2900, total_minor=3451)
    Driver.of(environment.open(), "ann@x.test", wanted).run()
    [member] = [each for each in environment.members() if each.email == "ann@x.test"]
    assert (member.first_name, member.last_name) == ("Ann", "Lee")
    seen = only_grant(environment)
    assert (seen.ref, seen.amount, seen.total) == (wanted.ref, "29.00", "34.51")


def test_access_without_an_end_stays_without_an_end(environment: Environment) -> None:
    Driver.of(environment.open(), "ann@x.test", grant(environment.level, None)).run()
    assert environment.access("ann@x.test") == {environment.level: None}


def test_a_member_who_is_there_already_is_used(environment: Environment) -> None:
    member = environment.add_member("ann@x.test")
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    ensured = driver.run()
    assert ensured.member == AlreadyRight(member)
    assert ids_of(environment, "ann@x.test") == [member]
    assert environment.access("ann@x.test") == {environment.level: SOON}
    assert environment.mails("ann@x.test") == []


def test_a_rebill_of_a_known_member_is_one_more_grant(environment: Environment) -> None:
    first, second = grant(environment.level), grant(environment.level, LATER)
    driver = Driver.of(environment.open(), "ann@x.test", first)
    driver.run()
    driver.want(second)
    ensured = driver.run()
    assert isinstance(ensured.member, AlreadyRight)
    assert [(seen.ref, seen.until_on) for seen in environment.grants()] == [(first.ref, SOON), (second.ref, LATER)]
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_several_levels_are_given_at_once_each_with_its_amount(environment: Environment) -> None:
    wanted = [
        grant(environment.level, amount_minor=4900, total_minor=4900),
        grant(environment.other_level, None, amount_minor=0, total_minor=0),
    ]
    Driver.of(environment.open(), "ann@x.test", *wanted).run()
    assert [(seen.level, seen.total) for seen in environment.grants()] == [
        (environment.level, "49.00"),
        (environment.other_level, "0.00"),
    ]
    assert environment.access("ann@x.test") == {environment.level: SOON, environment.other_level: None}


@pytest.mark.parametrize(("before", "after"), [(SOON, LATER), (LATER, SOON), (SOON, None), (None, SOON)])
def test_the_last_day_can_be_changed(environment: Environment, before: date | None, after: date | None) -> None:
    wanted = grant(environment.level, before)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    driver.want(replace(wanted, until_on=after))
    ensured = driver.run()
    seen = only_grant(environment)
    assert ensured.grants == {wanted.ref: Done(seen.id)}
    assert environment.access("ann@x.test") == {environment.level: after}


def test_access_can_be_ended_at_once(environment: Environment) -> None:
    wanted = grant(environment.level, None)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    driver.want(replace(wanted, live=False))
    assert isinstance(driver.run().grants[wanted.ref], Done)
    assert environment.access("ann@x.test") == {}
    assert isinstance(driver.run().grants[wanted.ref], AlreadyRight)


def test_ending_one_of_two_grants_leaves_the_other(environment: Environment) -> None:
    first, second = grant(environment.level, LATER), grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", first, second)
    driver.run()
    driver.want(replace(first, live=False), second)
    driver.run()
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_access_that_the_owner_gave_by_hand_is_never_touched(environment: Environment) -> None:
    member = environment.add_member("ann@x.test")
    by_hand = environment.add_grant(member, environment.level)
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    driver.want(replace(wanted, live=False))
    driver.run()
    assert environment.access("ann@x.test") == {environment.level: None}
    assert next(seen for seen in environment.grants() if seen.id == by_hand).live


def test_access_that_was_ended_can_be_given_again(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    driver.want(replace(wanted, live=False))
    driver.run()
    driver.want(replace(wanted, until_on=LATER))
    driver.run()
    assert only_grant(environment).live
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_what_was_never_sent_is_ended_without_a_request(environment: Environment) -> None:
    wanted = grant(environment.level, live=False)
    ensured = Driver.of(environment.open(), "ann@x.test", wanted).step()
    assert isinstance(ensured.grants[wanted.ref], AlreadyRight)
    assert environment.requests() == 0
    assert ids_of(environment, "ann@x.test") == []


@pytest.mark.parametrize("look_first", [False, True])
def test_repeating_a_settled_wish_changes_nothing(environment: Environment, look_first: bool) -> None:
    wanted = [grant(environment.level), grant(environment.other_level, None)]
    driver = Driver.of(environment.open(), "ann@x.test", *wanted)
    driver.run()
    before = (environment.grants(), environment.writes())
    if look_first:
        # As after an unclear answer: the ids are not known.
        driver = Driver.of(environment.open(), "ann@x.test", *(replace(each, look_first=True) for each in wanted))
    ensured = driver.step()
    assert settled(ensured, driver.wanted)
    assert {type(outcome) for outcome in ensured.grants.values()} == {AlreadyRight}
    assert (environment.grants(), environment.writes()) == before


@pytest.mark.parametrize(
    ("email", "others"),
    [
        ("ann@x.test", ["joann@x.test", "ann@x.test.example"]),
        ("a_b@x.test", ["axb@x.test", "a-b@x.test"]),
        ("jo+tag@x.test", ["jo@x.test", "jotag@x.test"]),
        ("o'brien@x.test", ["obrien@x.test", "oxbrien@x.test"]),
        ("100%sure@x.test", ["100andsure@x.test"]),
    ],
)
def test_people_with_similar_addresses_are_other_people(
    environment: Environment, email: str, others: list[str]
) -> None:
    for other in others:
        environment.add_member(other)
    Driver.of(environment.open(), email, grant(environment.level)).run()
    assert environment.access(email) == {environment.level: SOON}
    for other in others:
        assert environment.access(other) == {}


@pytest.mark.parametrize("email", ["jo+tag@x.test", "o'brien@x.test", "a_b@x.test", "a&b@x.test"])
def test_an_address_with_special_characters_is_found_again(environment: Environment, email: str) -> None:
    member = environment.add_member(email)
    ensured = Driver.of(environment.open(), email, grant(environment.level)).run()
    assert ensured.member == AlreadyRight(member)


def test_the_right_one_is_found_behind_many_look_alikes(environment: Environment) -> None:
    member = environment.add_member("ann@x.test")
    for number in range(environment.page_size + 5):
        environment.add_member(f"{number}ann@x.test")
    ensured = Driver.of(environment.open(), "ann@x.test", grant(environment.level)).run()
    assert ensured.member == AlreadyRight(member)


def test_the_case_of_an_address_does_not_matter(environment: Environment) -> None:
    member = environment.add_member("Ann@X.Test")
    ensured = Driver.of(environment.open(), "aNN@x.tEST", grant(environment.level)).run()
    assert ensured.member == AlreadyRight(member)
    ensured = Driver.of(environment.open(), "Bob@X.Test", grant(environment.level)).run()
    again = Driver.of(environment.open(), "bob@x.test", grant(environment.level)).run()
    assert isinstance(ensured.member, Done)
    assert again.member == AlreadyRight(ensured.member.remote_id)


def test_of_two_users_with_one_address_the_oldest_is_used_and_the_owner_is_told(environment: Environment) -> None:
    oldest = environment.add_member("ann@x.test", "ann")
    newest = environment.add_member("ann@x.test", "ann2")
    ensured = Driver.of(environment.open(), "ann@x.test", grant(environment.level)).run()
    assert ensured.member == AlreadyRight(oldest)
    assert only_grant(environment).member == oldest
    [alert] = ensured.alerts
    assert oldest in alert
    assert newest in alert


def test_a_username_that_is_taken_by_somebody_else_is_no_obstacle(environment: Environment) -> None:
    Driver.of(environment.open(), "ann@x.test", grant(environment.level)).run()
    [first] = [member for member in environment.members() if member.email == "ann@x.test"]
    # The member changed the address at the site; the cart still knows, or somebody else now has, the old one.
    environment.change_email(first.id, "ann@y.test")
    ensured = Driver.of(environment.open(), "ann@x.test", grant(environment.level, LATER)).run()
    [second] = [member for member in environment.members() if member.email == "ann@x.test"]
    assert ensured.member == Done(second.id)
    assert second.username != first.username
    assert environment.access("ann@y.test") == {environment.level: SOON}
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_a_member_who_appears_between_the_look_and_the_making_is_used(environment: Environment) -> None:
    appeared: list[str] = []

    def before_write() -> None:
        if not appeared:
            appeared.append(environment.add_member("ann@x.test"))

    wanted = grant(environment.level)
    ensured = environment.open().ensure(
        Wanted(person=Person("ann@x.test", "Ann", "Lee"), grants=(wanted,)),
        record=lambda attempt: None,
        before_write=before_write,
    )
    assert ensured.member == AlreadyRight(appeared[0])
    assert ids_of(environment, "ann@x.test") == appeared
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_an_address_that_the_site_refuses_needs_a_person(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "zoë@x.test", grant(environment.level))
    ensured = driver.step()
    assert isinstance(ensured.member, NeedsAttention)
    assert "zoë@x.test" in ensured.member.reason
    assert ensured.member.remedy
    assert not ensured.member.site_wide
    assert ensured.grants == {}


def test_an_unknown_level_needs_a_person_and_leaves_no_grant(environment: Environment) -> None:
    wrong, right = grant(environment.unknown_level), grant(environment.level)
    ensured = Driver.of(environment.open(), "ann@x.test", wrong, right).step()
    outcome = ensured.grants[wrong.ref]
    assert isinstance(outcome, NeedsAttention)
    assert environment.unknown_level in outcome.reason
    assert outcome.remedy
    assert not outcome.site_wide
    assert isinstance(ensured.grants[right.ref], Done)
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_a_level_that_was_taken_away_needs_a_person_and_leaves_no_grant(environment: Environment) -> None:
    environment.retire_level(environment.level)
    wanted = grant(environment.level)
    ensured = Driver.of(environment.open(), "ann@x.test", wanted).step()
    assert isinstance(ensured.grants[wanted.ref], NeedsAttention)
    assert environment.access("ann@x.test") == {}


def test_a_member_who_was_deleted_is_made_again_with_the_new_charge(environment: Environment) -> None:
    first, second = grant(environment.level), grant(environment.level, LATER)
    driver = Driver.of(environment.open(), "ann@x.test", first)
    driver.run()
    [gone] = ids_of(environment, "ann@x.test")
    environment.delete_member(gone)
    driver.want(second)
    ensured = driver.run()
    [new] = ids_of(environment, "ann@x.test")
    assert ensured.member == Done(new)
    assert new != gone
    assert environment.access("ann@x.test") == {environment.level: LATER}
    assert [seen.member for seen in environment.grants() if seen.live and seen.ref == second.ref] == [new]


def test_a_grant_of_a_deleted_member_goes_to_the_member_made_again(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    environment.delete_member(ids_of(environment, "ann@x.test")[0])
    driver.want(replace(wanted, until_on=LATER))
    driver.run()
    [new] = ids_of(environment, "ann@x.test")
    assert environment.access("ann@x.test") == {environment.level: LATER}
    assert [seen.member for seen in environment.grants() if seen.live] == [new]


def test_a_grant_that_was_deleted_is_made_again(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    environment.delete_grant(only_grant(environment).id)
    driver.want(replace(wanted, until_on=LATER))
    driver.run()
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_what_is_kept_is_made_again_where_it_vanished_and_else_left_alone(environment: Environment) -> None:
    vanished, ended, new = grant(environment.level), grant(environment.other_level), grant(environment.level, LATER)
    site = environment.open()
    driver = Driver.of(site, "ann@x.test", vanished, ended)
    driver.run()
    ids = {seen.level: seen.id for seen in environment.grants()}
    environment.delete_grant(ids[environment.level])
    environment.end_grant(ids[environment.other_level])

    wanted = replace(driver.wanted, grants=(new,), kept=driver.wanted.grants)
    ensured = site.ensure(wanted, record=lambda attempt: None, before_write=lambda: None)

    assert {ref: type(outcome) for ref, outcome in ensured.grants.items()} == {vanished.ref: Done, new.ref: Done}
    assert sorted((seen.level, seen.live) for seen in environment.grants()) == sorted(
        [(environment.level, True), (environment.level, True), (environment.other_level, False)]
    )


def test_nothing_is_asked_about_what_is_kept_when_the_member_has_to_be_made_again(environment: Environment) -> None:
    kept, new = grant(environment.level), grant(environment.other_level)
    driver = Driver.of(environment.open(), "ann@x.test", kept)
    driver.run()
    environment.delete_member(ids_of(environment, "ann@x.test")[0])

    wanted = replace(driver.wanted, grants=(new,), kept=driver.wanted.grants)
    ensured = environment.open().ensure(wanted, record=lambda attempt: None, before_write=lambda: None)

    assert isinstance(ensured.member, Done)
    assert set(ensured.grants) == {new.ref}


def test_ending_a_grant_that_was_deleted_is_no_work(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    environment.delete_grant(only_grant(environment).id)
    writes = environment.writes()
    driver.want(replace(wanted, live=False))
    assert isinstance(driver.run().grants[wanted.ref], AlreadyRight)
    assert environment.writes() == writes


def test_an_id_that_is_somebody_elses_by_now_is_not_touched(environment: Environment) -> None:
    # As after a restored backup: the id that is known belongs to another transaction.
    theirs = environment.add_grant(environment.add_member("bob@x.test"), environment.level)
    wanted = grant(environment.level, live=False, remote_id=theirs)
    Driver.of(environment.open(), "ann@x.test", wanted).step()
    assert environment.access("bob@x.test") == {environment.level: None}
    Driver.of(environment.open(), "ann@x.test", replace(wanted, live=True)).run()
    assert environment.access("bob@x.test") == {environment.level: None}
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_a_member_who_changed_the_address_at_the_site_keeps_getting_access(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    [member] = ids_of(environment, "ann@x.test")
    environment.change_email(member, "lee@y.test")
    driver.want(grant(environment.level, LATER))
    ensured = driver.run()
    assert environment.access("lee@y.test") == {environment.level: LATER}
    assert "lee@y.test" in ensured.alerts[0]
    assert ids_of(environment, "ann@x.test") == []


def test_a_known_id_that_is_another_person_by_now_gets_nothing(environment: Environment) -> None:
    wrong = environment.add_member("bob@x.test")
    right = environment.add_member("ann@x.test")
    wanted = grant(environment.level)
    person = Person("ann@x.test", "Ann", "Lee", remote_id=wrong)
    ensured = Driver(environment.open(), Wanted(person=person, grants=(wanted,))).run()
    assert ensured.member == AlreadyRight(right)
    assert environment.access("bob@x.test") == {}
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_of_two_grants_with_one_reference_one_is_kept_and_the_owner_is_told(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", wanted).run()
    Driver.of(site, "ann@x.test", wanted).run()
    first, second = environment.grants()
    assert first.live
    assert second.live
    driver = Driver.of(site, "ann@x.test", replace(wanted, look_first=True))
    ensured = driver.run()
    assert ensured.grants == {wanted.ref: AlreadyRight(first.id)}
    assert [seen.live for seen in environment.grants()] == [True, False]
    [alert] = ensured.alerts
    assert wanted.ref in alert
    driver.want(replace(wanted, live=False))
    driver.run()
    assert environment.access("ann@x.test") == {}


def test_what_may_have_been_sent_is_looked_for_before_it_counts_as_ended(environment: Environment) -> None:
    wanted = grant(environment.level)
    Driver.of(environment.open(), "ann@x.test", wanted).run()
    unsure = replace(wanted, live=False, look_first=True)
    Driver.of(environment.open(), "ann@x.test", unsure).run()
    assert environment.access("ann@x.test") == {}


def test_a_reference_that_contains_the_wanted_one_is_another_grant(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", replace(wanted, ref=f"{wanted.ref}0", until_on=LATER)).run()
    ensured = Driver.of(site, "ann@x.test", replace(wanted, look_first=True)).run()
    assert isinstance(ensured.grants[wanted.ref], Done)
    assert [(seen.ref, seen.until_on) for seen in environment.grants()] == [
        (f"{wanted.ref}0", LATER),
        (wanted.ref, SOON),
    ]


def test_what_the_owner_ended_by_hand_is_not_given_again_blindly(environment: Environment) -> None:
    wanted = grant(environment.level)
    Driver.of(environment.open(), "ann@x.test", wanted).run()
    environment.end_grant(only_grant(environment).id)
    ensured = Driver.of(environment.open(), "ann@x.test", replace(wanted, look_first=True)).step()
    outcome = ensured.grants[wanted.ref]
    assert isinstance(outcome, NeedsAttention)
    assert wanted.ref in outcome.reason
    assert environment.access("ann@x.test") == {}


def test_two_members_at_once_on_one_open_site(environment: Environment) -> None:
    site = environment.open()
    emails = [f"member{number}@x.test" for number in range(4)]
    drivers = [
        Driver.of(site, email, grant(environment.level), grant(environment.other_level, None)) for email in emails
    ]
    threads = [threading.Thread(target=driver.run) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for email in emails:
        assert len(ids_of(environment, email)) == 1
        assert environment.access(email) == {environment.level: SOON, environment.other_level: None}
    assert len(environment.grants()) == 8


def test_credentials_that_stopped_working_concern_the_whole_site(environment: Environment) -> None:
    site = environment.open()
    environment.revoke_credentials()
    check = site.check()
    assert isinstance(check, NeedsAttention)
    assert check.site_wide
    assert check.remedy
    levels = site.levels()
    assert isinstance(levels, NeedsAttention)
    ensured = Driver.of(site, "ann@x.test", grant(environment.level)).step()
    assert isinstance(ensured.member, NeedsAttention)
    assert ensured.member.site_wide
    assert ensured.grants == {}


def test_after_an_outcome_for_the_whole_site_nothing_more_is_tried(environment: Environment) -> None:
    site = environment.open()
    wanted = [grant(environment.level), grant(environment.other_level)]
    driver = Driver.of(site, "ann@x.test", *wanted)
    driver.run()
    environment.revoke_credentials()
    further = [grant(environment.level, LATER), grant(environment.other_level, LATER)]
    driver.want(*further)
    ensured = driver.step()
    outcome = ensured.grants[further[0].ref]
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide
    assert further[1].ref not in ensured.grants


def test_a_site_that_is_away_is_tried_again_later(environment: Environment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    site = environment.platform.open(replace(environment.connection(), url=url))
    for outcome in (site.check(), site.levels(), Driver.of(site, "a@x.test", grant(environment.level)).step().member):
        assert isinstance(outcome, RetryLater)
        assert outcome.site_down
        assert not outcome.unclear
    site.close()


def test_a_private_address_is_called_only_where_the_owner_allowed_it(environment: Environment) -> None:
    site = environment.platform.open(replace(environment.connection(), allow_private_address=False))
    outcome = site.check()
    assert isinstance(outcome, NeedsAttention)
    assert outcome.site_wide
    assert environment.requests() == 0
    site.close()


@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_who_has_lost_the_claim_writes_nothing_more(environment: Environment, allowed: int) -> None:
    wanted = Wanted(
        person=Person("ann@x.test", "Ann", "Lee"), grants=(grant(environment.level), grant(environment.other_level))
    )
    asked: list[int] = []

    def before_write() -> None:
        asked.append(environment.writes())
        if len(asked) > allowed:
            raise ClaimLost

    with pytest.raises(ClaimLost):
        environment.open().ensure(wanted, record=lambda attempt: None, before_write=before_write)
    assert asked == list(range(allowed + 1))
    assert environment.writes() == allowed


def test_each_request_is_recorded_once_without_secrets(environment: Environment) -> None:
    attempts: list[Attempt] = []
    site = environment.open(attempts.append)
    site.check()
    site.levels()
    driver = Driver.of(site, "ann@x.test", grant(environment.level), grant(environment.unknown_level))
    driver.step()
    Driver.of(site, "zoë@x.test", grant(environment.level)).step()
    attempts += driver.attempts
    assert all(attempt.status for attempt in attempts)
    assert all(len(attempt.excerpt) <= 500 for attempt in attempts)
    shown = "\n".join(f"{attempt.path} {attempt.excerpt}" for attempt in attempts)
    assert not [secret for secret in environment.secrets() if secret in shown]


@pytest.mark.parametrize("send", [True, False])
def test_the_password_mail_goes_only_to_who_is_to_get_it(environment: Environment, send: bool) -> None:
    Driver.of(environment.open(), "ann@x.test", grant(environment.level), send_password=send).run()
    assert environment.mails("ann@x.test") == (["password"] if send else [])


def test_a_member_made_again_is_welcomed_again(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level, welcome="new"), send_password=False)
    driver.run()
    environment.delete_member(ids_of(environment, "ann@x.test")[0])
    driver.want(grant(environment.level, welcome="new"))
    driver.run()
    assert environment.mails("ann@x.test") == ["welcome", "welcome"]


@pytest.mark.parametrize(("welcome", "expected"), [("new", ["welcome"]), ("never", []), ("always", ["welcome"])])
def test_the_welcome_mail_goes_once_and_only_if_wanted(
    environment: Environment, welcome: str, expected: list[str]
) -> None:
    wanted = [grant(environment.level, welcome=welcome), grant(environment.other_level, welcome=welcome)]
    Driver.of(environment.open(), "ann@x.test", *wanted, send_password=False).run()
    assert environment.mails("ann@x.test") == expected


def everything(site: Site, member: str | None = None) -> list[Holding]:
    """All holdings, page by page."""
    rows: list[Holding] = []
    cursor = None
    while True:
        page = site.holdings(cursor, member=member)
        assert isinstance(page, HoldingsPage)
        rows += page.rows
        if page.next is None:
            return rows
        cursor = page.next


def test_what_a_site_holds_is_read_newest_first_ours_and_others(environment: Environment) -> None:
    dated, ended, for_ever = grant(environment.level), grant(environment.level), grant(environment.other_level, None)
    driver = Driver.of(environment.open(), "Ann@x.test", dated, ended, for_ever)
    driver.run()
    driver.want(dated, replace(ended, live=False), for_ever)
    driver.run()
    bob = environment.add_member("bob@x.test")
    by_hand = environment.add_grant(bob, environment.level)
    [ann] = ids_of(environment, "ann@x.test")
    rows = everything(environment.open())
    assert [(row.remote_id, row.ref, row.live, row.until_on) for row in rows] == [
        (seen.id, seen.ref, seen.live, seen.until_on) for seen in reversed(environment.grants())
    ]
    assert [(row.remote_id == by_hand, row.ours, row.member, row.email, row.level) for row in rows] == [
        (True, False, bob, "bob@x.test", environment.level),
        (False, True, ann, "ann@x.test", environment.other_level),
        (False, True, ann, "ann@x.test", environment.level),
        (False, True, ann, "ann@x.test", environment.level),
    ]
    assert all(row.status for row in rows)


def test_a_site_that_holds_nothing_has_one_empty_page(environment: Environment) -> None:
    page = environment.open().holdings()
    assert isinstance(page, HoldingsPage)
    assert (page.rows, page.next) == ((), None)


def test_what_one_member_holds_is_read_alone(environment: Environment) -> None:
    wanted = grant(environment.level)
    Driver.of(environment.open(), "ann@x.test", wanted).run()
    Driver.of(environment.open(), "bob@x.test", grant(environment.level)).run()
    [ann] = ids_of(environment, "ann@x.test")
    assert [row.ref for row in everything(environment.open(), ann)] == [wanted.ref]


def test_holdings_come_in_pages(environment: Environment) -> None:
    member = environment.add_member("ann@x.test")
    for _ in range(environment.page_size + 5):
        environment.add_grant(member, environment.level)
    site = environment.open()
    first = site.holdings()
    assert isinstance(first, HoldingsPage)
    assert (len(first.rows), first.pages) == (environment.page_size, 2)
    ids = [row.remote_id for row in everything(site)]
    assert ids == [seen.id for seen in reversed(environment.grants())]


def test_what_a_member_who_is_gone_held_is_shown_as_nobodys(environment: Environment) -> None:
    Driver.of(environment.open(), "ann@x.test", grant(environment.level)).run()
    environment.delete_member(ids_of(environment, "ann@x.test")[0])
    [row] = everything(environment.open())
    assert row.ours
    assert row.email is None


def test_what_gives_a_level_that_is_gone_is_shown(environment: Environment) -> None:
    Driver.of(environment.open(), "ann@x.test", grant(environment.level)).run()
    environment.retire_level(environment.level)
    [row] = everything(environment.open())
    assert row.level == environment.level


def test_one_holding_is_found_by_its_id_and_by_its_reference(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", wanted).run()
    Driver.of(site, "bob@x.test", grant(environment.level)).run()
    [ann], seen = ids_of(environment, "ann@x.test"), environment.grants()[0]
    other = environment.grants()[1].id
    # Its own id; an id that is another's by now, as after a restored backup; none; one that is gone.
    for remote_id in (seen.id, other, "", "999999"):
        found = site.holding(remote_id, wanted.ref, ann)
        assert isinstance(found, Holding)
        assert (found.remote_id, found.ref, found.member, found.until_on) == (seen.id, wanted.ref, ann, SOON)


def test_a_holding_that_was_deleted_is_gone(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", wanted).run()
    [ann], seen = ids_of(environment, "ann@x.test"), only_grant(environment)
    environment.delete_grant(seen.id)
    assert site.holding(seen.id, wanted.ref, ann) is None


def test_a_holding_of_a_member_who_is_gone_is_there_still(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", wanted).run()
    [ann], seen = ids_of(environment, "ann@x.test"), only_grant(environment)
    environment.delete_member(ann)
    found = site.holding(seen.id, wanted.ref, ann)
    assert isinstance(found, Holding)
    assert found.email is None


def test_reading_holdings_changes_nothing(environment: Environment) -> None:
    wanted = grant(environment.level)
    site = environment.open()
    Driver.of(site, "ann@x.test", wanted).run()
    writes = environment.writes()
    everything(site)
    site.holding("", wanted.ref, ids_of(environment, "ann@x.test")[0])
    assert environment.writes() == writes


def test_holdings_of_a_site_that_refuses_the_credentials_need_a_person(environment: Environment) -> None:
    site = environment.open()
    environment.revoke_credentials()
    for outcome in (site.holdings(), site.holding("1", _ref(), "1")):
        assert isinstance(outcome, NeedsAttention)
        assert outcome.site_wide


def test_the_password_mail_can_be_sent_again(environment: Environment) -> None:
    site = environment.open()
    Driver.of(site, "ann@x.test", grant(environment.level)).run()
    [ann] = ids_of(environment, "ann@x.test")
    mails = len(environment.mails("ann@x.test"))
    attempts: list[Attempt] = []
    person = Person("Ann@x.test", "Ann", "Lee", remote_id=ann)
    assert site.resend_password_mail(person, record=attempts.append) == Done(ann)
    assert len(environment.mails("ann@x.test")) == mails + 1
    assert len(attempts) == 1
    assert not [secret for secret in environment.secrets() if secret in attempts[0].path + attempts[0].excerpt]


def test_nobody_gets_a_password_mail_who_is_no_member(environment: Environment) -> None:
    environment.add_member("joann@x.test")
    person = Person("ann@x.test", "Ann", "Lee")
    outcome = environment.open().resend_password_mail(person, record=lambda attempt: None)
    assert isinstance(outcome, NeedsAttention)
    assert "ann@x.test" in outcome.reason
    assert outcome.remedy
    assert not outcome.site_wide
    assert environment.mails("joann@x.test") == []


def test_a_password_mail_that_the_site_guards_is_not_called_sent(environment: Environment) -> None:
    member = environment.add_member("ann@x.test")
    environment.guard_password_mail()
    person = Person("ann@x.test", "Ann", "Lee", remote_id=member)
    outcome = environment.open().resend_password_mail(person, record=lambda attempt: None)
    assert isinstance(outcome, NeedsAttention)
    assert outcome.remedy
    assert not outcome.site_wide
    assert environment.mails("ann@x.test") == []


def test_an_address_that_follows_leaves_the_access_as_it_is(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    [ann] = ids_of(environment, "ann@x.test")
    driver.want_address("lee@y.test")
    ensured = driver.step()
    assert (ensured.member, ensured.alerts) == (AlreadyRight(ann), ())
    assert (ensured.email_settled, ensured.email_refused) == (True, False)
    assert ids_of(environment, "lee@y.test") == [ann]
    assert environment.access("lee@y.test") == {environment.level: SOON}
    writes = environment.writes()
    driver.want_address("Lee@Y.test")
    assert driver.step().email_settled
    assert environment.writes() == writes


def test_an_address_follows_together_with_a_new_charge(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    driver.want_address("lee@y.test")
    driver.want(grant(environment.level, LATER))
    ensured = driver.step()
    assert settled(ensured, driver.wanted)
    assert ensured.alerts == ()
    assert environment.access("lee@y.test") == {environment.level: LATER}
    assert ids_of(environment, "ann@x.test") == []


def test_without_being_told_to_the_address_stays(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    driver.want(grant(environment.level, LATER))
    ensured = driver.step()
    assert not ensured.email_settled
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_an_address_that_somebody_else_has_is_told_and_nothing_waits_for_it(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    [ann] = ids_of(environment, "ann@x.test")
    environment.add_member("lee@y.test")
    driver.want_address("lee@y.test")
    driver.want(grant(environment.level, LATER))
    ensured = driver.step()
    assert (ensured.email_settled, ensured.email_refused) == (True, True)
    assert settled(ensured, driver.wanted)
    [alert] = ensured.alerts
    assert "ann@x.test" in alert
    assert "lee@y.test" in alert
    # The known member is no one else because of it.
    assert ids_of(environment, "ann@x.test") == [ann]
    assert environment.access("ann@x.test") == {environment.level: LATER}
    assert environment.access("lee@y.test") == {}


def test_an_address_that_the_site_refuses_is_told_and_nothing_waits_for_it(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    driver.want_address("zoë@x.test")
    driver.want(grant(environment.level, LATER))
    ensured = driver.step()
    assert (ensured.email_settled, ensured.email_refused) == (True, True)
    assert "zoë@x.test" in ensured.alerts[0]
    assert environment.access("ann@x.test") == {environment.level: LATER}


def test_a_member_who_is_gone_is_made_with_the_new_address(environment: Environment) -> None:
    driver = Driver.of(environment.open(), "ann@x.test", grant(environment.level))
    driver.run()
    environment.delete_member(ids_of(environment, "ann@x.test")[0])
    driver.want_address("lee@y.test")
    driver.want(grant(environment.level, LATER))
    ensured = driver.run()
    [lee] = ids_of(environment, "lee@y.test")
    assert ensured.member == Done(lee)
    assert (ensured.email_settled, ensured.email_refused) == (True, False)
    assert environment.access("lee@y.test") == {environment.level: LATER}
    assert len(environment.grants()) == 2


def test_what_the_owner_ended_by_hand_stays_ended(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    environment.end_grant(only_grant(environment).id)
    further = grant(environment.other_level)
    driver.want(replace(wanted, until_on=LATER), further)
    ensured = driver.step()
    outcome = ensured.grants[wanted.ref]
    assert isinstance(outcome, NeedsAttention)
    assert wanted.ref in outcome.reason
    assert "reconcile --fix" in outcome.remedy
    assert not outcome.site_wide
    assert isinstance(ensured.grants[further.ref], Done)
    assert environment.access("ann@x.test") == {environment.other_level: SOON}


def test_an_end_that_ended_unclear_and_is_taken_back_is_no_end_made_by_hand(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    # The site did end it, but Guestlist never learnt that.
    environment.end_grant(only_grant(environment).id)
    driver.wanted = replace(driver.wanted, grants=(replace(driver.wanted.grants[0], look_first=True),))
    assert isinstance(driver.step().grants[wanted.ref], Done)
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_a_last_day_that_was_changed_by_hand_is_set_right(environment: Environment) -> None:
    wanted = grant(environment.level)
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    environment.move_end(only_grant(environment).id, LATER)
    assert isinstance(driver.step().grants[wanted.ref], Done)
    assert environment.access("ann@x.test") == {environment.level: SOON}


def test_what_vanished_is_made_again_without_a_second_welcome(environment: Environment) -> None:
    wanted = grant(environment.level, welcome="always")
    driver = Driver.of(environment.open(), "ann@x.test", wanted)
    driver.run()
    mails = environment.mails("ann@x.test")
    environment.delete_grant(only_grant(environment).id)
    assert isinstance(driver.step().grants[wanted.ref], Done)
    assert environment.access("ann@x.test") == {environment.level: SOON}
    assert environment.mails("ann@x.test") == mails


def test_each_request_says_which_grant_it_was_made_for(environment: Environment) -> None:
    first, second = grant(environment.level), grant(environment.other_level)
    driver = Driver.of(environment.open(), "ann@x.test", first, replace(second, look_first=True))
    driver.run()
    refs = [attempt.ref for attempt in driver.attempts]
    assert refs == sorted(refs, key=["", first.ref, second.ref].index)
    assert set(refs) == {"", first.ref, second.ref}
