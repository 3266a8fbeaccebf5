import pytest

SHAPE = [
    "membership", "member", "coupon", "subscription", "id", "amount", "total", "tax_amount", "tax_reversal_amount",
    "tax_rate", "tax_desc", "tax_class", "trans_num", "status", "txn_type", "gateway", "prorated", "created_at",
    "expires_at", "corporate_account_id", "parent_transaction_id", "order_id", "refunded_at", "tax_compound",
    "tax_shipping", "response", "rebill", "subscription_payment_index",
]  # fmt: skip
LIFETIME = "0000-00-00 00:00:00"


def make(api, owner, /, **fields):
    return api.post("/transactions", {"member": owner, "membership": 8, **fields})


@pytest.fixture
def ann(api):
    return api.member("ann")


def test_the_least_that_makes_one_is_pending_for_ever_and_gives_no_access(api, ann):
    row = make(api, ann).json()
    assert list(row) == SHAPE
    assert (row["id"], row["member"]["id"], row["membership"]["id"]) == ("1", ann, 8)
    assert (row["status"], row["expires_at"], row["gateway"]) == ("pending", LIFETIME, "manual")
    assert (row["created_at"][:16], row["amount"], row["tax_rate"]) == ("2026-11-22 12:00", "0.00", "0.000")
    assert row["trans_num"].startswith("mp-txn-")
    assert (row["rebill"], row["subscription_payment_index"], row["response"]) == (False, False, None)
    assert api.access(ann) == {}


@pytest.mark.parametrize("membership", [8, 9, 10, 11])
def test_without_an_expiry_access_is_for_ever_whatever_the_membership(api, ann, membership):
    api.grant(ann, membership)
    assert api.access(ann) == {membership: None}


