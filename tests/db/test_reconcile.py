"""Reconciling with the sandbox site: each kind of drift made by hand there is found, mended, and not found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from django.utils import timezone

from db.conftest import make_cart, make_site
from db.test_planning import deliver, save
from factories import BUYER, MONTH, event, line, placed, rebill, rule
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, Member, MemberState
from guestlist.access.reconcile import read as reading
from guestlist.access.reconcile import run as runs
from guestlist.access.reconcile.models import OwnerHolding, Reconciliation, ReconciliationState, SeenHolding
from guestlist.access.reconcile.queries import latest, reconciliation, still_mending
from guestlist.access.reconcile.run import Busy, begin, reconcile, unfinished
from guestlist.access.sitestate import close_sites
from guestlist.domain.facts import Buyer, Refunded
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
UNTIL = (DUE + timedelta(days=3)).isoformat()
OTHER_DAY = (DUE + timedelta(days=300)).isoformat()
NORA = "nora@buyers.test"
MONTHLY = placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE)))


@pytest.fixture
def academy(monkeypatch):
    monkeypatch.setattr(reading, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(reading, "TRIES_AFTER", (0.0, 0.0))
    monkeypatch.setattr(reading, "LONGEST_WAIT", 0.0)
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key)
        save(rule("product-12", "academy/8"), rule("product-13", "academy/8", "academy/10", welcome_email="always"))
        yield site
    close_sites()


class Owner:
    """The site's owner at work in MemberPress by hand: the same REST API, with their own key."""

    def __init__(self, site: SandboxSite) -> None:
        self.site = site

    def call(self, method: str, route: str, body: dict | None = None) -> httpx2.Response:
        headers = {"MEMBERPRESS-API-KEY": self.site.key}
        url = f"{self.site.url}/wp-json/mp/v1{route}"
        answer = httpx2.request(method, url, json=body, headers=headers, trust_env=False)
        assert answer.status_code == 200, answer.text
        return answer

    def transaction(self, email: str = NORA, level: int = 8) -> dict:
        """Guestlist's transaction for this person and level."""
        state = self.site.state()
        ids = [person["id"] for person in state["members"] if person["email"] == email]
        ours = [row for row in state["transactions"] if row["trans_num"].startswith("gl-")]
        (found,) = [row for row in ours if row["user_id"] in ids and row["membership_id"] == level]
        return found

    def change(self, **fields: object) -> None:
        self.call("PUT", f"/transactions/{self.transaction()['id']}", fields)


def run_lane() -> None:
    Member.objects.filter(state=MemberState.DUE).update(due_at=timezone.now())
    lanes.run_lane("academy")


def access(site: SandboxSite) -> dict[str, dict[int, str | None]]:
    return {
        person["email"]: {entry["membership"]: entry["until"] for entry in person["access"]}
        for person in site.state()["members"]
        if person["role"] == "subscriber"
    }


def complete(site: SandboxSite) -> list[dict]:
    return [row for row in site.state()["transactions"] if row["status"] == "complete"]


def found(*, fix: bool | None = None) -> list[str]:
    run = reconcile("academy", fix=fix)
    assert run.state == ReconciliationState.DONE, run.reason
    return [row.kind for row in reconciliation(run).drift]


def delete_transaction(owner: Owner) -> None:
    owner.call("DELETE", f"/transactions/{owner.transaction()['id']}")


def change_date(owner: Owner) -> None:
    owner.change(expires_at=OTHER_DAY)


def make_it_last_for_ever(owner: Owner) -> None:
    owner.change(expires_at="0000-00-00 00:00:00")


def refund_by_hand(owner: Owner) -> None:
    owner.change(status="refunded")


def set_to_pending(owner: Owner) -> None:
    owner.change(status="pending")


def move_to_level(owner: Owner) -> None:
    owner.change(membership=9)


def move_to_member(owner: Owner) -> None:
    other = owner.call("POST", "/members", {"email": "else@buyers.test", "username": "else"}).json()["id"]
    owner.change(member=other)


