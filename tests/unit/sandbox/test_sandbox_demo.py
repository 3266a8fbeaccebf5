"""The demo's own judgement: it must notice whatever is not as it should be."""

from datetime import UTC, date, datetime

import pytest

from guestlist.sandbox import demo_story
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.demo_check import strangers, verdicts
from guestlist.sandbox.site import mails
from guestlist.sandbox.site.server import SandboxSite

NOW = datetime(2026, 12, 31, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "months", "end"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2027-12-31", 2, "2028-02-29"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-01-15", -2, "2025-11-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2028-02-29", 12, "2029-02-28"),
    ],
)
def test_plain_arithmetic_of_months(day, months, end):
    assert demo_story.months_after(date.fromisoformat(day), months) == date.fromisoformat(end)


@pytest.fixture(scope="module")
def running():
    with SandboxSite(race_window_ms=0) as site:
        yield site


@pytest.fixture
def story(running):
    """The demo's cases, and a site on which everything is as it should be."""
    running.reset()
    cases = demo_story.cases(Shop("S3CRETWORD12"), NOW)
    for number, case in enumerate(case for case in cases if case.granted):
        fields = demo_story.KNOWN if not case.new else {"email": case.buyer.email}
        person = running.act("POST", "members", fields)["id"]
        for index, granted in enumerate(case.granted):
            grant(running, person, granted, f"gl-{number}-{index}")
        if case.new:
            mail_password(running, person)
    return cases


def grant(site, person, granted, number):
    sent = {"member": person, "membership": granted.level, "expires_at": granted.until, "trans_num": number}
    site.act("POST", "transactions", {**sent, "amount": granted.net, "total": granted.total, "status": granted.status})


def mail_password(site, person):
    mails.set_password(site.store, site.store.users[person])


def judged(site, cases):
    state = site.state()
    return [problem for each in verdicts(cases, state) for problem in each.problems] + strangers(cases, state)


def test_a_site_that_is_right_is_called_right(running, story):
    assert judged(running, story) == []


def test_every_kind_of_order_is_among_them(story):
    assert [(len(case.deliveries), len(case.granted), case.new) for case in story] == [
        (1, 3, True),
        (3, 3, True),
        (3, 6, True),
        (1, 2, False),
        (1, 1, True),
        (1, 1, True),
        (1, 0, True),
    ]


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        (("transactions/1", {"expires_at": "2027-12-29"}), "missing: level 9"),
        (("transactions/1", {"amount": "148.99"}), "too much: level 9"),
        (("transactions/1", {"status": "pending"}), "missing: level 9"),
        (("transactions/1", {"membership": 10}), "missing: level 9"),
        (("transactions/1", {"trans_num": "gl-0-1"}), "reference gl-0-1 twice"),
        (("transactions/2/delete", {}), "missing: level 11"),
        (("members/3/delete", {}), "0 user(s) instead of 1"),
        (("members", {"email": "stranger@x.test"}), "a member nobody expects"),
        (("members", {"email": "ONLY.a.test@customers.example"}), "1 user(s) instead of 0"),
        (("transactions", {"member": 3, "membership": 9}), "too much: level 9 for ever"),
        (("transactions", {"member": 99, "membership": 9}), "nobody's"),
    ],
)
def test_what_is_wrong_is_noticed(running, story, change, noticed):
    path, sent = change
    running.act("POST", path, sent)
    assert any(noticed in problem for problem in judged(running, story))


def test_a_second_user_with_the_same_address_is_noticed(running, story):
    running.act("POST", "members", {"email": "Paula+art@customers.example", "username": "paula2"})
    assert "2 user(s) instead of 1" in judged(running, story)


def test_a_missing_and_a_needless_password_mail_are_noticed(running, story):
    known = next(row["id"] for row in running.state()["members"] if row["email"].startswith("Ines"))
    mail_password(running, known)
    assert judged(running, story) == ["1 set-your-password mail(s) instead of 0"]


def test_a_changed_name_of_the_known_member_is_noticed(running, story):
    known = next(row["id"] for row in running.state()["members"] if row["email"].startswith("Ines"))
    running.act("POST", f"members/{known}", {"first_name": ""})
    assert judged(running, story) == ["the known member's name was changed"]
