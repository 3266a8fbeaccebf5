"""Which mails the site sends, and never twice for one purchase: judged by the sandbox site's mails."""

from __future__ import annotations

import pytest

from db.conftest import make_site
from db.test_address_changes import academy, run  # noqa: F401 a fixture
from db.test_people_and_orders import changed, rebill, sale, tell
from db.test_planning import save
from factories import rule
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.domain.rules import PasswordEmail, Rule, WelcomeEmail
from guestlist.fulfilment.models import Rule as StoredRule
from guestlist.inbox import interpret
from guestlist.inbox.models import Delivery
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)

NORA = "nora@buyers.test"


@pytest.fixture
def site(academy):  # noqa: F811
    """Every membership has a welcome mail of its own, so each asking for one is seen."""
    for number in ("8", "9", "10"):
        academy.act("POST", f"memberships/{number}", {"own_welcome_mail": True})
    StoredRule.objects.all().delete()
    return academy


def mails(site: SandboxSite, to: str = NORA) -> list[str]:
    return [mail["kind"] for mail in site.state()["mails"] if mail["to"].lower() == to]


def gives(item: str, *grants: str, welcome: str = "new", password: str = "new") -> Rule:
    return rule(item, *grants, welcome_email=WelcomeEmail(welcome), password_email=PasswordEmail(password))


def settled() -> bool:
    return not Grant.objects.exclude(state=GrantState.RIGHT).exists()


def order(number: str, *items: str, customer: str = "9", email: str = NORA, day: float = 0) -> dict[str, object]:
    """An order of several items, written `product-12`."""
    content = sale(number, customer, email, day)
    [charge] = content["order"]["charges"]
    charges = []
    for item in items:
        kind, _, reference = item.partition("-")
        charges.append({**charge, "item_type": kind, "reference": reference, "item_identifier": item})
    return {**content, "order": {**content["order"], "charges": charges}}


@pytest.mark.parametrize(("password", "expected"), [("new", ["password"]), ("never", [])])
def test_only_a_member_whom_guestlist_makes_gets_the_password_mail_and_only_once(site, password, expected):
    save(gives("product-12", "academy/8", "academy/9", welcome="never", password=password))
    tell(order("1", "product-12"))
    run()
    tell(order("2", "product-12", day=1), rebill("2", "9", NORA, 30))
    run()

    assert mails(site) == expected
    assert settled()


def test_one_item_that_asks_for_the_password_mail_is_enough_in_whatever_order_they_come(site):
    save(gives("product-12", "academy/8", welcome="never", password="never"))
    save(gives("bump-12", "academy/9", welcome="never"))
    tell(order("1", "product-12"), order("2", "bump-12"), order("3", "product-12"))
    run()

    assert mails(site) == ["password"]


def test_each_site_goes_by_the_items_that_give_something_there(site):
    with SandboxSite() as club:
        make_site("club", club.url, club.key)
        save(gives("product-12", "academy/8", welcome="never", password="never"))
        save(gives("bump-12", "club/10", welcome="never"))
        tell(order("1", "product-12", "bump-12"))
        run()
        lanes.run_lane("club")

        assert (mails(site), mails(club)) == ([], ["password"])


@pytest.mark.parametrize(
    ("welcome", "first", "second", "rebilled"),
    [("new", 1, 1, 1), ("always", 1, 2, 2), ("never", 0, 0, 0)],
)
def test_the_welcome_mail_new_always_never(site, welcome, first, second, rebilled):
    save(gives("product-12", "academy/8", "academy/9", "academy/10", welcome=welcome, password="never"))
    tell(order("1", "product-12"))
    run()
    assert len(mails(site)) == first, "several levels at one site are one purchase"

    tell(order("2", "product-12", day=1))
    run()
    assert len(mails(site)) == second

    tell(rebill("2", "9", NORA, 31))
    run()
    assert len(mails(site)) == rebilled
    assert settled()


def test_whoever_was_there_before_is_not_new(site):
    site.act("POST", "members", {"email": NORA, "username": "nora"})
    save(gives("product-12", "academy/8"), gives("bump-12", "academy/9", welcome="always"))
    tell(order("1", "product-12", "bump-12"))
    run()

    assert mails(site) == ["thanks"]


def test_always_means_once_for_each_item_of_an_order(site):
    save(gives("product-12", "academy/8", "academy/9", welcome="always", password="never"))
    save(gives("bump-12", "academy/10", welcome="always", password="never"))
    tell(order("1", "product-12", "bump-12"))
    run()

    assert mails(site) == ["thanks", "thanks"]


def test_each_site_of_an_item_welcomes_for_itself(site):
    with SandboxSite() as club:
        make_site("club", club.url, club.key)
        save(gives("product-12", "academy/8", "club/10", "club/9", welcome="always", password="never"))
        tell(order("1", "product-12"))
        run()
        lanes.run_lane("club")

        assert (mails(site), mails(club)) == (["thanks"], ["welcome"])


@pytest.mark.parametrize("welcome", ["new", "always"])
@pytest.mark.parametrize("step", ["POST /members", "POST /transactions"])
@pytest.mark.parametrize("kind", ["close_after_work", "html_200_after_work", "truncated_json_after_work"])
def test_an_answer_that_was_lost_brings_no_second_mail(site, welcome, step, kind):
    save(gives("product-12", "academy/8", "academy/9", welcome=welcome))
    site.switch(faults=[{"match": step, "kind": kind, "times": 2}])
    tell(order("1", "product-12"))
    run(6)

    assert sorted(mails(site)) == ["password", "thanks"]
    assert settled()