def delete_member(owner: Owner) -> None:
    row = owner.transaction()
    owner.call("DELETE", f"/members/{row['user_id']}")


def copy_transaction(owner: Owner) -> None:
    row = owner.transaction()
    copied = {"member": row["user_id"], "membership": 8, "trans_num": row["trans_num"], "status": "complete"}
    owner.call("POST", "/transactions", {**copied, "expires_at": UNTIL})


def leave_from_a_backup(owner: Owner) -> None:
    member = owner.transaction()["user_id"]
    ref = "gl-9001-" + "a1b2c3d4e5f6" * 2
    owner.call("POST", "/transactions", {"member": member, "membership": 10, "trans_num": ref, "status": "complete"})


@pytest.mark.parametrize(
    ("by_hand", "kind", "says"),
    [
        (delete_transaction, "gone", "deleted"),
        (change_date, "other-date", OTHER_DAY),
        (make_it_last_for_ever, "other-date", "for ever"),
        (refund_by_hand, "ended", "refunded"),
        (set_to_pending, "ended", "pending"),
        (move_to_level, "other-level", "level 9"),
        (move_to_member, "other-member", "else@buyers.test"),
        (delete_member, "member-gone", "does not exist"),
        (copy_transaction, "double", "twice"),
        (leave_from_a_backup, "unknown", "does not know"),
    ],
)
def test_what_somebody_did_by_hand_is_found_and_mended_and_not_found_again(academy, by_hand, kind, says):
    deliver(MONTHLY)
    run_lane()
    assert found() == []
    by_hand(Owner(academy))
    differs = access(academy)

    run = reconcile("academy")
    (drift,) = reconciliation(run).drift
    assert (drift.kind, drift.mended) == (kind, False)
    assert says in drift.words
    assert drift.remedy
    run_lane()
    assert access(academy) == differs, "listing changes nothing"

    assert found(fix=True) == [kind]
    run_lane()
    assert {8: UNTIL}.items() == access(academy)[NORA].items()
    assert [row["trans_num"] for row in complete(academy)] == [Grant.objects.get().ref]
    assert found() == []
    assert Member.objects.get().state == MemberState.IDLE


def test_what_should_be_ended_and_was_revived_by_hand_is_ended_again(academy):
    deliver(placed(str(TODAY), line("product-12", paid_minor=2900)))
    run_lane()
    deliver(event(Refunded, str(TODAY), amount_minor=2900))
    run_lane()
    assert found() == []
    Owner(academy).change(status="complete")

    assert found() == ["revived"]
    assert found(fix=True) == ["revived"]
    run_lane()
    assert complete(academy) == []
    assert found() == []


def test_mending_sends_no_second_welcome_mail(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=2900)))
    run_lane()
    before = len(academy.state()["mails"])
    for row in complete(academy):
        Owner(academy).call("DELETE", f"/transactions/{row['id']}")

    assert found(fix=True) == ["gone", "gone"]
    run_lane()
    assert len(complete(academy)) == 2
    assert len(academy.state()["mails"]) == before
    assert found() == []


def test_what_the_owner_made_by_hand_is_no_drift_and_is_kept_to_be_shown(academy):
    deliver(MONTHLY)
    run_lane()
    member = Member.objects.get()
    own = {"member": member.remote_id, "membership": 10, "trans_num": "thanks", "status": "complete"}
    Owner(academy).call("POST", "/transactions", own)
    ended = own | {"trans_num": "long-ago", "status": "refunded"}
    Owner(academy).call("POST", "/transactions", ended)

    assert found(fix=True) == []
    run_lane()
    assert access(academy)[NORA] == {8: UNTIL, 10: None}
    assert [(row.member_id, row.level, row.ref, row.until_on) for row in OwnerHolding.objects.all()] == [
        (member.pk, "10", "thanks", None)
    ]


