"""People: found, shown with what they have and why, helped by hand, their data handed out and erased."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse

import stored
from guestlist.access.models import Grant, GrantState, Member, MemberState, StaffChange
from guestlist.access.sitestate import close_sites
from guestlist.accounts import acts
from guestlist.accounts.models import AuditEntry
from guestlist.connections.models import Site
from guestlist.dashboard import listing as listings
from guestlist.domain.staff import Act
from guestlist.orders.models import Customer
from guestlist.people.erase import erase

pytestmark = pytest.mark.django_db

NORA = "nora@buyers.test"
TODAY = datetime.now(UTC).date()
SHOW = "/people/show"


@pytest.fixture
def shop(db: None) -> None:
    """Nora and Omar are members at both sites, at the club for ever."""
    stored.open_shop()
    stored.sell_monthly("7001", stored.NORA)
    stored.sell_monthly("7002", stored.OMAR)
    Grant.objects.filter(member__site="club").update(until_on=None)
    stored.confirm("academy")
    stored.confirm("club")


def page(client, path: str = "/people", **values: object) -> str:
    answer = client.get(path, values)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(html: str) -> list[str]:
    table = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [part.partition('">')[2].partition("<")[0] for part in table.split("?email=")[1:]]


def read(answer) -> list[list[str]]:
    async def parts(answer: StreamingHttpResponse) -> bytes:
        return b"".join([part async for part in answer])

    return list(csv.reader(io.StringIO(async_to_sync(parts)(answer).decode("utf-8-sig"))))


def act(client, name: str, **values: object):
    given = {"email": NORA, "site": "academy", "why": "A call."} | values
    return client.post(f"/people/{name}?email={NORA}", given)


# --- the list -----------------------------------------------------------------------------------------------------


def test_before_anybody_is_known_the_list_says_what_to_do(db, viewer):
    html = page(viewer)

    assert "Nobody yet" in html
    assert 'href="/products"' in html


def test_a_row_says_where_somebody_is_a_member_and_what_they_have(shop, viewer):
    Grant.objects.filter(member__email_key=NORA, level="8").update(until_on=TODAY + timedelta(days=9))

    html = page(viewer, text=NORA)

    assert listed(html) == ["Nora@Buyers.test", "Nora@Buyers.test"]
    for words in ("Nora Lind", "academy", "Gold monthly, until", "Lifetime, for ever", "All right"):
        assert words in html


@pytest.mark.parametrize("text", ["nora", "NORA@b", "Nora Lind", "lind", "nora@buyers.test"])
def test_people_are_found_by_the_beginning_of_address_and_name(shop, viewer, text):
    assert set(listed(page(viewer, text=text))) == {"Nora@Buyers.test"}


def test_people_are_found_by_site_level_and_state(shop, viewer):
    nora = Member.objects.filter(email_key=NORA, site="academy")
    nora.update(state=MemberState.ATTENTION, reason="The site refuses her.")
    Grant.objects.filter(member__site="academy").update(until_on=TODAY)
    Grant.objects.filter(member__in=nora).update(live=False)

    assert len(listed(page(viewer, site="club"))) == 2
    assert listed(page(viewer, level="academy/8")) == ["omar@buyers.test"]
    assert listed(page(viewer, standing="attention")) == ["Nora@Buyers.test"]
    assert "The site refuses her." in page(viewer, standing="attention")
    assert len(listed(page(viewer, standing="right"))) == 3
    Site.objects.filter(pk="club").update(active=False)
    Member.objects.filter(site="club").update(state=MemberState.DUE)
    assert len(listed(page(viewer, standing="attention"))) == 3


def test_people_sort_by_name_address_and_age_both_ways(shop, viewer, monkeypatch):
    monkeypatch.setattr(listings.listing, "__kwdefaults__", {"rows": 2})
    nora, omar = "Nora@Buyers.test", "omar@buyers.test"

    for sort in ("name", "email", "added"):
        assert listed(page(viewer, sort=sort)) == [nora, nora]
        assert listed(page(viewer, sort=f"-{sort}")) == [omar, omar]
        following = page(viewer, sort=sort).partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
        assert listed(viewer.get(f"/people{following}").content.decode()) == [omar, omar]


def test_who_bought_and_is_a_member_nowhere_is_found_too(shop, viewer):
    stored.Cart.objects.get(pk="shop")
    customer = Customer.objects.create(
        cart_id="shop",
        external_id="9",
        email="vera@buyers.test",
        email_key="vera@buyers.test",
        as_of=datetime.now(UTC),
    )

    html = page(viewer, text="vera")

    assert "members at no site" in html
    assert customer.email in html


def test_what_the_filters_leave_is_saved_as_csv(shop, viewer):
    lines = read(viewer.get("/people.csv", {"site": "club", "sort": "email"}))

    assert [row[0] for row in lines] == ["email", "Nora@Buyers.test", "omar@buyers.test"]
    assert lines[1][1:5] == ["Nora Lind", "club", "right", "Lifetime for ever"]


def test_a_file_has_days_of_the_viewers_zone(shop, viewer):
    Member.objects.update(created_at=datetime(2026, 3, 9, 23, 30, tzinfo=UTC))
    viewer.cookies["zone"] = "Europe/Berlin"

    assert {row[5] for row in read(viewer.get("/people.csv"))[1:]} == {"2026-03-10"}


# --- one person ---------------------------------------------------------------------------------------------------


def test_a_persons_page_says_what_they_have_where_and_why(shop, viewer):
    html = page(viewer, SHOW, email="NORA@buyers.test")

    for words in ("academy", "club", "Lifetime", "for ever", "Course (product-12) bought on 10 Mar 2026", "Order 7001"):
        assert words in html


def test_a_stuck_person_is_told_with_remedy_and_help(shop, viewer):
    Member.objects.filter(email_key=NORA, site="academy").update(
        state=MemberState.ATTENTION, reason="The site refuses her.", remedy="See to it."
    )

    html = page(viewer, SHOW, email=NORA)

    for words in ("The site refuses her.", "See to it.", 'href="/help/member-stuck"'):
        assert words in html


def test_nobody_is_said_to_be_nobody(shop, viewer):
    for email in ("nobody@buyers.test", "", "\0"):
        answer = viewer.get(SHOW, {"email": email})
        assert answer.status_code == 404
        assert "Nobody found" in answer.content.decode()


def test_a_viewer_sees_no_button_that_they_may_not_press(shop, viewer, operator, owner):
    of_viewer, of_operator, of_owner = (page(each, SHOW, email=NORA) for each in (viewer, operator, owner))

    assert "/people/revoke" not in of_viewer
    assert "/people/data" not in of_viewer
    assert "/people/revoke" in of_operator
    assert "/people/erase" not in of_operator
    assert "/people/erase" in of_owner


# --- what is shown is what the site confirmed ---------------------------------------------------------------------


def level(html: str, site: str, title: str) -> str:
    """The part of a person's page about one level of a site, without its reasons."""
    card = html.partition(f'">{site}</h2>')[2].partition("</section>")[0]
    return card.partition(f"<strong>{title}</strong>")[2].partition("<details")[0]


