import httpx2
import pytest


@pytest.fixture
def ann(api):
    return api.member("ann")


def make(api, ann):
    return api.post("/transactions", {"member": ann, "membership": 8})


def made(api):
    return len(api.site.state()["transactions"])


def fault(site, kind, **fields):
    site.switch(faults=[{"match": "POST /transactions", "kind": kind, **fields}])


@pytest.mark.parametrize(("kind", "done"), [("close_after_work", 1), ("close_before_work", 0)])
def test_a_connection_closed_before_or_after_the_work(api, site, ann, kind, done):
    fault(site, kind)
    with pytest.raises(httpx2.RemoteProtocolError):
        make(api, ann)
    assert made(api) == done
    assert make(api, ann).status_code == 200


@pytest.mark.parametrize(("kind", "done"), [("hang_after_work", 1), ("hang", 0)])
def test_a_hang_before_or_after_the_work(api, site, ann, kind, done):
    fault(site, kind)
    api.client.timeout = httpx2.Timeout(0.3)
    with pytest.raises(httpx2.ReadTimeout):
        make(api, ann)
    assert made(api) == done


@pytest.mark.parametrize(
    ("kind", "status", "done"),
    [("html_200", 200, 0), ("html_200_after_work", 200, 1), ("html_500", 500, 0), ("html_500_after_work", 500, 1)],
)
def test_a_page_instead_of_the_answer(api, site, ann, kind, status, done):
    fault(site, kind)
    answer = make(api, ann)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert made(api) == done


def test_half_of_the_answer(api, site, ann):
    fault(site, "truncated_json_after_work")
    answer = make(api, ann)
    assert answer.status_code == 200
    with pytest.raises(ValueError):
        answer.json()
    assert made(api) == 1


@pytest.mark.parametrize(("status", "retry_after"), [(429, "7"), (503, "7"), (403, None)])
def test_any_status(api, site, ann, status, retry_after):
    fault(site, f"status:{status}", retry_after=7)
    answer = make(api, ann)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert made(api) == 0


def test_a_redirect(api, site, ann):
    fault(site, "redirect:https://elsewhere.test/x")
    assert make(api, ann).headers["location"] == "https://elsewhere.test/x"


def test_another_id_than_the_right_one(api, site, ann):
    fault(site, "wrong_id")
    assert make(api, ann).json()["id"] == "1000001"
    assert [row["id"] for row in api.site.state()["transactions"]] == [1]


def test_an_answer_that_does_not_end_soon(api, site, ann):
    fault(site, "slow_body")
    with api.client.stream("POST", "/wp-json/mp/v1/transactions", json={"member": ann, "membership": 8}) as answer:
        assert answer.status_code == 200
        assert len(next(answer.iter_raw())) < 100
    assert made(api) == 1


def test_an_answer_far_too_large(api, site, ann):
    fault(site, "huge")
    with api.client.stream("POST", "/wp-json/mp/v1/transactions", json={"member": ann, "membership": 8}) as answer:
        assert int(answer.headers["content-length"]) > 50_000_000
    assert made(api) == 1


def test_so_many_times_after_so_many(api, site, ann):
    fault(site, "status:500", skip=1, times=2)
    assert [make(api, ann).status_code for _ in range(4)] == [200, 500, 500, 200]


def test_until_switched_off(api, site, ann):
    fault(site, "status:500", times=None)
    assert [make(api, ann).status_code for _ in range(3)] == [500] * 3
    site.switch(faults=[])
    assert make(api, ann).status_code == 200


@pytest.mark.parametrize(
    ("match", "met"),
    [
        ("POST /transactions", True),
        ("* /", True),
        ("* /transactions", True),
        ("POST /trans", False),
        ("GET /transactions", False),
        ("POST /transactions/1", False),
    ],
)
def test_which_requests_meet_a_fault(api, site, ann, match, met):
    site.switch(faults=[{"match": match, "kind": "status:418"}])
    assert (make(api, ann).status_code == 418) is met


