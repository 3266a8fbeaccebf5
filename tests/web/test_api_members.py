"""Changes by hand over HTTP: what they do, what they refuse, and who is told to have done them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

import stored
from db.conftest import make_cart, make_site
from factories import MONTH, line, placed, rule
from guestlist.access.models import Grant, Member, MemberState, StaffChange
from guestlist.access.sitestate import close_sites
from guestlist.accounts.tokens import create_token
from guestlist.fulfilment.rules import as_row
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db

NORA = "nora@buyers.test"
TODAY = datetime.now(UTC).date()
IN_A_YEAR = str(TODAY + timedelta(days=365))
ACTS = ["grant", "extend", "revoke", "hold", "release", "resend-password", "try-again"]


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


@pytest.fixture
def api() -> Client:
    return Client(headers={"Authorization": f"Bearer {create_token('help desk')}"})


def post(api: Client, act: str, **body: object):
    return api.post(f"/api/v1/members/{act}", body, content_type="application/json")


def asked(act: str, **fields: object) -> dict[str, object]:
    until = {"until": IN_A_YEAR} if act in ("grant", "extend") else {}
    return {"email": NORA, "site": "academy", "level": "8", "why": "a call", **until, **fields}


def sell() -> None:
    due = str(TODAY + timedelta(days=30))
    item = line("product-12", name="Course", paid_minor=2900, frequency=MONTH, next_due_at=due)
    stored.deliver(placed(str(TODAY), item, buyer=stored.NORA))


@pytest.mark.parametrize("act", ACTS)
def test_without_a_token_nothing_is_done(client, act):
    assert post(client, act, **asked(act)).status_code == 401
    assert StaffChange.objects.count() == 0


def test_a_level_given_by_hand_is_answered_with_the_change_and_the_person(api):
    response = post(api, "grant", **asked("grant", first_name="Nora", last_name="Lind"))

    assert response.status_code == 200
    answer = response.json()
    change = answer["change"]
    assert (change["act"], change["level"], change["level_title"]) == ("grant", "8", "Gold monthly")
    assert (change["until_on"], change["who"], change["why"]) == (IN_A_YEAR, "help desk", "a call")
    assert answer["person"] == api.get(f"/api/v1/members?email={NORA}").json()
    (member,) = answer["person"]["members"]
    assert (member["first_name"], member["state"]) == ("Nora", "due")
    (level,) = member["access"]
    assert (level["state"], level["until_on"]) == ("until", IN_A_YEAR)
    (grant,) = member["grants"]
    assert (grant["order"], grant["by_hand"]["who"], grant["by_hand"]["why"]) == (None, "help desk", "a call")


def test_null_is_for_ever_but_has_to_be_said(api):
    body = asked("grant")
    del body["until"]

    response = post(api, "grant", **body)

    assert (response.status_code, response.json()["field"]) == (422, "until")
    assert post(api, "grant", **body, until=None).status_code == 200
    assert Grant.objects.get().until_on is None


def test_whoever_reads_the_json_finds_who_denied_what_when_and_why(api):
    sell()
    post(api, "extend", **asked("extend"))
    post(api, "revoke", **asked("revoke", why="chargeback"))
    post(api, "hold", **asked("hold", level="", why="shares the password"))

    member = next(m for m in api.get(f"/api/v1/members?email={NORA}").json()["members"] if m["site"] == "academy")

    assert [(c["act"], c["level"], c["who"], c["why"], c["in_force"]) for c in member["staff_changes"]] == [
        ("extend", "8", "help desk", "a call", False),
        ("revoke", "8", "help desk", "chargeback", True),
        ("hold", "", "help desk", "shares the password", True),
    ]
    assert all(c["at"].startswith(str(TODAY)) for c in member["staff_changes"])
    assert [(grant["live"], grant["denied"]) for grant in member["grants"]] == [(False, True), (False, True)]
    on_hold = f"on hold since {TODAY}, by help desk (shares the password)"
    assert all(grant["reason"].endswith(f"; {on_hold}") for grant in member["grants"])
    assert [(level["state"], level["words"]) for level in member["access"]] == [("ended", f"none: {on_hold}")]
    (delivery,) = api.get("/api/v1/deliveries").json()["items"]
    assert [grant["deliveries"] for grant in member["grants"]] == [[delivery["id"]], []]


def test_a_release_gives_back_what_was_denied(api):
    sell()
    assert post(api, "revoke", email=NORA, site="academy", why="a call").status_code == 200

    answer = post(api, "release", email=NORA, site="academy", why="a mistake").json()

    member = next(m for m in answer["person"]["members"] if m["site"] == "academy")
    assert [level["state"] for level in member["access"]] == ["until"]
    assert [change["in_force"] for change in member["staff_changes"]] == [False, False]


@pytest.mark.parametrize(
    ("act", "fields", "status", "field"),
    [
        ("grant", {"site": "nowhere"}, 404, "site"),
        ("revoke", {}, 404, "email"),
        ("grant", {"level": "77"}, 422, "level"),
        ("grant", {"until": "2020-01-01"}, 422, "until"),
        ("grant", {"until": "soon"}, 422, "until"),
        ("grant", {"email": "börje@buyers.test"}, 422, "email"),
        ("grant", {"why": ""}, 422, "why"),
        ("grant", {"why": "  "}, 422, "why"),
        ("grant", {"who": "somebody else"}, 422, "who"),
        ("grant", {"email": "a\0b@buyers.test"}, 422, "email"),
        ("hold", {"until": IN_A_YEAR}, 422, "until"),
        ("revoke", {"first_name": "Nora"}, 422, "first_name"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_that_name_the_field(api, act, fields, status, field):
    response = post(api, act, **asked(act, **fields))

    assert (response.status_code, response.json()["field"]) == (status, field)
    assert response.json()["error"]
    assert StaffChange.objects.count() == 0


def test_stuck_members_are_tried_again(api):
    stored.sell_monthly()
    Member.objects.update(state=MemberState.ATTENTION)

    assert post(api, "try-again", site="academy").json() == {"members": 1}
    assert post(api, "try-again").json() == {"members": 1}
    assert post(api, "try-again", email="new@buyers.test").status_code == 404
    assert post(api, "try-again", emial=NORA).status_code == 422


def test_the_password_mail_is_asked_for_at_the_site(api):
    with SandboxSite() as site:
        make_site("school", site.url, site.key)
        user = site.act("POST", "members", {"email": NORA})
        assert post(api, "grant", **asked("grant", site="school", level="10")).status_code == 200
        response = post(api, "resend-password", email=NORA, site="school")
        assert (response.status_code, response.json()["field"]) == (422, "email")
        Member.objects.update(remote_id=str(user["id"]))

        response = post(api, "resend-password", email=NORA, site="school")

        assert (response.status_code, response.json()) == (200, {"email": NORA, "site": "school", "asked_for": True})
        assert [mail["kind"] for mail in site.state()["mails"] if mail["to"] == NORA][-1] == "reset"
        site.switch(down="maintenance")
        response = post(api, "resend-password", email=NORA, site="school")
        assert response.status_code == 502
        assert "Try again later." in response.json()["error"]
    close_sites()


def test_an_order_of_a_test_is_explained(api):
    make_cart("second", mode="test")
    as_row("second", rule("product-12", "academy/8")).save()
    stored.deliver(
        placed(str(TODAY), line("product-12", name="Course"), order_id="7009", buyer=stored.NORA), cart="second"
    )

    person = api.get(f"/api/v1/members?email={NORA}").json()

    assert person["members"] == []
    (note,) = person["notes"]
    assert note == "Order 7009 of second gives nothing: it is a live order, and the cart fulfils test orders only."
