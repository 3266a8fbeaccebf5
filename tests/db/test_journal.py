"""The journal of a lane's work: access given, changed, ended and given again; members stuck; sites down and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.conftest import make_cart, make_site
from db.test_lane import make_due
from db.test_planning import deliver, save
from factories import MONTH, event, line, placed, rebill, rule
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.sitestate import close_sites
from guestlist.access.stuck import stuck_groups
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer, Refunded
from guestlist.domain.help_topics import HelpTopic
from guestlist.journal.models import Line
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
BOUGHT = placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE)))


@pytest.fixture
def academy():
    with SandboxSite() as site:
        make_cart()
        make_site("academy", site.url, site.key)
        save(rule("product-12", "academy/8"), rule("product-13", "academy/10"))
        yield site
    close_sites()


def run() -> None:
    lanes.run_lane("academy")


def events() -> list[str]:
    return list(Line.objects.order_by("pk").values_list("event", flat=True))


def test_access_given_says_to_whom_what_and_until_when(academy):
    deliver(BOUGHT)

    run()

    grant = Grant.objects.get()
    (told,) = Line.objects.filter(event="given")
    assert (told.site, told.member, told.grant, told.order) == ("academy", grant.member_id, grant.pk, grant.order_id)
    assert (told.level, told.until_on) == ("8", grant.until_on)


def test_what_was_confirmed_before_is_not_told_again(academy):
    deliver(BOUGHT)
    run()
    before = events()

    Grant.objects.update(state=GrantState.DUE)
    Member.objects.update(state=MemberState.DUE)
    make_due()
    run()

    assert events() == before


def test_a_rebill_gives_and_a_refund_ends_its_own(academy):
    deliver(BOUGHT)
    run()
    deliver(rebill(str(TODAY), index=2, next_due_at=str(DUE + timedelta(days=30)), frequency=MONTH))
    run()
    deliver(event(Refunded, str(TODAY), amount_minor=2900, invoice_id="INV-9-2"))
    run()

    assert [name for name in events() if name != "site-works"] == ["given", "given", "ended"]


def test_what_never_was_at_the_site_does_not_end_there(academy):
    deliver(BOUGHT, event(Refunded, str(TODAY), amount_minor=2900))

    run()

    assert "ended" not in events()
    assert "given" not in events()


def test_access_given_again_is_no_first_time(academy):
    deliver(BOUGHT)
    run()
    Grant.objects.update(state=GrantState.DUE, live=False)
    Member.objects.update(state=MemberState.DUE)
    make_due()
    run()
    Grant.objects.update(state=GrantState.DUE, live=True)
    Member.objects.update(state=MemberState.DUE)
    make_due()
    run()

    assert [name for name in events() if name != "site-works"] == ["given", "ended", "restored"]


def test_another_last_day_is_a_change(academy):
    deliver(BOUGHT)
    run()
    Grant.objects.update(state=GrantState.DUE, until_on=DUE + timedelta(days=60))
    Member.objects.update(state=MemberState.DUE)
    make_due()
    run()

    assert events()[-1] == "changed"
    assert Line.objects.latest("pk").until_on == DUE + timedelta(days=60)


def test_a_member_whom_the_site_refuses_is_told_once_with_the_reason(academy):
    deliver(placed(str(TODAY), line("product-13", paid_minor=900), buyer=Buyer("zoë@buyers.test", "9")))
    run()

    member = Member.objects.get()
    (told,) = Line.objects.filter(event="stuck")
    assert member.state == MemberState.ATTENTION
    assert (told.member, told.words) == (member.pk, member.reason)
    assert member.help == HelpTopic.MEMBER_STUCK


def test_a_level_that_the_site_does_not_have_leads_to_its_page_of_help(academy):
    save(rule("product-14", "academy/77"))
    deliver(placed(str(TODAY), line("product-14", paid_minor=900)))

    (group,) = stuck_groups()
    assert (group.help, group.count) == (HelpTopic.LEVEL_MISSING, 1)
    (told,) = Line.objects.filter(event="stuck")
    assert told.order == Grant.objects.get().order_id


def test_a_site_that_goes_down_and_comes_back_is_two_lines(academy):
    deliver(BOUGHT)
    academy.switch(down="maintenance")
    run()
    run()
    make_due()
    academy.switch(down=None)
    make_due()
    run()

    assert events() == ["site-down", "site-works", "given"]
    assert Line.objects.get(event="site-down").words


def test_a_site_in_trouble_has_a_page_of_help_as_long_as_it_lasts(academy):
    deliver(BOUGHT)
    academy.switch(plugin_active=False)
    run()
    assert Site.objects.get().help == HelpTopic.DEVELOPER_TOOLS_MISSING
    academy.switch(plugin_active=True)
    make_due()
    run()

    assert Site.objects.get().help == ""
