"""What staff do by hand, as it reaches the sandbox site: judged by the site's state."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import connection, transaction

from db.conftest import make_cart, make_site
from db.test_lane import DUE, MONTHLY, TODAY, UNTIL, by_email, complete
from db.test_planning import deliver, save
from factories import MONTH, line, placed, rebill, rule
from guestlist.access import lane as lanes
from guestlist.access import staff
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest, StaffChange
from guestlist.access.queries import ask_sites, person
from guestlist.access.sitestate import close_sites
from guestlist.access.staff import change, resend_password_mail
from guestlist.access.staff_refusals import StaffRefused
from guestlist.connections.models import Site
from guestlist.domain.staff import Act
from guestlist.orders.models import Order
from guestlist.sandbox.site.server import SandboxSite
from guestlist.sites.contract import Done, NeedsAttention
from guestlist.sites.memberpress import PLATFORM

pytestmark = pytest.mark.django_db(transaction=True)

NORA = "nora@buyers.test"


@pytest.fixture
def academy() -> Iterator[SandboxSite]:
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key)
        save(rule("product-12", "academy/8"), rule("product-13", "academy/10"))
        yield site
    close_sites()


def do(act: Act, level: str = "8", until: date | None = None, *, email: str = NORA) -> StaffChange:
    return change("academy", email, act, level=level, until_on=until, who="ada", why="a call")


def run() -> None:
    lanes.run_lane("academy")


def mails(site: SandboxSite, to: str) -> list[str]:
    return [mail["kind"] for mail in site.state()["mails"] if mail["to"] == to]


def test_who_is_given_a_level_becomes_a_member_with_the_password_mail_and_no_revenue(academy):
    change(
        "academy",
        "omar@buyers.test",
        Act.GRANT,
        level="8",
        until_on=DUE,
        who="ada",
        why="won it",
        first_name="Omar",
        last_name="Haddad",
    )
    run()

    assert by_email(academy) == {"omar@buyers.test": {8: DUE.isoformat()}}
    (row,) = complete(academy)
    assert (row["amount"], row["total"]) == ("0.00", "0.00")
    assert row["trans_num"] == Grant.objects.get().ref
    assert mails(academy, "omar@buyers.test").count("password") == 1


def test_a_revocation_ends_all_that_guestlist_made_and_a_release_gives_exactly_that_back(academy):
    deliver(MONTHLY)
    do(Act.GRANT, "10")
    run()
    before = complete(academy)
    assert len(before) == 2

    do(Act.REVOKE, "")
    run()
    assert by_email(academy) == {NORA: {}}
    assert complete(academy) == []

    deliver(rebill(str(TODAY), index=2, next_due_at=str(DUE), frequency=MONTH))
    run()
    assert by_email(academy) == {NORA: {}}

    do(Act.RELEASE, "")
    run()
    assert by_email(academy) == {NORA: {8: UNTIL, 10: None}}
    assert {row["id"] for row in before} < {row["id"] for row in complete(academy)}
    assert {grant.state for grant in Grant.objects.all()} == {GrantState.RIGHT}


def test_an_order_told_again_with_a_later_time_and_more_items_does_not_undo_a_revocation(academy):
    deliver(MONTHLY)
    run()
    do(Act.REVOKE, "")
    again = replace(MONTHLY, at=MONTHLY.at + timedelta(days=3), lines=(*MONTHLY.lines, line("product-99")))
    deliver(again)
    run()

    assert by_email(academy) == {NORA: {}}
    assert Order.objects.get().placed_at == MONTHLY.at


def test_who_is_on_hold_before_they_were_made_at_the_site_is_never_made_there(academy):
    deliver(MONTHLY)
    do(Act.HOLD, "")
    run()

    assert by_email(academy) == {}
    assert Member.objects.get().state == MemberState.IDLE
    do(Act.RELEASE, "")
    run()
    assert by_email(academy) == {NORA: {8: UNTIL}}
    assert [mails(academy, NORA).count(kind) for kind in ("password", "welcome")] == [1, 1]
    do(Act.HOLD, "")
    run()
    do(Act.RELEASE, "")
    run()
    assert [mails(academy, NORA).count(kind) for kind in ("password", "welcome")] == [1, 1]


def test_a_revocation_while_the_lane_is_at_work_on_the_member_is_carried_out_after_it(academy):
    deliver(MONTHLY)
    lane = lanes._take_over("academy")
    claim = lanes._claim(lane)

    do(Act.REVOKE)
    assert Member.objects.get().state == MemberState.WORKING
    lanes._settle(lane, claim)

    assert by_email(academy) == {NORA: {8: UNTIL}}
    assert Member.objects.get().state == MemberState.DUE
    run()
    assert by_email(academy) == {NORA: {}}


@pytest.mark.parametrize("first", ["the plan", "the staff"])
def test_a_hold_and_a_plan_of_the_same_moment_wait_for_each_other(academy, first, monkeypatch):
    """Whoever comes second sees what the first wrote; neither can overlook the other."""
    deliver(MONTHLY)
    second = placed(str(TODAY), line("product-13", paid_minor=100), order_id="7002")
    holds, goes_on = threading.Event(), threading.Event()
    actions = {"the plan": lambda: deliver(second), "the staff": lambda: do(Act.HOLD, "")}
    late = next(name for name in actions if name != first)

    def hold_the_transaction_open() -> None:
        with transaction.atomic():
            actions[first]()
            holds.set()
            assert goes_on.wait(30)
        connection.close()

    def come_second() -> None:
        actions[late]()
        connection.close()

    threads = [threading.Thread(target=hold_the_transaction_open), threading.Thread(target=come_second)]
    threads[0].start()
    assert holds.wait(30)
    threads[1].start()
    threads[1].join(0.5)
    waited = threads[1].is_alive()
    goes_on.set()
    for thread in threads:
        thread.join(30)
    assert waited

    assert set(Grant.objects.values_list("item", "live")) == {("product-12", False), ("product-13", False)}
    run()
    assert by_email(academy) == {}


def test_many_changes_and_plans_at_once_end_without_a_deadlock(academy):
    orders = [placed(str(TODAY), line("product-13", paid_minor=100), order_id=str(7100 + n)) for n in range(6)]
    deliver(MONTHLY)
    failures: list[BaseException] = []

    def in_thread(action) -> threading.Thread:
        def act() -> None:
            try:
                action()
            except StaffRefused:
                pass  # somebody else held or released first
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        return threading.Thread(target=act)

    actions = [lambda order=order: deliver(order) for order in orders]
    actions += [lambda act=act: do(act, "") for act in (Act.HOLD, Act.RELEASE, Act.REVOKE) * 2]
    actions += [run]
    threads = [in_thread(action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []

    if person(NORA).members[0].access[0].state.value == "ended":
        do(Act.RELEASE, "")
    run()
    assert by_email(academy) == {NORA: {8: UNTIL, 10: None}}


def test_the_password_mail_is_sent_again_and_its_request_is_kept(academy):
    deliver(MONTHLY)
    run()
    kept = SiteRequest.objects.count()

    outcome = resend_password_mail("academy", "NORA@buyers.test", "ada")

    assert isinstance(outcome, Done)
    assert mails(academy, NORA)[-1] == "reset"
    assert SiteRequest.objects.count() == kept + 1
    request = SiteRequest.objects.latest("id")
    assert request.member == Member.objects.get()
    assert (request.method, request.ref) == ("POST", "")


def test_a_password_mail_that_the_site_does_not_send_is_told_in_words(academy):
    deliver(MONTHLY)
    run()
    Member.objects.update(email="gone@buyers.test", email_key="gone@buyers.test")

    outcome = resend_password_mail("academy", "gone@buyers.test", "ada")

    assert isinstance(outcome, NeedsAttention)
    assert "gone@buyers.test" in outcome.reason


def test_no_password_mail_for_somebody_who_is_not_there_yet_or_not_known(academy):
    deliver(MONTHLY)

    with pytest.raises(StaffRefused, match="not yet a member"):
        resend_password_mail("academy", NORA, "ada")
    with pytest.raises(StaffRefused, match="Nobody with the address"):
        resend_password_mail("academy", "new@buyers.test", "ada")
    assert academy.requests() == []


def test_no_password_mail_from_a_platform_that_cannot_send_one(academy, monkeypatch):
    deliver(MONTHLY)
    unable = replace(PLATFORM.capabilities, can_resend_password_mail=False)
    monkeypatch.setattr(type(PLATFORM), "capabilities", unable)

    with pytest.raises(StaffRefused, match="cannot be asked") as refused:
        resend_password_mail("academy", NORA, "ada")
    assert refused.value.field == "site"


def test_no_database_connection_is_held_while_the_site_is_asked_for_the_mail(academy, monkeypatch):
    deliver(MONTHLY)
    run()
    held = []
    asked = staff.open_site(Site.objects.get()).__class__.resend_password_mail

    def watched(site, *args, **fields):
        held.append((connection.connection is not None, connection.in_atomic_block))
        return asked(site, *args, **fields)

    monkeypatch.setattr(staff.open_site(Site.objects.get()).__class__, "resend_password_mail", watched)
    resend_password_mail("academy", NORA, "ada")

    assert held == [(False, False)]


def test_what_the_owner_made_at_the_site_is_told_apart_when_the_site_is_asked(academy):
    deliver(MONTHLY)
    run()
    member = Member.objects.get().remote_id
    academy.act("POST", "transactions", {"member": int(member), "membership": 10, "trans_num": "mp-txn-by-hand"})

    shown = ask_sites(person(NORA))

    (at_site,) = [found.at_site for found in shown.members]
    assert at_site is not None
    assert at_site.problem == ""
    assert [(row.level, row.ref, row.live, row.until_on) for row in at_site.holdings] == [
        ("10", "mp-txn-by-hand", True, None)
    ]
    do(Act.REVOKE, "")
    run()
    assert by_email(academy) == {NORA: {10: None}}


def test_a_site_that_cannot_be_asked_says_why(academy):
    deliver(MONTHLY)
    run()
    academy.switch(down="maintenance")

    (member,) = ask_sites(person(NORA)).members

    assert member.at_site is not None
    assert member.at_site.problem
    assert member.at_site.holdings == []
