import threading

import httpx2
import pytest

SHAPE = {
    "id", "email", "username", "nicename", "url", "message", "registered_at", "first_name", "last_name",
    "display_name", "active_memberships", "active_txn_count", "expired_txn_count", "trial_txn_count", "sub_count",
    "login_count", "latest_txn", "address", "profile", "recent_transactions", "recent_subscriptions",
}  # fmt: skip


def test_a_new_member_has_every_field_and_no_first_transaction(api):
    row = api.get(f"/members/{api.member('min46915')}").json()
    assert set(row) == SHAPE
    assert (row["nicename"], row["display_name"], row["registered_at"][:10]) == ("min46915", "min46915", "2026-11-22")
    assert (row["active_txn_count"], row["sub_count"], row["profile"]) == ("0", None, {})
    assert row["latest_txn"] == {"membership": "0", "member": "0", "coupon": "0", "subscription": "0"}


def test_staff_are_members_too(api):
    assert [row["username"] for row in api.get("/members").json()] == ["editor", "admin"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=min46915@x.test", ["min46915"]),
        ("search=in46915", ["min46915"]),
        ("search=MIN46915@X.TEST", ["min46915"]),
        ("search=mi_46915@x.test", ["min46915"]),
        ("search=m%2546915", ["min46915"]),
        ("search=jotag", ["jotag46915@x.test"]),
        ("search=jo%2Btag46915%40x.test", ["jotag46915@x.test"]),
        ("search=jo+tag46915@x.test", []),
        ("search=%20min46915@x.test", []),
        ("search=min46915@x.test%20", []),
        ("search=o%27brien", ["obrien"]),
        ("search=Lind", []),
        ("search[email]=min46915@x.test", []),
        ("email=min46915@x.test", ["obrien", "jotag46915@x.test", "min46915", "editor", "admin"]),
        ("username=min46915&search_email=x", ["obrien", "jotag46915@x.test", "min46915", "editor", "admin"]),
        ("per_page=2", ["obrien", "jotag46915@x.test"]),
        ("per_page=2&page=2", ["min46915", "editor"]),
        ("per_page=-1", ["obrien", "jotag46915@x.test", "min46915", "editor", "admin"]),
        ("per_page=1000", ["obrien", "jotag46915@x.test", "min46915", "editor", "admin"]),
        ("page=9", []),
        ("page=0", []),
        ("order=username&order_dir=asc", ["admin", "editor", "jotag46915@x.test", "min46915", "obrien"]),
    ],
)
def test_what_a_search_finds(api, query, found):
    api.member("min46915", first_name="Lind")
    api.post("/members", {"email": "jo+tag46915@x.test", "username": "jo+tag46915@x.test"})
    api.post("/members", {"email": "o'brien@x.test", "username": "o'brien"})
    answer = api.raw(f"/wp-json/mp/v1/members?{query}")
    assert [row["username"] for row in answer.json()] == found


def test_ten_to_a_page_newest_first_with_headers(api):
    for number in range(12):
        api.member(f"buyer{number:02}")
    first = api.get("/members")
    assert len(first.json()) == 10
    assert first.json()[0]["username"] == "buyer11"
    assert (first.headers["x-wp-total"], first.headers["x-wp-totalpages"]) == ("14", "2")
    assert 'page=2>; rel="next"' in first.headers["link"]
    second = api.get("/members", page="2")
    assert [row["username"] for row in second.json()][-1] == "admin"
    assert 'page=1>; rel="prev"' in second.headers["link"]
    past = api.get("/members", page="9")
    assert (past.json(), past.headers["x-wp-total"]) == ([], "14")
    assert api.get("/members", per_page="-1").headers["x-wp-totalpages"] == "-14"