def test_members_who_are_being_worked_on_are_left_out(academy):
    deliver(MONTHLY)
    run_lane()
    change_date(Owner(academy))
    Member.objects.update(state=MemberState.DUE, due_at=timezone.now() + timedelta(hours=3))

    run = reconcile("academy")
    assert (run.drift.count(), run.in_work) == (0, 1)


def test_an_order_that_is_fulfilled_while_the_pages_are_read_is_no_drift(academy):
    deliver(MONTHLY)
    run_lane()

    def meanwhile(progress: object) -> None:
        deliver(rebill(str(TODAY), index=1, next_due_at=str(DUE + timedelta(days=30))))
        run_lane()

    run = reconcile("academy", progress=meanwhile)
    assert run.drift.count() == 0
    assert len(complete(academy)) == 2


def test_mending_that_is_asked_for_while_the_pages_are_read_is_done(academy):
    deliver(MONTHLY)
    run_lane()
    change_date(Owner(academy))

    run = reconcile("academy", fix=False, progress=lambda _: begin("academy", fix=True))

    assert [row.mended_at is not None for row in run.drift.all()] == [True]
    assert Reconciliation.objects.get().fix


def buyers(count: int) -> None:
    for number in range(count):
        buyer = Buyer(email=f"buyer{number}@buyers.test", customer_id=f"91{number}")
        deliver(placed(str(TODAY), line("product-12", paid_minor=2900), order_id=str(8000 + number), buyer=buyer))


def test_it_goes_on_where_a_killed_run_stopped(academy, monkeypatch):
    monkeypatch.setattr("guestlist.sites.memberpress.client.PER_PAGE", 2)
    buyers(7)
    run_lane()
    delete_transaction_of(academy, "buyer0@buyers.test")
    told = 0

    def dies(progress: object) -> None:
        nonlocal told
        told += 1
        if told == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reconcile("academy", progress=dies)
    assert unfinished(timezone.now()) == ["academy"]
    asked = len(academy.requests())

    run = reconcile("academy")
    assert [row.kind for row in run.drift.all()] == ["gone"]
    pages = [request for request in academy.requests()[asked:] if request["path"] == "/transactions"]
    assert len(pages) <= 3, "the first two pages are not read again"
    assert (run.pages_read, run.finished_at is None) == (3, False)
    assert not SeenHolding.objects.exists()
    assert unfinished(timezone.now()) == []


def delete_transaction_of(site: SandboxSite, email: str) -> None:
    owner = Owner(site)
    owner.call("DELETE", f"/transactions/{owner.transaction(email)['id']}")


def test_a_site_that_is_down_stops_it_and_it_goes_on_later(academy):
    deliver(MONTHLY)
    run_lane()
    delete_transaction(Owner(academy))
    academy.switch(down="maintenance")

    run = reconcile("academy")
    assert (run.state, run.finished_at) == (ReconciliationState.READING, None)
    assert "maintenance" in run.reason
    assert unfinished(timezone.now()) == []
    assert unfinished(timezone.now() + timedelta(hours=1)) == ["academy"]

    academy.switch(down=None)
    assert found() == ["gone"]
    assert Reconciliation.objects.count() == 1


def test_a_site_that_shows_one_page_again_and_again_is_not_read_without_an_end(academy, monkeypatch):
    monkeypatch.setattr("guestlist.sites.memberpress.client.PER_PAGE", 2)
    buyers(3)
    run_lane()
    academy.switch(faults=[{"match": "GET /transactions", "kind": "first_page", "times": 20}])

    run = reconcile("academy")

    assert run.state == ReconciliationState.FAILED
    assert "the same page" in run.reason
    assert "switch plugins off" in run.remedy
    assert not run.drift.exists()


def test_refused_credentials_end_it_with_a_remedy(academy):
    deliver(MONTHLY)
    run_lane()
    academy.switch(key="An0therKey")

    run = reconcile("academy")
    assert run.state == ReconciliationState.FAILED
    assert run.reason
    assert run.remedy


