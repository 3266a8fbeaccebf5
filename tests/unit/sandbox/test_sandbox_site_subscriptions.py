import pytest


@pytest.fixture
def ann(api):
    return api.member("ann")


def make(api, ann, **fields):
    return api.post("/subscriptions", {"member": ann, "membership": 8, **fields}).json()


def test_it_gives_no_access_and_checks_neither_number_nor_gateway(api, ann):
    assert make(api, ann)["status"] == "pending"
    assert make(api, ann)["subscr_id"].startswith("mp-sub-")
    for _ in range(2):
        made = make(api, ann, status="active", subscr_id="s-1", gateway="stripe")
    assert (made["id"], made["gateway"]) == ("4", "stripe")
    assert [row["id"] for row in api.get("/subscriptions", search="s-1").json()] == ["4", "3"]
    assert api.access(ann) == {}


def test_linked_transactions_are_numbered(api, ann):
    number = int(make(api, ann, status="active")["id"])
    rows = [api.grant(ann, subscription=number) for _ in range(2)]
    assert [(row["rebill"], row["subscription_payment_index"]) for row in rows] == [(False, 1), (True, 2)]
    assert rows[0]["subscription"]["id"] == str(number)
    assert [row["id"] for row in api.get("/transactions", subscription=str(number)).json()] == ["2", "1"]


def test_cancel_says_yes_and_does_nothing_but_put_does(api, ann):
    number = make(api, ann, status="active")["id"]
    said = api.post(f"/subscriptions/{number}/cancel", {}).json()
    assert said["message"] == "The subscription was successfully cancelled."
    assert said["data"]["data"]["status"] == "active"
    assert api.send("PUT", f"/subscriptions/{number}", {"status": "cancelled"}).json()["status"] == "cancelled"
    assert api.post(f"/subscriptions/{number}/cancel", {}).status_code == 500


def test_expire_ends_dated_transactions_and_leaves_lifetime_ones(api, ann):
    number = int(make(api, ann, status="active")["id"])
    api.grant(ann, 8, subscription=number, expires_at="2027-01-22")
    api.grant(ann, 9, subscription=number)
    assert api.post(f"/subscriptions/{number}/expire", {}).status_code == 200
    assert api.access(ann) == {9: None}


def test_deleting_takes_its_transactions_along(api, ann):
    number = int(make(api, ann, status="active")["id"])
    api.grant(ann, subscription=number)
    api.grant(ann, 9)
    assert api.send("DELETE", f"/subscriptions/{number}").json() is True
    assert [row["membership_id"] for row in api.site.state()["transactions"]] == [9]