def test_an_unknown_member_is_500_with_the_plugins_own_code(api):
    answer = api.get("/members/99999")
    assert answer.status_code == 500
    assert answer.json() == {
        "code": "mp_no_records_found",
        "message": "There were no members found with an id of 99999",
        "data": None,
    }


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"email": "a@x.test"}, "user_login must not be empty"),
        ({"email": "a@x.test", "username": ""}, "user_login must not be empty"),
        ({"username": "a"}, "user_email () must be a valid email"),
        ({"email": "not-an-email", "username": "a"}, "user_email (not-an-email) must be a valid email"),
        ({"email": "user@localhost", "username": "a"}, "user_email (user@localhost) must be a valid email"),
        ({"email": "zoë@x.test", "username": "a"}, "user_email (zoë@x.test) must be a valid email"),
        ({"email": "x@münchen.de", "username": "a"}, "user_email (x@münchen.de) must be a valid email"),
        ({"email": '"a b"@x.test', "username": "a"}, 'user_email ("a b"@x.test) must be a valid email'),
        ({"email": "taken@x.test", "username": "a"}, "Sorry, that email address is already used!"),
        ({"email": "TAKEN@X.Test", "username": "a"}, "Sorry, that email address is already used!"),
        ({"email": " taken@x.test ", "username": "a"}, "Sorry, that email address is already used!"),
        ({"email": "a@x.test", "username": "taken"}, "Sorry, that username already exists!"),
        ({"email": "a@x.test", "username": "TAKEN"}, "Sorry, that username already exists!"),
        ({"email": "a@x.test", "username": "u" * 61}, "Username may not be longer than 60 characters."),
        ({"email": "a@x.test", "username": "山田"}, "Cannot create a user with an empty login name."),
    ],
)
def test_a_refused_member_is_500_with_a_stack_trace_after_a_blank_line(api, body, message):
    api.member("taken")
    answer = api.post("/members", body)
    assert answer.status_code == 500
    assert answer.json()["code"] == "mp_db_create_error"
    words, _, trace = answer.json()["message"].partition("\n\n")
    assert words.endswith(message)
    assert trace.startswith("#0 ")
    assert len(api.site.state()["members"]) == 3


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("u" * 60, "u" * 60),
        ("山田46915", "46915"),
        ("jo+tag46915@x.test", "jotag46915@x.test"),
        ("o'brien & <b>sons</b>", "obrien sons"),
        ("zoë", "zoe"),
        ("  two  words  ", "two words"),
        ("Ann.B-c_d@x", "Ann.B-c_d@x"),
    ],
)
def test_a_login_name_is_cleaned_silently(api, sent, stored):
    assert api.post("/members", {"email": "a@x.test", "username": sent}).json()["username"] == stored


def test_two_addresses_can_collide_on_the_cleaned_login_name(api):
    api.post("/members", {"email": "jo+tag@x.test", "username": "jo+tag@x.test"})
    other = api.post("/members", {"email": "jotag@x.test", "username": "jotag@x.test"})
    assert "username already exists" in other.json()["message"]


def test_names_keep_their_letters_and_lose_their_tags(api):
    made = api.post(
        "/members",
        {
            "email": "UPPER@X.Test",
            "username": "u",
            "first_name": 'Zoë "Q"',
            "last_name": "O'Brien-Łukasz 山田 <b>x</b>",
        },
    ).json()
    assert (made["first_name"], made["last_name"]) == ('Zoë "Q"', "O'Brien-Łukasz 山田 x")
    assert made["display_name"] == 'Zoë "Q" O\'Brien-Łukasz 山田 x'
    assert made["email"] == "UPPER@X.Test"


def test_a_form_or_the_query_does_as_well_as_json(api):
    form = api.client.post(
        "/wp-json/mp/v1/members", data={"email": "f@x.test", "username": "f", "transaction[membership]": "8"}
    )
    assert form.json()["recent_transactions"][0]["membership"] == "8"
    assert api.client.post("/wp-json/mp/v1/members?email=q@x.test&username=q").json()["username"] == "q"


def test_json_that_is_not_called_json_is_not_read(api):
    answer = api.client.post(
        "/wp-json/mp/v1/members", content=b'{"email":"a@x.test","username":"a"}', headers={"Content-Type": "text/plain"}
    )
    assert answer.status_code == 500
    assert answer.json()["message"].startswith("user_email () must be a valid email")


def test_a_sent_password_works_at_login(api):
    api.member("ann", password="correct horse")
    login = api.post("/validate-login", {"login": "ann", "password": "correct horse"})
    assert login.json() == {"success": True, "data": {"validated": True}}
    assert api.post("/validate-login", {"login": "ann", "password": "x"}).json()["data"]["validated"] is False