@pytest.mark.parametrize(
    ("sent", "stored", "access"),
    [
        (None, LIFETIME, True),
        ("", LIFETIME, True),
        ("0000-00-00 00:00:00", LIFETIME, True),
        ("2027-01-15", "2027-01-15 23:59:59", True),
        ("2027-01-15 10:30:00", "2027-01-15 23:59:59", True),
        ("2027-01-15T10:30:00Z", "2027-01-15 23:59:59", True),
        ("2027-01-15T10:30:00+09:00", "2027-01-15 23:59:59", True),
        ("01/15/2027", "2027-01-15 23:59:59", True),
        ("2027-01-15T23:30:00-08:00", "2027-01-16 23:59:59", True),
        ("+1 month", "2026-12-22 23:59:59", True),
        ("2020-01-01 00:00:00", "2020-01-01 23:59:59", False),
        (1800000000, "1970-01-01 23:59:59", False),
        ("1800000000", "1970-01-01 23:59:59", False),
        ("garbage", "1970-01-01 23:59:59", False),
        ("null", "1970-01-01 23:59:59", False),
        ("never", "1970-01-01 23:59:59", False),
        ("lifetime", "1970-01-01 23:59:59", False),
        ("2027-13-01", "1970-01-01 23:59:59", False),
    ],
)
def test_what_becomes_of_an_expiry(api, ann, sent, stored, access):
    assert api.grant(ann, expires_at=sent)["expires_at"] == stored
    assert bool(api.access(ann)) is access


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("", "2026-11-22 12:00:00"),
        (None, "2026-11-22 12:00:00"),
        ("2026-01-15 10:30:00", "2026-01-15 10:30:00"),
        ("2026-01-15T10:30:00Z", "2026-01-15 10:30:00"),
        ("2026-01-15T10:30:00+09:00", "2026-01-15 10:30:00"),
        (1800000000, LIFETIME),
        ("garbage", LIFETIME),
        ("2031-01-15 10:30:00", "2031-01-15 10:30:00"),
    ],
)
def test_what_becomes_of_a_creation_date_and_that_it_decides_nothing(api, ann, sent, stored):
    row = api.grant(ann, created_at=sent, expires_at="2027-01-15")
    assert (row["created_at"][:16], row["expires_at"]) == (stored[:16], "2027-01-15 23:59:59")
    assert api.access(ann) == {8: "2027-01-15"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"trans_num": ""}, "trans_num must not be empty"),
        ({"status": "Complete"}, "status must be pending or failed or complete or confirmed or refunded"),
        ({"status": "completed"}, "status must be pending or failed or complete or confirmed or refunded"),
        ({"status": "cancelled"}, "status must be pending or failed or complete or confirmed or refunded"),
        ({"status": ""}, "status must be pending or failed or complete or confirmed or refunded"),
        ({"gateway": "stripe"}, "gateway must be free or manual"),
        ({"gateway": "thrivecart"}, "gateway must be free or manual"),
        ({"gateway": ""}, "gateway must be free or manual"),
        ({"amount": "29,00"}, "amount (29,00) must be a valid representation of currency"),
        ({"amount": "1,234.50"}, "amount (1,234.50) must be a valid representation of currency"),
        ({"amount": "-5"}, "amount (-5) must be a valid representation of currency"),
        ({"amount": "abc"}, "amount (abc) must be a valid representation of currency"),
        ({"amount": None}, "amount () must be a valid representation of currency"),
        ({"amount": ""}, "amount () must be a valid representation of currency"),
        ({"subscription": "abc"}, "subscription_id (abc) must be a valid number"),
        ({"member": "ann@x.test"}, "user_id (ann@x.test) must be a valid number"),
        ({"member": "ann"}, "user_id (ann) must be a valid number"),
        ({"membership": "Gold monthly"}, "product_id (Gold monthly) must be a valid number"),
    ],
)
def test_a_refused_transaction_is_500_and_stores_nothing(api, ann, fields, problem):
    answer = make(api, ann, **fields)
    assert (answer.status_code, answer.json()["code"]) == (500, "mp_db_create_error")
    assert answer.json()["message"].split("\n\n")[0] == problem
    assert api.site.state()["transactions"] == []


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"amount": "29.00"}, {"amount": "29.00", "total": "0.00"}),
        ({"amount": "29.999", "total": "35"}, {"amount": "30.00", "total": "35.00"}),
        ({"amount": 29.5, "total": ""}, {"amount": "29.50", "total": "0.00"}),
        ({"tax_amount": "5.80", "tax_rate": "20"}, {"amount": "0.00", "tax_amount": "5.80", "tax_rate": "20.000"}),
        ({"trans_num": "A" * 300}, {"trans_num": "A" * 255}),
        ({"trans_num": "aB<c>d"}, {"trans_num": "aBd"}),
        ({"gateway": "free"}, {"gateway": "free"}),
        ({"subscription": 777}, {"subscription": "777"}),
        ({"id": 5000}, {"id": "1"}),
        ({"member": "99999"}, {"member": "99999"}),
        ({"membership": 99999}, {"membership": "99999"}),
    ],
)
def test_what_is_stored_of_odd_values(api, ann, fields, stored):
    row = make(api, ann, **fields).json()
    assert {name: row[name] for name in stored} == stored


def test_numbers_may_be_strings(api, ann):
    row = api.post("/transactions", {"member": str(ann), "membership": "8"}).json()
    assert (row["member"]["id"], row["membership"]["id"]) == (ann, 8)


def test_the_same_trans_num_twice_makes_two(api, ann):
    ids = {make(api, ann, trans_num="gl-1").json()["id"] for _ in range(2)}
    assert ids == {"1", "2"}


def test_a_trashed_membership_is_still_given(api, ann):
    api.site.act("POST", "memberships/9", {"status": "trash"})
    assert api.grant(ann, 9)["membership"]["status"] == "trash"
    assert api.access(ann) == {9: None}
    assert [row["id"] for row in api.get(f"/members/{ann}").json()["active_memberships"]] == [9]


def test_an_active_membership_that_is_none_shows_without_an_id(api, ann):
    api.grant(ann, 99999)
    assert [row["id"] for row in api.get(f"/members/{ann}").json()["active_memberships"]] == [None]