@pytest.mark.parametrize("welcome", ["new", "always"])
def test_an_attempt_that_never_arrived_is_made_up_for_with_its_mails(site, welcome):
    save(gives("product-12", "academy/8", welcome=welcome))
    site.switch(
        faults=[
            {"match": "POST /members", "kind": "close_before_work", "times": 1},
            {"match": "POST /transactions", "kind": "close_before_work", "times": 1},
        ]
    )
    tell(order("1", "product-12"))
    run(5)

    assert sorted(mails(site)) == ["password", "thanks"]


@pytest.mark.parametrize("welcome", ["new", "always"])
def test_another_worker_that_takes_over_sends_no_second_mail(site, welcome):
    save(gives("product-12", "academy/8", "academy/9", welcome=welcome))
    tell(order("1", "product-12"))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    lane.open_site.ensure(claim.wanted, record=lambda _: None, before_write=lambda: None)  # and here the worker died
    run(2)
    tell(rebill("1", "9", NORA, 30))
    run()

    assert sorted(mails(site)) == ["password", "thanks"]
    assert settled()


@pytest.mark.parametrize("welcome", ["new", "always"])
def test_replays_and_repetitions_send_nothing(site, welcome):
    save(gives("product-12", "academy/8", welcome=welcome))
    tell(order("1", "product-12"), {**order("1", "product-12"), "again": "1"})
    run()
    interpret.replay(list(Delivery.objects.values_list("pk", flat=True)))
    interpret.interpret_shard(3)
    run()

    assert sorted(mails(site)) == ["password", "thanks"]


def test_a_repeated_order_with_more_items_welcomes_for_the_new_one_only(site):
    save(gives("product-12", "academy/8", welcome="always"), gives("bump-12", "academy/9", welcome="always"))
    tell(order("1", "product-12"))
    run()
    tell(order("1", "product-12", "bump-12"))
    run()

    assert sorted(mails(site)) == ["password", "thanks", "thanks"]


def test_two_orders_at_the_same_moment_make_one_new_member(site):
    save(gives("product-12", "academy/8"), gives("bump-12", "academy/9"))
    tell(order("1", "product-12"), order("2", "bump-12", customer="8"))
    run()

    assert sorted(mails(site)) == ["password", "thanks"]


@pytest.mark.parametrize("welcome", ["new", "always"])
@pytest.mark.parametrize("between", [True, False])
def test_a_rebill_that_arrives_before_its_order_is_the_same_purchase(site, welcome, between):
    save(gives("product-12", "academy/8", welcome=welcome))
    tell(rebill("1", "9", NORA, 30))
    if between:
        run()
    tell(order("1", "product-12"))
    run()

    assert sorted(mails(site)) == ["password", "thanks"]
    assert settled()


def test_a_charge_that_ended_before_the_site_had_it_takes_no_welcome_with_it(site):
    save(gives("product-12", "academy/8", welcome="always"))
    tell(rebill("1", "9", NORA, 30))
    Grant.objects.update(live=False, planned_live=False)
    run()
    assert mails(site) == []
    tell(order("1", "product-12"))
    run()

    assert sorted(mails(site)) == ["password", "thanks"]


def test_an_order_that_comes_while_its_rebill_is_worked_on_is_the_same_purchase(site):
    save(gives("product-12", "academy/8", welcome="always"))
    tell(rebill("1", "9", NORA, 30))
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)
    tell(order("1", "product-12"))
    lanes._settle(lane, claim)
    run()

    assert sorted(mails(site)) == ["password", "thanks"]


@pytest.mark.parametrize("welcome", ["new", "always"])
def test_transactions_that_vanished_or_were_refunded_by_hand_are_made_again_without_a_mail(site, welcome):
    save(gives("product-12", "academy/8", "academy/9", welcome=welcome))
    tell(order("1", "product-12"))
    run()
    first, second = (row["id"] for row in site.state()["transactions"])
    site.act("POST", f"transactions/{first}/delete", {})
    site.act("POST", f"transactions/{second}", {"status": "refunded"})
    # What mending drift does: the site is to have them, whatever it showed before.
    Grant.objects.update(state=GrantState.DUE, confirmed_live=None, confirmed_until_on=None, remote_id="")
    Member.objects.update(state=MemberState.DUE)
    run()

    assert sorted(mails(site)) == ["password", "thanks"]


def test_a_member_made_again_gets_a_way_in_but_is_not_welcomed_for_the_old_purchase(site):
    save(gives("product-12", "academy/8", welcome="always"))
    tell(order("1", "product-12"))
    run()
    site.act("POST", f"members/{Member.objects.get().remote_id}/delete", {})
    tell(rebill("1", "9", NORA, 30))
    run(2)

    assert sorted(mails(site)) == ["password", "password", "thanks"]
    assert [row["email"] for row in site.state()["members"] if row["role"] == "subscriber"] == [NORA]


def test_a_changed_address_brings_neither_welcome_nor_password_mail(site):
    save(gives("product-12", "academy/8", welcome="always"))
    tell(order("1", "product-12"))
    run()
    tell(changed("9", "nora@home.test", 1))
    run()

    assert sorted(mails(site)) == ["change", "password", "thanks"]
    assert mails(site, "nora@home.test") == []


@pytest.mark.parametrize("kind", ["html_500", "close_before_work", "html_500_after_work"])
def test_a_welcome_that_got_lost_is_not_taken_for_sent_because_of_the_next_item(site, kind):
    save(gives("product-12", "academy/8"), gives("bump-12", "academy/9"))
    site.switch(faults=[{"match": "POST /transactions", "kind": kind, "times": 1}])
    tell(order("1", "product-12", "bump-12"))
    run(4)

    assert sorted(mails(site)) == ["password", "thanks"]