class TestNestedTransaction:
    def make(self, api, transaction):
        return api.post("/members", {"email": "n@x.test", "username": "n", "transaction": transaction})

    def test_it_gives_access_but_the_answer_says_otherwise(self, api):
        made = self.make(
            api,
            {"membership": 8, "status": "complete", "expires_at": "2027-01-22", "amount": "29.00", "trans_num": "t-1"},
        ).json()
        assert (made["active_memberships"], made["active_txn_count"]) == ([], "1")
        assert made["latest_txn"]["trans_num"] == made["recent_transactions"][0]["trans_num"] == "t-1"
        fresh = api.get(f"/members/{made['id']}").json()
        assert [each["id"] for each in fresh["active_memberships"]] == [8]

    @pytest.mark.parametrize(
        "nested",
        [
            {"membership": 8, "status": "bogus"},
            {"status": "complete"},
            {"membership": 8, "status": "complete", "gateway": "thrivecart"},
            [],
            "8",
        ],
    )
    def test_what_is_wrong_with_it_is_nowhere_said(self, api, nested):
        made = self.make(api, nested)
        assert (made.status_code, made.json()["recent_transactions"]) == (200, [])

    @pytest.mark.parametrize(
        ("nested", "status"),
        [({"membership": 99999, "status": "complete"}, "complete"), ({"membership": 8}, "pending")],
    )
    def test_a_useless_one_is_made(self, api, nested, status):
        made = self.make(api, nested).json()
        assert made["recent_transactions"][0]["status"] == status
        assert 8 not in api.access(made["id"])


class TestUpdate:
    @pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
    def test_only_sent_fields_change_and_the_login_name_never(self, api, method):
        number = api.member("ann", first_name="Ann", last_name="Lind")
        changed = api.send(method, f"/members/{number}", {"first_name": "Anna", "username": "other"}).json()
        assert (changed["first_name"], changed["last_name"], changed["username"]) == ("Anna", "Lind", "ann")

    def test_a_new_address_is_told_to_the_old_one(self, api):
        number = api.member("ann")
        assert api.send("PUT", f"/members/{number}", {"email": "new@x.test"}).json()["email"] == "new@x.test"
        assert [(mail["to"], mail["subject"]) for mail in api.site.state()["mails"]] == [
            ("ann@x.test", "[Sandbox Academy] Email Changed")
        ]

    def test_somebody_elses_address_is_refused(self, api):
        api.member("bea")
        answer = api.send("PUT", f"/members/{api.member('ann')}", {"email": "BEA@x.test"})
        assert (answer.status_code, answer.json()["code"]) == (500, "mp_db_create_error")

    @pytest.mark.parametrize(
        ("method", "mail", "changed"),
        [("POST", "password", False), ("PUT", "password", False), ("PATCH", "change", True)],
    )
    def test_a_password_is_only_changed_by_patch(self, api, method, mail, changed):
        number = api.member("ann", password="old")
        api.send(method, f"/members/{number}", {"password": "new", "send_password_email": True})
        login = api.post("/validate-login", {"login": "ann", "password": "new"})
        assert login.json()["data"]["validated"] is changed
        assert api.mails() == [mail]

    def test_deleting_removes_the_user_and_leaves_transactions_to_nobody(self, api):
        number = api.member("ann")
        transaction = api.grant(number)["id"]
        assert api.send("DELETE", f"/members/{number}").json() is True
        assert api.get(f"/transactions/{transaction}").json()["member"] == "0"
        again = api.send("DELETE", f"/members/{number}")
        assert (again.status_code, again.json()["code"]) == (500, "mp_db_delete_error")


class TestRace:
    def at_once(self, site, bodies):
        answers = []

        def post(body):
            address = f"{site.url}/wp-json/mp/v1/members"
            answers.append(httpx2.post(address, json=body, headers={"MEMBERPRESS-API-KEY": site.key}).status_code)

        threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers)

    @pytest.mark.parametrize("names", [("same", "same"), ("one", "two")])
    def test_two_creations_within_the_window_make_two_users_with_one_address(self, site, names):
        site.switch(race_window_ms=400)
        answers = self.at_once(site, [{"email": "twin@x.test", "username": name} for name in names])
        assert answers == [200, 200]
        assert [row["email"] for row in site.state()["members"]][2:] == ["twin@x.test"] * 2

    def test_one_after_the_other_makes_one(self, api):
        api.member("twin")
        assert api.post("/members", {"email": "twin@x.test", "username": "twin2"}).status_code == 500