class TestSearch:
    @pytest.fixture(autouse=True)
    def some(self, api, ann):
        bea = api.member("bea")
        api.grant(ann, 8, trans_num="GL-order-1")
        api.grant(ann, 9, trans_num="gl-order-10")
        api.grant(bea, 8, trans_num="gl-order-2")
        make(api, ann, trans_num="gl_order_3")
        assert (ann, bea) == (3, 4)

    @pytest.mark.parametrize(
        ("query", "ids"),
        [
            ("", "4321"),
            ("search=gl-order-1", "21"),
            ("search=GL-ORDER", "321"),
            ("search=gl_order", "4321"),
            ("search=gl%25-1", "21"),
            ("member=3", "421"),
            ("member=3&membership=8", "41"),
            ("member=3&membership=8&status=complete", "1"),
            ("member=3&search=gl-order-1", "21"),
            ("status=pending", "4"),
            ("gateway=free", ""),
            ("coupon=7", ""),
            ("subscription=5", ""),
            ("member=abc", "4321"),
            ("trans_num=GL-order-1", "4321"),
            ("search=%20gl", ""),
            ("per_page=1&page=2", "3"),
        ],
    )
    def test_filters_are_exact_search_is_not_and_unknown_ones_are_ignored(self, api, query, ids):
        rows = api.raw(f"/wp-json/mp/v1/transactions?{query}").json()
        assert "".join(row["id"] for row in rows) == ids

    def test_an_unknown_one_is_500(self, api):
        answer = api.get("/transactions/9999")
        assert (answer.status_code, answer.json()["code"]) == (500, "mp_no_records_found")


class TestUpdate:
    @pytest.fixture
    def granted(self, api, ann):
        return api.grant(
            ann, expires_at="2027-01-22", amount="29.00", trans_num="gl-1", created_at="2026-01-01 10:00:00"
        )

    @pytest.mark.parametrize("method", ["PUT", "POST", "PATCH"])
    def test_only_sent_fields_change(self, api, granted, method):
        row = api.send(method, "/transactions/1", {"status": "refunded"}).json()
        assert row == {**granted, "status": "refunded"}

    def test_an_empty_body_changes_nothing(self, api, granted):
        assert api.send("PUT", "/transactions/1", {}).json() == granted

    @pytest.mark.parametrize(
        ("changes", "access", "count"),
        [
            ({"status": "refunded"}, {}, "0"),
            ({"status": "failed"}, {}, "0"),
            ({"status": "pending"}, {}, "0"),
            ({"status": "confirmed"}, {}, "1"),
            ({"expires_at": "2026-11-21"}, {}, "0"),
            ({"expires_at": "2026-11-22 00:00:01"}, {8: "2026-11-22"}, "1"),
            ({"expires_at": ""}, {8: None}, "1"),
            ({"expires_at": None}, {8: None}, "1"),
            ({"membership": 9}, {9: "2027-01-22"}, "1"),
        ],
    )
    def test_what_a_change_does_to_access(self, api, ann, granted, changes, access, count):
        assert api.send("PUT", "/transactions/1", changes).status_code == 200
        assert api.access(ann) == access
        shown = api.get(f"/members/{ann}").json()
        assert shown["active_txn_count"] == count
        assert [each["id"] for each in shown["active_memberships"]] == list(access)
        assert api.mails() == []

    def test_a_refund_can_be_undone(self, api, ann, granted):
        for status, access in (("refunded", {}), ("complete", {8: "2027-01-22"})):
            assert api.send("PUT", "/transactions/1", {"status": status}).json()["refunded_at"] == LIFETIME
            assert api.access(ann) == access

    @pytest.mark.parametrize("how", ["refund", "refund_and_cancel"])
    def test_a_refund_by_its_own_route_always_fails_and_changes_nothing(self, api, ann, granted, how):
        answer = api.post(f"/transactions/1/{how}", {})
        assert answer.status_code == 500
        assert answer.json()["message"].startswith("There was a problem refunding your transaction.")
        assert api.access(ann) == {8: "2027-01-22"}

    def test_deleting_always_says_true(self, api, ann, granted):
        for number in (1, 1, 4711):
            assert api.send("DELETE", f"/transactions/{number}").json() is True
        assert (api.access(ann), api.site.state()["transactions"]) == ({}, [])

    @pytest.mark.parametrize(
        "how", [{"headers": {"X-HTTP-Method-Override": "DELETE"}}, {"params": {"_method": "DELETE"}}]
    )
    def test_a_host_that_blocks_delete_is_got_around(self, api, granted, how):
        assert api.client.post("/wp-json/mp/v1/transactions/1", **how).json() is True
        assert api.site.state()["transactions"] == []

    def test_an_unknown_one_with_too_little_is_refused(self, api, granted):
        answer = api.send("PUT", "/transactions/4711", {"status": "complete"})
        assert answer.status_code == 500
        assert answer.json()["message"].startswith("user_id () must be a valid number")

    @pytest.mark.parametrize(
        ("membership", "expires_at"),
        [(8, "2026-12-22 23:59:59"), (9, "2027-11-22 23:59:59"), (10, LIFETIME), (11, "2027-12-31 23:59:59")],
    )
    def test_an_unknown_one_with_enough_becomes_a_new_transaction_by_the_memberships_terms(
        self, api, ann, granted, membership, expires_at
    ):
        row = api.send(
            "PUT", "/transactions/4711", {"member": ann, "membership": membership, "status": "complete"}
        ).json()
        assert (row["id"], row["expires_at"]) == ("2", expires_at)

    def test_access_ends_by_the_clock_alone(self, api, ann, granted):
        api.site.switch(now="2027-01-22T23:59:00Z")
        assert api.access(ann) == {8: "2027-01-22"}
        api.site.switch(now="2027-01-23T00:00:00Z")
        assert api.access(ann) == {}
        assert api.get(f"/members/{ann}").json()["expired_txn_count"] == "1"