def test_whose_access_is_over_is_not_missed(academy):
    past = TODAY - timedelta(days=200)
    ended = str(past + timedelta(days=30))
    deliver(placed(str(past), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=ended)))
    run_lane()
    owner = Owner(academy)
    owner.call("DELETE", f"/members/{owner.transaction()['user_id']}")
    mails = len(academy.state()["mails"])

    assert found(fix=True) == []
    run_lane()

    assert NORA not in access(academy)
    assert len(academy.state()["mails"]) == mails


def test_a_request_that_was_taken_for_lost_and_came_through_later_is_ended(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=100), order_id="1"))
    run_lane()
    deliver(placed(str(TODAY), line("product-12", paid_minor=2900)))
    deliver(event(Refunded, str(TODAY), amount_minor=2900))
    run_lane()
    grant = Grant.objects.get(item="product-12")
    assert (grant.live, grant.remote_id) == (False, "")
    late = {"member": grant.member.remote_id, "membership": 8, "trans_num": grant.ref, "status": "complete"}
    late |= {"expires_at": "2031-01-01 23:59:59"}
    Owner(academy).call("POST", "/transactions", late)

    assert found() == ["revived"]
    assert found(fix=True) == ["revived"]
    run_lane()

    assert "2031-01-01" not in access(academy)[NORA].values()
    assert found() == []


def test_who_was_silent_too_long_leaves_it_to_whoever_took_it_over(academy):
    buyers(3)
    run_lane()
    for number in range(3):
        delete_transaction_of(academy, f"buyer{number}@buyers.test")
    others = []

    def is_slow(progress: object) -> None:
        if not others:
            Reconciliation.objects.update(beat_at=timezone.now() - timedelta(minutes=10))
            others.append(reconcile("academy"))

    with pytest.raises(Busy):
        reconcile("academy", progress=is_slow)

    assert [run.drift.count() for run in others] == [3]
    assert Reconciliation.objects.get().state == ReconciliationState.DONE


def test_only_one_runs_at_a_time(academy):
    run = begin("academy")
    Reconciliation.objects.filter(pk=run.pk).update(runner="somebody", beat_at=timezone.now())
    with pytest.raises(Busy):
        reconcile("academy")

    Reconciliation.objects.filter(pk=run.pk).update(beat_at=timezone.now() - runs.DEAD_AFTER - timedelta(seconds=1))
    assert reconcile("academy").pk == run.pk


def test_one_that_was_begun_long_ago_begins_anew(academy):
    run = begin("academy", fix=True)
    Reconciliation.objects.filter(pk=run.pk).update(started_at=timezone.now() - runs.TOO_OLD - timedelta(minutes=1))

    again = reconcile("academy")
    assert again.pk != run.pk
    assert again.fix is False


def test_the_latest_of_each_site_is_shown_and_old_ones_go(academy, monkeypatch):
    monkeypatch.setattr(runs, "KEPT", 3)
    for _ in range(5):
        reconcile("academy")
    assert Reconciliation.objects.count() == 3
    (shown,) = latest()
    assert (shown.site, shown.state, shown.found) == ("academy", ReconciliationState.DONE, 0)


def test_whom_the_lane_still_mends_is_counted(academy):
    deliver(MONTHLY)
    run_lane()
    change_date(Owner(academy))
    run = reconcile("academy", fix=True)
    assert still_mending(run) == 1
    run_lane()
    assert still_mending(run) == 0


def test_grants_given_by_hand_are_compared_like_the_others(academy):
    from guestlist.access.staff import change
    from guestlist.domain.staff import Act

    change("academy", BUYER.email or "", Act.GRANT, level="10", until_on=None, who="the owner", why="a guest")
    run_lane()
    owner = Owner(academy)
    owner.call("DELETE", f"/transactions/{owner.transaction(level=10)['id']}")

    run = reconcile("academy", fix=True)
    assert "given by the owner" in run.drift.get().words
    run_lane()
    assert access(academy)[NORA] == {10: None}
    assert found() == []