@pytest.mark.parametrize(
    "switches",
    [
        {"nothing": 1},
        {"latency_ms": -1},
        {"latency_ms": "soon"},
        {"down": "on fire"},
        {"plugin_active": "yes"},
        {"faults": [{"match": "POST", "kind": "hang"}]},
        {"faults": [{"match": "POST /members", "kind": "melt"}]},
        {"faults": [{"match": "POST /members", "kind": "status:abc"}]},
        {"faults": [{"match": "GET /members", "kind": "old_answer:sometimes"}]},
        {"login_guard": "a dog"},
        {"faults": [{"kind": "hang"}]},
        {"key": ""},
        {"now": "tomorrow"},
    ],
)
def test_a_switch_that_makes_no_sense_is_refused_and_sets_nothing(site, switches):
    before = site.state()["switches"]
    answer = httpx2.post(f"{site.url}/sandbox/switches", json={"strip_authorization": True, **switches})
    assert answer.status_code == 400
    assert answer.json()["error"].split(":")[0].split(" ")[0] in {*switches, "fault"}
    after = site.state()["switches"]
    assert {**after, "now": None} == {**before, "now": None}


def test_latency_delays_each_answer(api, site):
    site.switch(latency_ms=300)
    assert api.get("/me").elapsed.total_seconds() >= 0.3


class TestOfOneMemberOnly:
    @pytest.fixture
    def bob(self, api):
        return api.member("bob")

    @pytest.fixture(autouse=True)
    def trouble(self, site, ann, bob):
        site.switch(faults=[{"match": "* /", "kind": "status:418", "times": None, "email": "Ann@x.test"}])

    @pytest.mark.parametrize("name", ["ann", "bob"])
    def test_requests_that_name_the_member_in_any_way_meet_the_fault(self, api, site, ann, bob, name):
        met = 418 if name == "ann" else 200
        member = ann if name == "ann" else bob
        given = api.site.act("POST", "transactions", {"member": member, "membership": 8})["id"]
        answers = [
            api.get("/members", search=f"{name}@x.test"),
            api.get(f"/members/{member}"),
            api.get("/transactions", member=str(member)),
            api.get(f"/transactions/{given}"),
            api.send("PUT", f"/transactions/{given}", {"status": "refunded"}),
            api.post("/transactions", {"member": member, "membership": 8}),
        ]
        assert [answer.status_code for answer in answers] == [met] * len(answers)
        form = {"user_login": f"{name}@x.test"}
        page = api.client.post("/wp-login.php?action=lostpassword", data=form)
        assert page.status_code == (418 if name == "ann" else 302)

    def test_a_member_to_be_made_counts_too(self, api, site):
        site.switch(faults=[{"match": "POST /members", "kind": "status:418", "email": "cy@x.test"}])
        assert api.post("/members", {"email": "dee@x.test", "username": "dee"}).status_code == 200
        assert api.post("/members", {"email": "cy@x.test", "username": "cy"}).status_code == 418

    @pytest.mark.parametrize("route", ["/me", "/memberships", "/transactions", "/transactions/99", "/members/99"])
    def test_requests_about_nobody_in_particular_do_not(self, api, route):
        assert api.get(route).status_code != 418

    def test_a_body_that_is_no_json_names_nobody(self, api):
        answer = api.client.post(
            "/wp-json/mp/v1/members", headers={"Content-Type": "application/json"}, content=b'{"email": "ann@x.test"'
        )
        assert answer.json()["code"] == "rest_invalid_json"


class TestAnOldAnswer:
    def old(self, site, kind="old_answer"):
        site.switch(faults=[{"match": "* /", "kind": kind, "times": None}])

    def transactions(self, api, **query):
        answer = api.get("/transactions", **query)
        return len(answer.json()), answer.headers.get("age")

    def test_the_same_address_gets_the_answer_that_was_kept(self, api, site, ann):
        self.old(site)
        assert self.transactions(api) == (0, None)
        assert make(api, ann).status_code == 200
        assert self.transactions(api) == (0, "300")
        assert self.transactions(api, _="1") == (1, None)

    def test_a_cache_that_does_not_look_at_the_query_mixes_up_everything(self, api, site, ann):
        self.old(site, "old_answer:route")
        assert self.transactions(api, search="nothing") == (0, None)
        assert make(api, ann).status_code == 200
        assert self.transactions(api, _="1") == (0, "300")

    def test_what_must_not_be_stored_is_not(self, api, site, ann):
        self.old(site)
        auth = httpx2.BasicAuth(site.username, site.application_password)
        with httpx2.Client(auth=auth) as client:
            for expected in (0, 1):
                answer = client.get(f"{site.url}/wp-json/mp/v1/transactions")
                assert (len(answer.json()), answer.headers.get("age")) == (expected, None)
                make(api, ann)
