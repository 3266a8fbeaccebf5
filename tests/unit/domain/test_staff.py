"""What staff deny, and what their words say."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import moment
from guestlist.domain.staff import Act, Change, denial, denied_in_words, given_in_words, in_force

DAY = moment("2026-05-02")


def acts(*words: str) -> list[Change]:
    """`hold 8`, `revoke`, ...: one a day from 2 May 2026 on."""
    made = []
    for number, text in enumerate(words):
        act, _, level = text.partition(" ")
        made.append(Change(act=Act(act), level=level, at=DAY + timedelta(days=number), who="ada", why="a call"))
    return made


BEFORE, LATER = DAY - timedelta(days=30), DAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("words", "of_old", "of_new"),
    [
        ([], None, None),
        (["grant 8"], None, None),
        (["extend 8"], None, None),
        (["revoke 8"], 0, None),
        (["revoke"], 0, None),
        (["revoke 9"], None, None),
        (["hold 8"], 0, 0),
        (["hold"], 0, 0),
        (["hold 9"], None, None),
        (["hold 8", "release 8"], None, None),
        (["hold 8", "release"], None, None),
        (["hold", "release"], None, None),
        (["hold", "release 8"], 0, 0),
        (["revoke", "release 8"], 0, None),
        (["hold 8", "release 9"], 0, 0),
        (["revoke 8", "release 8"], None, None),
        (["revoke 8", "release 8", "revoke 8"], 2, None),
        (["revoke 8", "hold 8"], 1, 1),
        (["hold 8", "revoke 8"], 1, 0),
        (["hold 8", "revoke 8", "release 8"], None, None),
        (["release 8", "hold 8"], 1, 1),
        (["revoke 8", "grant 8"], 0, None),
        (["hold 8", "grant 8", "extend 8"], 0, 0),
        (["revoke 8", "revoke 8"], 1, None),
    ],
)
def test_who_denies_level_8_to_an_old_and_to_a_new_purchase(words, of_old, of_new):
    changes = acts(*words)

    for begun_at, expected in ((BEFORE, of_old), (LATER, of_new)):
        assert denial("8", begun_at, None, changes) is (changes[expected] if expected is not None else None)


def test_what_began_in_the_moment_of_the_revocation_is_revoked():
    (revoked,) = acts("revoke 8")

    assert denial("8", revoked.at, None, [revoked]) is revoked
    assert denial("8", revoked.at + timedelta(microseconds=1), None, [revoked]) is None


@pytest.mark.parametrize("act", ["hold", "revoke"])
def test_what_was_over_by_the_day_of_the_act_is_left_as_it_was(act):
    (change,) = acts(act)

    assert denial("8", BEFORE, DAY.date() - timedelta(days=1), [change]) is None
    assert denial("8", BEFORE, DAY.date(), [change]) is change


@st.composite
def stories(draw: st.DrawFn) -> list[Change]:
    words = draw(
        st.lists(st.tuples(st.sampled_from(list(Act)), st.sampled_from(["", "8", "9"])).map(" ".join), max_size=8)
    )
    return acts(*(word.strip() for word in words))


LAST_DAYS = st.none() | st.integers(-1, 9).map(lambda day: (DAY + timedelta(days=day)).date())


@given(stories(), st.integers(-1, 9), LAST_DAYS)
def test_a_grant_is_denied_by_whatever_hold_or_earlier_revocation_met_it_and_is_not_released(changes, day, until_on):
    begun_at = DAY + timedelta(days=day)

    def stands(index: int) -> bool:
        change = changes[index]
        if change.level not in ("", "8"):
            return False
        if any(c.act is Act.RELEASE and c.level in ("", change.level) for c in changes[index + 1 :]):
            return False
        if until_on is not None and change.at.date() > until_on:
            return False
        return change.act is Act.HOLD or (change.act is Act.REVOKE and begun_at <= change.at)

    denying = [change for index, change in enumerate(changes) if stands(index)]
    assert denial("8", begun_at, until_on, changes) is (denying[-1] if denying else None)


@given(stories())
def test_releasing_everything_leaves_nothing_denied(changes):
    released = [*changes, *acts(*["grant 8"] * len(changes), "release")[-1:]]

    assert in_force(released) == []
    assert denial("8", BEFORE, None, released) is None


@given(stories(), st.integers(-1, 9), LAST_DAYS)
def test_what_is_denied_to_a_new_purchase_is_denied_to_an_older_one(changes, day, until_on):
    begun_at = DAY + timedelta(days=day)

    if denial("8", begun_at, until_on, changes) is not None:
        assert denial("8", begun_at - timedelta(days=1), until_on, changes) is not None


def test_the_words_say_who_when_and_why():
    given_change, extended, revoked, held = acts("grant 8", "extend 8", "revoke 8", "hold")

    assert given_in_words(given_change, None) == "given by hand on 2026-05-02 by ada (a call): access for ever"
    assert (
        given_in_words(extended, date(2026, 6, 1))
        == "extended by hand on 2026-05-03 by ada (a call): access until 2026-06-01"
    )
    assert denied_in_words(revoked) == "revoked on 2026-05-04, by ada (a call)"
    assert denied_in_words(held) == "on hold since 2026-05-05, by ada (a call)"