def day(on: date) -> str:
    return f">{on.day} {on:%b %Y}</time>"


def test_access_that_the_site_never_confirmed_is_not_said_to_be_there(shop, viewer):
    until = TODAY + timedelta(days=9)
    grants = Grant.objects.filter(member__email_key=NORA, level="8")
    grants.update(until_on=until, state=GrantState.DUE, confirmed_at=None, confirmed_live=None, confirmed_until_on=None)
    Member.objects.filter(email_key=NORA, site="academy").update(state=MemberState.DUE)

    shown = level(page(viewer, SHOW, email=NORA), "academy", "Gold monthly")

    assert "Has access" not in shown
    assert "Waiting" in shown
    assert "will have access until" in shown
    assert day(until) in shown
    assert "Has access" in level(page(viewer, SHOW, email=NORA), "club", "Lifetime")


def test_an_extension_that_waits_leaves_what_was_confirmed(shop, viewer):
    before, after = TODAY + timedelta(days=2), TODAY + timedelta(days=33)
    grants = Grant.objects.filter(member__email_key=NORA, level="8")
    grants.update(until_on=after, confirmed_until_on=before, state=GrantState.DUE)
    Member.objects.filter(email_key=NORA, site="academy").update(state=MemberState.DUE)

    shown = level(page(viewer, SHOW, email=NORA), "academy", "Gold monthly")

    assert "Has access" in shown
    assert "Waiting" in shown
    assert shown.index(day(before)) < shown.index("will have it until") < shown.index(day(after))