class TestOverlaps:
    def refund(self, api, number):
        api.send("PUT", f"/transactions/{number}", {"status": "refunded"})

    def test_the_earlier_of_two_stays_when_the_later_is_refunded(self, api, ann):
        api.grant(ann, expires_at="2026-12-22")
        api.grant(ann, expires_at="2027-01-22")
        assert api.access(ann) == {8: "2027-01-22"}
        self.refund(api, 2)
        assert api.access(ann) == {8: "2026-12-22"}
        self.refund(api, 1)
        assert api.access(ann) == {}

    @pytest.mark.parametrize(
        ("first", "second", "until"),
        [
            ("2027-01-22", "2026-12-22", "2027-01-22"),
            ("2026-12-22", "2027-01-22", "2027-01-22"),
            ("", "2026-12-22", None),
            ("2026-12-22", "", None),
        ],
    )
    def test_the_longest_one_counts_in_whatever_order_they_came(self, api, ann, first, second, until):
        api.grant(ann, expires_at=first)
        api.grant(ann, expires_at=second)
        assert api.access(ann) == {8: until}

    def test_a_forgotten_one_without_end_keeps_access_for_ever(self, api, ann):
        api.grant(ann)
        api.grant(ann, expires_at="2020-01-01")
        assert api.access(ann) == {8: None}
        self.refund(api, 1)
        assert api.access(ann) == {}

    def test_one_membership_is_not_touched_by_anothers_end(self, api, ann):
        api.grant(ann, 10)
        api.grant(ann, 8, expires_at="2026-12-22")
        self.refund(api, 1)
        assert api.access(ann) == {8: "2026-12-22"}


def test_the_note_that_a_subscription_was_confirmed_is_listed_and_gives_no_access(api, site):
    ann = api.member("ann")
    sent = {"member": ann, "membership": 8, "status": "complete", "txn_type": "subscription_confirmation"}
    site.act("POST", "transactions", sent)
    assert api.access(ann) == {}
    [row] = api.get("/transactions").json()
    assert (row["txn_type"], row["status"]) == ("subscription_confirmation", "complete")
