import pytest

TERMS = ("period", "period_type", "expire_type", "expire_after", "expire_unit", "expire_fixed")


def test_every_kind_of_term_is_there_newest_first(api):
    rows = api.get("/memberships").json()
    assert [(row["id"], row["title"]) for row in rows] == [
        (11, "Season pass"),
        (10, "Lifetime"),
        (9, "Silver yearly"),
        (8, "Gold monthly"),
    ]
    terms = {row["id"]: tuple(row[name] for name in TERMS) for row in rows}
    assert terms == {
        8: ("1", "months", "none", "1", "days", ""),
        9: ("1", "lifetime", "delay", "1", "years", ""),
        10: ("1", "lifetime", "none", "1", "days", ""),
        11: ("1", "lifetime", "fixed", "1", "days", "2027-12-31"),
    }
    assert (rows[3]["price"], rows[3]["group"], rows[3]["status"]) == ("29.00", "0", "publish")


@pytest.mark.parametrize(
    ("query", "ids", "pages"),
    [
        ("per_page=3", [11, 10, 9], "2"),
        ("per_page=3&page=2", [8], "2"),
        ("page=9", [], "1"),
        ("page=0", [], "1"),
        ("per_page=-1", [11, 10, 9, 8], "-4"),
        ("per_page=1000", [11, 10, 9, 8], "1"),
        ("search=silver", [9], "1"),
    ],
)
def test_pages_and_search(api, query, ids, pages):
    answer = api.raw(f"/wp-json/mp/v1/memberships?{query}")
    assert [row["id"] for row in answer.json()] == ids
    assert answer.headers["x-wp-totalpages"] == pages


@pytest.mark.parametrize("number", [9999, 9])
def test_an_unknown_or_trashed_one_is_500(api, number):
    api.site.act("POST", "memberships/9", {"status": "trash"})
    answer = api.get(f"/memberships/{number}")
    assert answer.status_code == 500
    assert answer.json()["message"] == f"There were no memberships found with an id of {number}"
    assert 9 not in [row["id"] for row in api.get("/memberships").json()]