def test_a_lapsed_member_whose_rebill_waits_has_no_access(shop, viewer):
    grants = Grant.objects.filter(member__email_key=NORA, level="8")
    grants.update(confirmed_until_on=TODAY - timedelta(days=1))
    grants.update(until_on=TODAY + timedelta(days=33), state=GrantState.DUE)

    shown = level(page(viewer, SHOW, email=NORA), "academy", "Gold monthly")

    assert "Has access" not in shown
    assert "will have access until" in shown


def test_while_a_site_is_down_confirmed_access_stays_and_new_access_is_only_to_come(shop, viewer):
    until = TODAY + timedelta(days=9)
    Grant.objects.filter(level="8").update(until_on=until, confirmed_until_on=until)
    new = Grant.objects.filter(member__email_key="omar@buyers.test", level="8")
    new.update(state=GrantState.DUE, confirmed_at=None, confirmed_live=None, confirmed_until_on=None)
    Site.objects.filter(pk="academy").update(state="down", reason="The site does not answer.")

    of_nora = level(page(viewer, SHOW, email=NORA), "academy", "Gold monthly")
    of_omar = level(page(viewer, SHOW, email="omar@buyers.test"), "academy", "Gold monthly")

    assert "Has access" in of_nora
    assert "Waiting" not in of_nora
    assert "Has access" not in of_omar
    assert "Waiting" in of_omar


def test_a_revocation_that_waits_leaves_the_access_until_the_site_confirms_it(shop, operator):
    act(operator, "revoke", site="club", level="10")

    before = level(page(operator, SHOW, email=NORA), "club", "Lifetime")
    stored.confirm("club")
    after = level(page(operator, SHOW, email=NORA), "club", "Lifetime")

    assert "Has access" in before
    assert "Waiting" in before
    assert "loses it as soon as the site has confirmed the end" in before
    assert "Has access" not in after
    assert "Ended" in after


def test_who_is_stuck_before_anything_was_confirmed_needs_attention_and_has_nothing(shop, viewer):
    grants = Grant.objects.filter(member__email_key=NORA, level="10")
    grants.update(state=GrantState.ATTENTION, confirmed_at=None, confirmed_live=None, confirmed_until_on=None)
    Member.objects.filter(email_key=NORA, site="club").update(state=MemberState.ATTENTION, reason="Refused.")

    shown = level(page(viewer, SHOW, email=NORA), "club", "Lifetime")

    assert "Has access" not in shown
    assert "Needs attention" in shown
    assert "will have access for ever" in shown


def test_the_list_says_what_the_site_has_not_confirmed(shop, viewer):
    grants = Grant.objects.filter(member__site="club", member__email_key=NORA)
    row = page(viewer, site="club", text=NORA).partition("<tbody>")[2]
    assert "not confirmed" not in row

    grants.update(live=False, state=GrantState.DUE)
    row = page(viewer, site="club", text=NORA).partition("<tbody>")[2]
    assert "Lifetime" in row
    assert "its end is not confirmed by the site yet" in row

    grants.update(live=True, confirmed_at=None, confirmed_live=None, confirmed_until_on=None)
    row = page(viewer, site="club", text=NORA).partition("<tbody>")[2]
    assert "not confirmed by the site yet" in row
    assert "its end" not in row
    lines = read(viewer.get("/people.csv", {"site": "club", "text": NORA}))
    assert lines[1][4] == "Lifetime for ever (not confirmed yet)"


