"""What staff do by hand, with events before and after it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

import stored
from factories import MONTH, line, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, MemberState, StaffChange
from guestlist.access.staff import StaffRefused, change
from guestlist.domain.staff import Act

pytestmark = pytest.mark.django_db

NORA = "nora@buyers.test"
# Staff act now; what is bought "later" must be later than that.
TOMORROW = datetime.now(UTC).date() + timedelta(days=1)


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


def do(act: Act, level: str = "8", until: date | None = None, *, email: str = NORA, **fields: str) -> StaffChange:
    values = {"site_id": "academy", "who": "ada", "why": "a call", **fields}
    return change(values.pop("site_id"), email, act, level=level, until_on=until, **values)


def access(site: str = "academy") -> set[tuple[str, str, str]]:
    """(charge or "by hand", level, until) of the grants that give access at the site."""
    return {
        (grant.charge_key or "by hand", grant.level, str(grant.until_on or "for ever"))
        for grant in Grant.objects.filter(live=True, member__site=site)
    }


FIRST, SECOND = ("first", "8", "2026-04-13"), ("INV-9-2", "8", "2026-05-13")


def test_a_level_given_by_hand_makes_the_member_and_a_grant_of_its_own():
    row = do(Act.GRANT, until=TOMORROW, email="Omar@Buyers.test", first_name="Omar", last_name="Haddad")

    member = Member.objects.get()
    assert (member.email, member.email_key, member.first_name) == ("Omar@Buyers.test", "omar@buyers.test", "Omar")
    assert (member.state, member.send_password) == (MemberState.DUE, True)
    grant = Grant.objects.get()
    assert (grant.order, grant.staff_change, grant.item, grant.charge_key) == (None, row, "", "")
    assert (grant.level, grant.live, grant.until_on, grant.state) == ("8", True, TOMORROW, GrantState.DUE)
    assert (grant.amount_minor, grant.total_minor, grant.welcome) == (0, 0, "new")
    assert grant.ref.startswith("gl-hand-")
    assert len(grant.ref) == len("gl-hand-") + 24
    assert grant.charged_at == row.at
    assert grant.reason == f"given by hand on {row.at.date()} by ada (a call): access until {TOMORROW}"


def test_a_revocation_ends_what_was_given_and_no_rebill_brings_it_back():
    stored.sell_monthly()
    stored.confirm("academy")

    do(Act.REVOKE)

    assert access() == set()
    assert access("club") != set()
    assert Member.objects.get(site="academy").state == MemberState.DUE
    assert {grant.state for grant in Grant.objects.filter(member__site="academy")} == {GrantState.DUE}
    stored.deliver(rebill("2026-05-10", index=3, next_due_at="2026-06-10", frequency=MONTH, buyer=stored.NORA))
    assert access() == set()
    reasons = Grant.objects.filter(member__site="academy").values_list("reason", flat=True)
    assert len(reasons) == 3
    assert all(f"; revoked on {datetime.now(UTC).date()}, by ada (a call)" in reason for reason in reasons)
