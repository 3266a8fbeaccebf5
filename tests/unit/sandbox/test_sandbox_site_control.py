import asyncio
from collections import Counter

import httpx2
import pytest

from guestlist.sandbox.site.server import create_app


def test_named_sites_share_a_process_and_nothing_else(api, site):
    named = httpx2.Client(base_url=site.url_of("north"), headers={"MEMBERPRESS-API-KEY": site.key})
    with named:
        made = named.post("/wp-json/mp/v1/members", json={"email": "n@x.test", "username": "n"})
        index = named.get("/wp-json/?_fields=url").json()
        listed = named.get("/wp-json/mp/v1/members?per_page=1")
    assert made.json()["id"] == 3
    assert index["url"] == site.url_of("north")
    assert site.url_of("north") + "/wp-json/mp/v1/members?" in listed.headers["link"]
    assert len(site.state("north")["members"]) == 3
    assert len(site.state()["members"]) == 2
    state = httpx2.get(f"{site.url_of('north')}/sandbox/state").json()
    assert (state["site"], len(state["members"])) == ("north", 3)
    httpx2.post(f"{site.url_of('north')}/sandbox/reset")
    assert len(site.state("north")["members"]) == 2


def test_every_request_is_recorded_in_order_whatever_became_of_it(api, site):
    api.member("ann")
    site.switch(faults=[{"match": "GET /members", "kind": "status:500"}])
    api.get("/members", search="ann@x.test")
    api.get("/nothing")
    requests = httpx2.get(f"{site.url}/sandbox/requests").json()
    assert [(each["number"], each["method"], each["path"], each["query"]) for each in requests] == [
        (1, "POST", "/members", ""),
        (2, "GET", "/members", "search=ann%40x.test"),
        (3, "GET", "/nothing", ""),
    ]
    assert "ann@x.test" in requests[0]["body"]
    assert site.state()["requests"] == Counter({"all": 3, "POST /members": 1, "GET /members": 1, "GET /nothing": 1})


def test_the_state_over_http_is_the_state_in_process(api, site):
    api.grant(api.member("ann", first_name="Ann"), 8, expires_at="2027-01-22", amount="29.00", trans_num="gl-1")
    state = httpx2.get(f"{site.url}/sandbox/state").json()
    assert {**state, "now": 0, "switches": 0} == {**site.state(), "now": 0, "switches": 0}
    ann = state["members"][2]
    assert (ann["email"], ann["first_name"]) == ("ann@x.test", "Ann")
    assert ann["access"] == [{"membership": 8, "title": "Gold monthly", "until": "2027-01-22"}]
    [transaction] = state["transactions"]
    assert (transaction["user_id"], transaction["trans_num"], transaction["amount"]) == (3, "gl-1", "29.00")
    assert (transaction["expires_at"], transaction["gives_access"]) == ("2027-01-22 23:59:59", True)


def test_the_owner_makes_changes_and_deletes(api, site):
    def post(path, body=None):
        return httpx2.post(f"{site.url}/sandbox/{path}", json=body or {}).json()

    ann = post("members", {"email": "ann@x.test", "first_name": "Ann"})["id"]
    given = post("transactions", {"member": ann, "membership": 9, "expires_at": "2027-05-01"})
    assert (given["status"], api.access(ann)) == ("complete", {9: "2027-05-01"})
    post(f"transactions/{given['id']}", {"expires_at": "2027-06-01"})
    assert api.access(ann) == {9: "2027-06-01"}
    post(f"transactions/{given['id']}/delete")
    assert site.state()["transactions"] == []
    post(f"members/{ann}/delete")
    assert api.get(f"/members/{ann}").status_code == 500


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nowhere", {}, 404),
        ("members/99/delete", {}, 404),
        ("memberships/8", {"colour": "red"}, 400),
        ("members", {"email": "nobody"}, 400),
        ("members/abc", {}, 400),
        ("switches", [], 400),
    ],
)
def test_a_control_request_that_makes_no_sense_is_told_so(site, path, body, status):
    answer = httpx2.post(f"{site.url}/sandbox/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_the_control_routes_are_for_this_machine_only():
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/sandbox/state",
        "query_string": b"",
        "headers": [(b"host", b"sandbox.test")],
        "client": ("192.0.2.7", 5000),
        "scheme": "http",
    }
    asyncio.run(create_app()(scope, receive, send))
    assert sent[0]["status"] == 403


def test_the_clock_runs_on_from_the_date_it_was_moved_to(site):
    site.switch(now="2030-01-01")
    assert site.state()["now"].startswith("2030-01-01T00:00:")
    site.switch(now=None)
    assert not site.state()["now"].startswith("2030")