def test_the_list_shows_the_day_that_the_site_confirmed_beside_the_one_to_come(shop, viewer):
    before, after = TODAY + timedelta(days=2), TODAY + timedelta(days=33)
    grants = Grant.objects.filter(member__site="club", member__email_key=NORA)
    grants.update(until_on=after, confirmed_until_on=before, state=GrantState.DUE)

    row = page(viewer, site="club", text=NORA).partition("<tbody>")[2]

    assert row.index(day(before)) < row.index("will have it until") < row.index(day(after))
    lines = read(viewer.get("/people.csv", {"site": "club", "text": NORA}))
    assert lines[1][4] == f"Lifetime {before} ({after} not confirmed yet)"


# --- acts ---------------------------------------------------------------------------------------------------------


def test_each_act_says_what_it_means_before_it_is_done(shop, operator):
    for name, words in {
        "grant": "never change what is given by hand",
        "extend": "until the new last day",
        "revoke": "A new order gives access again",
        "hold": "whatever they have bought or will buy",
        "release": "counts again",
    }.items():
        html = page(operator, f"/people/{name}", email=NORA, site="academy")
        assert words in html
        assert "What they have at academy now" in html
    assert StaffChange.objects.count() == 0


def test_acts_are_done_in_the_name_of_whoever_is_signed_in(shop, operator):
    until = TODAY + timedelta(days=30)
    answers = [
        act(operator, "grant", level="9", lasts="until", until=until),
        act(operator, "extend", level="9", lasts="forever"),
        act(operator, "revoke", level="9"),
        act(operator, "release", level="9"),
        act(operator, "hold", level=""),
        act(operator, "release", level=""),
    ]

    assert [answer.status_code for answer in answers] == [303] * 6
    assert answers[0]["Location"] == "/people/show?email=nora%40buyers.test"
    done = list(StaffChange.objects.order_by("pk"))
    assert [row.act for row in done] == [
        Act.GRANT,
        Act.EXTEND,
        Act.REVOKE,
        Act.RELEASE,
        Act.HOLD,
        Act.RELEASE,
    ]
    assert {(row.who, row.why) for row in done} == {("Operator", "A call.")}
    assert done[0].until_on == until
    assert "Given by hand" in page(operator, SHOW, email=NORA)


def test_who_is_on_hold_is_not_said_to_be_all_right(shop, operator):
    act(operator, "hold", level="")
    Member.objects.filter(email_key=NORA).update(state=MemberState.IDLE)
    head = page(operator, SHOW, email=NORA).split("academy</h2>", 1)[1].split("</div>", 1)[0]
    assert "On hold" in head
    assert "All right" not in head


def test_who_is_on_hold_at_a_site_is_listed_as_such_until_the_hold_is_released(shop, viewer, operator):
    def told() -> tuple[int, int]:
        Member.objects.update(state=MemberState.IDLE)
        rows = page(viewer, text=NORA).partition("<tbody>")[2]
        return rows.count("On hold"), rows.count("All right")

    assert told() == (0, 2)
    act(operator, "hold", level="")
    assert told() == (1, 1)
    act(operator, "release", level="")
    assert told() == (0, 2)


def test_a_revocation_is_of_what_was_there_and_what_is_bought_later_is_all_right(shop, operator):
    act(operator, "revoke", level="")
    Member.objects.filter(email_key=NORA).update(state=MemberState.IDLE)
    head = page(operator, SHOW, email=NORA).split("academy</h2>", 1)[1].split("</div>", 1)[0]
    assert "All right" in head


def test_a_revocation_is_taken_back_from_the_persons_page(shop, operator):
    act(operator, "revoke", level="8")

    html = page(operator, SHOW, email=NORA)

    assert "/people/release?email=nora%40buyers.test&amp;site=academy&amp;level=8" in html
    act(operator, "release", level="8")
    assert "Take it back" not in page(operator, SHOW, email=NORA)


