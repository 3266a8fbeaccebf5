"""People as they really are, from the cart's delivery to the site: judged by the site's state."""

from __future__ import annotations

import pytest

from db.test_address_changes import academy, has, run  # noqa: F401 a fixture
from db.test_mails import order
from db.test_people_and_orders import changed, sale, tell
from guestlist.access.models import Member, MemberState
from guestlist.access.queries import person
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)


def names(site: SandboxSite) -> dict[str, tuple[str, str]]:
    return {
        row["email"]: (row["first_name"], row["last_name"])
        for row in site.state()["members"]
        if row["role"] == "subscriber"
    }


def named(number: str, email: str, name: str) -> dict[str, object]:
    return {**sale(number, number, email, 0), "customer": {"id": number, "email": email, "name": name}}


@pytest.mark.parametrize(
    ("email", "others"),
    [
        ("ann@x.test", ["joann@x.test", "ann@x.test.example", "bann@x.test"]),
        ("j_n@x.test", ["jan@x.test", "jon@x.test", "j-n@x.test"]),
        ("o'brien@x.test", ["obrien@x.test"]),
        ("ann+club@x.test", ["ann@x.test", "annclub@x.test"]),
    ],
)
def test_people_whose_addresses_look_alike_get_nothing_of_each_other(academy, email, others):  # noqa: F811
    for number, other in enumerate(others):
        academy.act("POST", "members", {"email": other, "username": f"other{number}"})
    tell(sale("1", "9", email, 0))
    run()

    assert has(academy) == {email: 1, **dict.fromkeys(others, 0)}
    assert Member.objects.get().made_by_us


def test_buyers_whose_addresses_look_alike_have_each_their_own_member(academy):  # noqa: F811
    people = ["j_n@x.test", "jan@x.test", "jjan@x.test", "jan+a@x.test", "jana@x.test", "jan@x.test.example"]
    tell(*(sale(str(number), str(number), email, 0) for number, email in enumerate(people, start=1)))
    run()

    assert has(academy) == dict.fromkeys(people, 1)


def test_of_two_users_with_one_address_the_oldest_has_the_access_and_the_owner_reads_it(academy):  # noqa: F811
    first, second = (
        academy.act("POST", "members", {"email": "nora@x.test", "username": name})["id"] for name in ("nora", "nora2")
    )
    tell(sale("1", "9", "Nora@X.test", 0))
    run()

    assert {row["user_id"] for row in academy.state()["transactions"]} == {min(first, second)}
    [member] = person("nora@x.test").members
    assert str(first) in member.alert
    assert str(second) in member.alert
    assert member.state == MemberState.IDLE


def test_a_username_that_somebody_has_already_keeps_nobody_out(academy):  # noqa: F811
    tell(sale("1", "9", "nora@x.test", 0))
    run()
    [taken] = [row["username"] for row in academy.state()["members"] if row["email"] == "nora@x.test"]
    academy.act("POST", "reset", {})
    academy.act("POST", "members", {"email": "somebody@x.test", "username": taken})
    Member.objects.update(remote_id="", made_by_us=False)
    tell(sale("2", "9", "nora@x.test", 1))
    run()

    assert has(academy)["nora@x.test"] == 1
    assert has(academy)["somebody@x.test"] == 0


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("Zo\u00eb D\u2019Arc-\u0141ukasz", "Zo\u00eb", "D\u2019Arc-\u0141ukasz"),
        ("\u5c71\u7530 \u592a\u90ce", "\u5c71\u7530", "\u592a\u90ce"),
        ("\u05d0\u05d1\u05d2", "\u05d0\u05d1\u05d2", ""),
        ("Nora \U0001f600", "Nora", "\U0001f600"),
    ],
)
def test_names_of_all_scripts_arrive_as_they_are(academy, name, first, last):  # noqa: F811
    tell(named("1", "nora@x.test", name))
    run()

    assert names(academy) == {"nora@x.test": (first, last)}


@pytest.mark.parametrize("name", ["x" * 500, "\u5c71" * 300 + " " + "\u7530" * 300, "", "\0bad\0 name\n"])
def test_a_name_that_is_too_long_or_broken_keeps_nobody_out(academy, name):  # noqa: F811
    tell(named("1", "nora@x.test", name))
    run()

    assert has(academy) == {"nora@x.test": 1}


@pytest.mark.parametrize(
    "email", ["zo\u00eb@x.test", "x@m\u00fcnchen.test", "nora@localhost", '"nora lind"@x.test', "nora at x.test"]
)
def test_an_address_that_wordpress_refuses_needs_a_person_and_holds_up_nobody_else(academy, email):  # noqa: F811
    tell(sale("1", "9", email, 0), sale("2", "8", "omar@x.test", 0))
    run()

    assert has(academy) == {"omar@x.test": 1}
    [member] = person(email).members
    assert member.state == MemberState.ATTENTION
    assert email in member.reason
    assert "cart" in member.remedy

    tell(changed("9", "nora@x.test", 1))
    run()
    assert has(academy) == {"omar@x.test": 1, "nora@x.test": 1}
    assert person("nora@x.test").members[0].state == MemberState.IDLE


def test_an_address_that_wordpress_refuses_is_corrected_by_a_later_order_too(academy):  # noqa: F811
    tell(sale("1", "9", "nora@localhost", 0))
    run()
    tell(sale("2", "9", "nora@x.test", 1))
    run()

    assert has(academy) == {"nora@x.test": 2}


def test_blanks_around_an_address_are_no_part_of_it(academy):  # noqa: F811
    tell(sale("1", "9", "  Nora@X.test ", 0), sale("2", "8", "nora@x.test\n", 0))
    run()

    assert has(academy) == {"Nora@X.test": 2}


def test_an_order_of_several_items_by_somebody_new_makes_one_member(academy):  # noqa: F811
    tell(order("1", "product-12", "product-12", email="nora@x.test"))
    run()

    assert list(has(academy)) == ["nora@x.test"]