@pytest.mark.parametrize(
    ("site", "member", "looks"),
    [
        ({"state": "ok"}, {"state": MemberState.DUE}, True),
        ({"state": "ok"}, {"state": MemberState.WORKING}, True),
        ({"state": "ok"}, {"state": MemberState.IDLE}, False),
        ({"state": "ok"}, {"state": MemberState.ATTENTION}, False),
        ({"state": "down"}, {"state": MemberState.DUE}, False),
        ({"paused": True}, {"state": MemberState.DUE}, False),
    ],
)
def test_the_page_looks_again_by_itself_while_a_site_is_being_told(shop, viewer, site, member, looks):
    Member.objects.filter(email_key=NORA).update(state=MemberState.IDLE)
    Site.objects.filter(pk="academy").update(**site)
    Member.objects.filter(email_key=NORA, site="academy").update(**member)

    assert ('id="sites" hx-get="/people/show?email=' in page(viewer, SHOW, email=NORA)) is looks


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ({"state": "ok"}, "The site follows within moments"),
        ({"state": "down"}, "The site does not work at this moment"),
        ({"state": "down", "paused": True}, "The site is paused"),
    ],
)
def test_it_is_said_when_the_site_will_follow(shop, operator, site, words):
    Site.objects.filter(pk="academy").update(**site)
    act(operator, "revoke", level="8")
    assert words in page(operator, SHOW, email=NORA)


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("revoke", {"why": ""}, "required"),
        ("grant", {"level": "8", "lasts": "until"}, "Choose the last day"),
        ("grant", {"level": "", "lasts": "forever"}, "required"),
        ("grant", {"level": "8", "lasts": "until", "until": "2020-01-01"}, "in the past"),
        ("grant", {"level": "8", "lasts": "forever", "site": "nowhere"}, "There is no such site"),
        ("grant", {"level": "8", "lasts": "forever", "site": ""}, "Select a valid choice"),
        ("release", {"level": "8"}, "There is nothing to release"),
        ("extend", {"level": "10", "lasts": "forever", "site": "club"}, "for ever"),
        ("extend", {"level": "9", "lasts": "until", "until": date(2090, 1, 1)}, "does not have level 9 now"),
    ],
)
def test_what_cannot_be_done_is_refused_at_its_field(shop, operator, name, values, words):
    answer = act(operator, name, **values)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert StaffChange.objects.count() == 0


def test_somebody_who_is_not_known_is_given_access(shop, operator):
    new = {
        "email": "vera@buyers.test",
        "first_name": "Vera",
        "last_name": "Lind",
        "level": "academy/8",
        "lasts": "forever",
    }

    assert "First name" in page(operator, "/people/grant")
    answer = operator.post("/people/grant", {"why": "A gift.", **new})

    assert answer.status_code == 303
    vera = Member.objects.get(email_key="vera@buyers.test")
    assert (vera.site_id, vera.first_name) == ("academy", "Vera")
    assert AuditEntry.objects.get(did=acts.GRANTED).additional_data["level"] == "8"


def test_an_act_that_there_is_not_is_not_found(shop, operator):
    assert operator.get("/people/promote").status_code == 404


def test_a_stuck_person_is_tried_again(shop, operator):
    Member.objects.filter(email_key=NORA, site="academy").update(state=MemberState.ATTENTION)

    answer = operator.post("/people/again", {"email": NORA, "site": "academy"})

    assert answer.status_code == 303
    assert Member.objects.get(email_key=NORA, site="academy").state == MemberState.DUE
    assert AuditEntry.objects.filter(did=acts.TRIED_AGAIN).count() == 1


def test_a_person_is_looked_at_anew(shop, operator):
    operator.post("/people/look-anew", {"email": NORA, "site": "club"})

    member = Member.objects.get(email_key=NORA, site="club")
    assert member.state == MemberState.DUE
    assert {grant.state for grant in member.grants.all()} == {GrantState.DUE}
    assert Member.objects.get(email_key=NORA, site="academy").state == MemberState.IDLE


def test_a_site_that_cannot_be_reached_sends_no_password_mail_and_that_is_said(shop, operator):
    operator.post("/people/password", {"email": NORA, "site": "academy"})
    close_sites()

    assert "Try again later." in page(operator, SHOW, email=NORA)
    assert not AuditEntry.objects.filter(did=acts.PASSWORD_MAILED).exists()


def test_why_no_password_mail_is_sent_is_said_on_the_persons_page(shop, operator):
    Member.objects.filter(site="academy").update(remote_id="")

    answer = operator.post("/people/password", {"email": NORA, "site": "academy"})

    assert answer["Location"] == "/people/show?email=nora%40buyers.test"
    assert "is not yet a member at the site academy" in page(operator, SHOW, email=NORA)


@pytest.mark.parametrize("path", ["/people/again", "/people/look-anew", "/people/password"])
def test_who_is_not_known_is_helped_with_nothing(shop, operator, path):
    operator.post(path, {"email": "nobody@buyers.test", "site": "academy"})

    assert "is known" in page(operator)


# --- data ---------------------------------------------------------------------------------------------------------


def test_a_persons_data_is_handed_out_as_a_file(shop, operator, viewer):
    answer = operator.get("/people/data", {"email": NORA})

    assert answer["Content-Disposition"] == 'attachment; filename="person.json"'
    told = json.loads(answer.content)
    assert told["addresses"] == [NORA]
    assert len(told["members"]) == 2
    assert AuditEntry.objects.get(did=acts.EXPORTED).additional_data == {"orders": 1}
    assert viewer.get("/people/data", {"email": NORA}).status_code == 403
    assert operator.get("/people/data", {"email": "nobody@buyers.test"}).status_code == 404


def test_before_erasing_it_is_said_what_goes_and_what_becomes_of_the_access(shop, owner):
    html = page(owner, "/people/erase", email=NORA)

    for words in (NORA, "1 order", "2 members", "club", "for ever", "End it first", "Leave it", "cannot be undone"):
        assert words in html
    assert Member.objects.filter(email_key=NORA).count() == 2


def test_a_person_is_erased_by_the_owner_who_types_the_address(shop, owner, operator):
    given = {"typed": NORA.upper(), "why": f"{NORA} asked for it.", "access": "keep"}
    for slip, words in (({"typed": "omar@buyers.test"}, "This is another address."), ({"access": ""}, "required")):
        wrong = owner.post(f"/people/erase?email={NORA}", {**given, **slip})
        assert wrong.status_code == 422
        assert words in wrong.content.decode()
    assert operator.post(f"/people/erase?email={NORA}", given).status_code == 403
    assert Member.objects.filter(email_key=NORA).exists()

    answer = owner.post(f"/people/erase?email={NORA}", given)

    assert answer.status_code == 303
    assert not Member.objects.filter(email_key=NORA).exists()
    assert "nora" not in str(list(AuditEntry.objects.values_list("additional_data", flat=True))).lower()
    assert "nora" not in page(owner).partition("<tbody>")[2].lower()


def test_access_is_ended_first_where_that_is_chosen_and_that_is_waited_for(shop, owner):
    address = f"/people/erase?email={NORA}"
    answer = owner.post(address, {"typed": NORA, "why": "asked", "access": "end"})

    assert answer.status_code == 303
    assert not Grant.objects.filter(member__email_key=NORA, member__site="club", live=True).exists()
    html = page(owner, "/people/erase", email=NORA)
    assert "asked for this" in html
    assert "club has not confirmed everything yet" in html
    for where in (page(owner), page(owner, "/people/show", email=NORA)):
        assert f"{NORA} is to be erased" in where
        assert "club has not confirmed everything yet" in where
    owner.post(address, {"withdraw": "yes"})
    assert "is to be erased" not in page(owner)
    assert "asked for this" not in page(owner, "/people/erase", email=NORA)
    assert Member.objects.filter(email_key=NORA).exists()


def test_what_is_talked_about_with_a_site_is_waited_for(shop, owner):
    Member.objects.filter(email_key=NORA).update(state=MemberState.WORKING)

    owner.post(f"/people/erase?email={NORA}", {"typed": NORA, "why": "asked", "access": "keep"})

    assert Member.objects.filter(email_key=NORA).exists()
    assert "asked for this" in page(owner, "/people/erase", email=NORA)


def test_who_was_erased_is_not_known_any_more(shop, owner):
    erase(NORA)

    assert owner.get(SHOW, {"email": NORA}).status_code == 404
    assert owner.get("/people/erase", {"email": NORA}).status_code == 404


@pytest.mark.parametrize("path", ["/people", "/people.csv", SHOW, "/people/erase", "/people/data", "/people/grant"])
def test_nobody_sees_people_without_signing_in(shop, client, path):
    assert client.get(path).status_code == 302
