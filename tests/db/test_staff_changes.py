"""What staff do by hand, with events before and after it."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import transaction

import stored
from db.conftest import make_site
from factories import MONTH, line, moment, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, MemberState, StaffChange
from guestlist.access.staff import change, try_members_again
from guestlist.access.staff_refusals import NotKnown, StaffRefused
from guestlist.connections.models import Site
from guestlist.domain.facts import CustomerChanged, Item, Mode, Refunded
from guestlist.domain.staff import Act
from guestlist.fulfilment.planning import replan, replan_blocked
from guestlist.fulfilment.rules import as_row
from guestlist.inbox.models import Delivery
from guestlist.orders.codec import StoredFact, fact_from_json
from guestlist.orders.models import Fact, Order
from guestlist.orders.record import record

pytestmark = pytest.mark.django_db

NORA = "nora@buyers.test"
TODAY = datetime.now(UTC).date()
# Staff act now, so what is bought "later" is bought tomorrow.
TOMORROW = TODAY + timedelta(days=1)
IN_A_MONTH, IN_A_YEAR = TODAY + timedelta(days=30), TODAY + timedelta(days=365)
GRACE = timedelta(days=3)


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


def do(act: Act, level: str = "8", until: date | None = None, *, email: str = NORA, **fields: str) -> StaffChange:
    values = {"site_id": "academy", "who": "ada", "why": "a call", **fields}
    return change(values.pop("site_id"), email, act, level=level, until_on=until, **values)


def sell(day: date, number: str = "7001", *, due: date, item: str = "product-12") -> Order:
    """A monthly subscription."""
    fields = {"paid_minor": 2900, "frequency": MONTH, "next_due_at": str(due)}
    stored.deliver(placed(str(day), line(item, name="Course", **fields), order_id=number, buyer=stored.NORA))
    return Order.objects.get(external_id=number)


def pay_again(day: date, number: str = "7001", *, due: date, index: int = 2) -> None:
    stored.deliver(
        rebill(str(day), index=index, next_due_at=str(due), frequency=MONTH, order_id=number, buyer=stored.NORA)
    )


def refund(number: str) -> None:
    stored.deliver(
        Refunded(
            order_id=number,
            mode=Mode.LIVE,
            at=moment(str(TODAY)),
            buyer=stored.NORA,
            currency="USD",
            item=Item.parse("product-12"),
            amount_minor=2900,
            amount_gross_minor=2900,
        )
    )


def tell_again(delivery: Delivery, *facts: StoredFact) -> None:
    """A replay; with facts, it is read as these now."""
    told = [fact_from_json(row.data) for row in Fact.objects.filter(delivery_id=delivery.pk).order_by("id")]
    with transaction.atomic():
        for order in record("shop", facts or told, delivery.pk).orders:
            replan(order)


def access(site: str = "academy") -> set[tuple[str, str, str]]:
    """(order or "by hand", level, until) of the grants that give access at the site."""
    return {
        (grant.order.external_id if grant.order else "by hand", grant.level, str(grant.until_on or "for ever"))
        for grant in Grant.objects.filter(live=True, member__site=site).select_related("order")
    }


def desired() -> list[tuple[object, ...]]:
    """All that is desired of the sites and said of it."""
    rows = Grant.objects.order_by("id")
    return list(rows.values_list("id", "live", "until_on", "reason", "blocked"))


# Given by hand


def test_a_level_given_by_hand_makes_the_member_and_a_grant_of_its_own():
    row = do(Act.GRANT, until=TOMORROW, email="Omar@Buyers.test", first_name="Omar", last_name="Haddad")

    member = Member.objects.get()
    assert (member.email, member.email_key, member.first_name) == ("Omar@Buyers.test", "omar@buyers.test", "Omar")
    assert (member.state, member.send_password) == (MemberState.DUE, True)
    grant = Grant.objects.get()
    assert (grant.order, grant.staff_change, grant.item, grant.charge_key) == (None, row, "", "")
    assert (grant.level, grant.live, grant.until_on, grant.state) == ("8", True, TOMORROW, GrantState.DUE)
    assert (grant.amount_minor, grant.total_minor, grant.welcome) == (0, 0, "new")
    assert grant.ref.startswith("gl-hand-")
    assert len(grant.ref) == len("gl-hand-") + 24
    assert grant.charged_at == row.at
    assert grant.reason == f"given by hand on {row.at.date()} by ada (a call): access until {TOMORROW}"


def test_each_grant_by_hand_has_a_reference_of_its_own():
    do(Act.GRANT, until=TOMORROW)
    do(Act.GRANT, until=IN_A_MONTH)

    assert len(set(Grant.objects.values_list("ref", flat=True))) == 2


@pytest.mark.parametrize(
    ("first", "again"), [(TOMORROW, TOMORROW), (IN_A_MONTH, TOMORROW), (None, None), (None, TODAY)]
)
def test_what_was_given_by_hand_is_not_given_twice(first, again):
    do(Act.GRANT, until=first)

    with pytest.raises(StaffRefused, match=r"has level 8 (until|for ever)"):
        do(Act.GRANT, until=again)

    assert Grant.objects.count() == 1


def test_what_was_bought_or_revoked_can_be_given():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, until=TOMORROW)
    do(Act.REVOKE)
    do(Act.GRANT, until=TOMORROW)

    assert Grant.objects.filter(live=True, level="8").count() == 1


def test_a_buyer_without_a_member_at_the_site_is_given_a_level_under_the_name_of_the_cart():
    stored.deliver(placed("2026-03-10", line("product-99", name="Book"), order_id="7005", buyer=stored.NORA))

    do(Act.GRANT, email="NORA@buyers.test")

    assert Member.objects.values_list("email_key", "first_name", "last_name").get() == (NORA, "Nora", "Lind")


def test_a_buyer_who_has_another_address_at_the_cart_is_the_member_they_are():
    sell(TODAY, due=IN_A_MONTH)
    Member.objects.update(remote_id="41")
    moved = moment(str(TODAY)) + timedelta(hours=20)
    stored.deliver(CustomerChanged(customer_id=stored.NORA.customer_id, at=moved, email="nora.new@buyers.test"))

    do(Act.GRANT, "9", email="nora.new@buyers.test")

    assert Member.objects.filter(site="academy").count() == 1
    assert access() == {("7001", "8", str(IN_A_MONTH + GRACE)), ("by hand", "9", "for ever")}


def test_what_was_given_by_hand_survives_the_refund_of_an_order_of_the_same_level():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, until=IN_A_YEAR)

    refund("7001")

    assert access() == {("by hand", "8", str(IN_A_YEAR))}


def test_an_extension_stands_beside_a_subscription():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.EXTEND, until=IN_A_YEAR)
    pay_again(IN_A_MONTH, due=IN_A_MONTH + timedelta(days=30))

    assert access() == {
        ("7001", "8", str(IN_A_MONTH + GRACE)),
        ("7001", "8", str(IN_A_MONTH + timedelta(days=30) + GRACE)),
        ("by hand", "8", str(IN_A_YEAR)),
    }
    by_hand = Grant.objects.get(order=None)
    assert by_hand.reason.startswith("extended by hand")
    assert by_hand.welcome == "never"


# Revoked


def test_a_revocation_ends_what_was_given_and_no_rebill_brings_it_back():
    sell(TODAY, due=IN_A_MONTH)
    stored.confirm("academy")

    do(Act.REVOKE)

    assert access() == set()
    assert access("club") != set()
    assert Member.objects.get(site="academy").state == MemberState.DUE
    assert Grant.objects.get(member__site="academy").state == GrantState.DUE
    pay_again(IN_A_MONTH, due=IN_A_MONTH + timedelta(days=30))
    assert access() == set()
    reasons = Grant.objects.filter(member__site="academy").values_list("reason", flat=True)
    assert len(reasons) == 2
    assert all(f"; revoked on {TODAY}, by ada (a call)" in reason for reason in reasons)


def test_a_new_order_after_a_revocation_gives_access_again():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.REVOKE)

    sell(TOMORROW, "7002", due=IN_A_MONTH)

    assert access() == {("7002", "8", str(IN_A_MONTH + GRACE))}


def test_an_order_of_before_that_is_delivered_after_the_revocation_gives_nothing():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.REVOKE)

    sell(TODAY - timedelta(days=1), "7002", due=IN_A_MONTH)

    assert access() == set()


def test_a_revocation_of_one_level_leaves_the_others():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, "9")

    do(Act.REVOKE, "8")

    assert access() == {("by hand", "9", "for ever")}


def test_a_revocation_of_all_levels_takes_what_was_given_by_hand_as_well():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, "9")

    do(Act.REVOKE, "")

    assert access() == set()
    do(Act.GRANT, "9", until=TOMORROW)
    assert access() == {("by hand", "9", str(TOMORROW))}


# Held


def test_whoever_is_on_hold_gets_nothing_whatever_is_bought_replayed_or_given():
    sell(TODAY, due=IN_A_MONTH)

    do(Act.HOLD, "")
    sell(TOMORROW, "7002", due=IN_A_MONTH)
    do(Act.GRANT, "9")
    for delivery in Delivery.objects.all():
        tell_again(delivery)

    assert access() == set()
    assert access("club") != set()
    assert all(
        "on hold since" in reason for reason in Grant.objects.filter(live=False).values_list("reason", flat=True)
    )


def test_a_buyer_can_be_kept_out_of_a_site_before_they_buy_there():
    stored.deliver(placed("2026-03-10", line("product-99", name="Book"), order_id="7005", buyer=stored.NORA))

    do(Act.HOLD, "8")

    assert Member.objects.get().state == MemberState.IDLE
    sell(TOMORROW, "7002", due=IN_A_MONTH)
    assert access() == set()
    assert access("club") == {("7002", "10", str(IN_A_MONTH + GRACE))}


# Released


@pytest.mark.parametrize("denials", [[Act.HOLD], [Act.REVOKE], [Act.HOLD, Act.REVOKE], [Act.REVOKE, Act.HOLD]])
@pytest.mark.parametrize(("denied", "released"), [("8", "8"), ("", ""), ("8", "")])
def test_a_release_restores_exactly_what_is_planned_by_then(denials, denied, released):
    order = sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, "9", until=IN_A_YEAR)
    for act in denials:
        do(act, denied)
    pay_again(TOMORROW, due=IN_A_MONTH + timedelta(days=30))
    sell(TOMORROW, "7002", due=IN_A_MONTH)
    refund("7002")

    do(Act.RELEASE, released)

    assert access() == {
        ("7001", "8", str(IN_A_MONTH + GRACE)),
        ("7001", "8", str(IN_A_MONTH + timedelta(days=30) + GRACE)),
        ("by hand", "9", str(IN_A_YEAR)),
    }
    said = desired()
    for delivery in Delivery.objects.all():
        tell_again(delivery)
    assert desired() == said
    assert not any("by ada" in reason for reason in order.grants.values_list("reason", flat=True))


def test_what_is_not_planned_any_more_does_not_come_back_by_a_release():
    as_row("shop", rule("product-13", "academy/9", access="forever")).save()
    delivery = stored.deliver(placed("2026-03-10", line("product-13"), order_id="7002", buyer=stored.NORA))
    do(Act.HOLD, "")
    tell_again(delivery, placed("2026-03-10", line("product-99"), order_id="7002", buyer=stored.NORA))

    do(Act.RELEASE, "")

    assert access() == set()
    assert Grant.objects.get(item="product-13").reason == "no longer part of what was bought"


def test_an_order_that_is_told_again_with_a_later_time_stays_revoked():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.REVOKE, "")
    assert access() == set()

    stored.deliver(
        placed(
            str(TODAY + timedelta(days=3)),
            line("product-12", name="Course", paid_minor=2900, frequency=MONTH, next_due_at=str(IN_A_MONTH)),
            line("product-99"),
            buyer=stored.NORA,
        )
    )

    assert access() == set()


def test_a_release_before_the_site_confirmed_the_hold_has_the_grant_proved_again():
    sell(TODAY, due=IN_A_MONTH)
    stored.confirm("academy")
    do(Act.HOLD, "")
    assert Grant.objects.get(member__site="academy").state == GrantState.DUE

    do(Act.RELEASE, "")

    grant = Grant.objects.get(member__site="academy")
    assert (grant.live, grant.state) == (True, GrantState.DUE), "a lane may have ended it at the site meanwhile"


def test_a_grant_that_waits_for_levels_waits_again_after_a_release():
    Site.objects.update(levels=[], levels_read_at=None)
    as_row("shop", rule("product-13", "academy/9", access="level-terms")).save()
    stored.deliver(placed(str(TODAY), line("product-13"), order_id="7002", buyer=stored.NORA))

    do(Act.HOLD, "")
    assert Grant.objects.get().state == GrantState.DUE
    do(Act.RELEASE, "")

    assert Grant.objects.get().state == GrantState.BLOCKED


@pytest.mark.parametrize("arrival", list(itertools.permutations(["old order", "its rebill", "new order"])))
def test_whatever_arrives_first_after_a_revocation_only_the_new_order_gives_access(arrival):
    do(Act.GRANT)
    do(Act.REVOKE)
    yesterday = TODAY - timedelta(days=1)
    tell = {
        "old order": lambda: sell(yesterday, "7001", due=TOMORROW),
        "its rebill": lambda: pay_again(TOMORROW, "7001", due=IN_A_MONTH),
        "new order": lambda: sell(TOMORROW, "7002", due=IN_A_YEAR),
    }

    for name in arrival:
        tell[name]()

    assert access() == {("7002", "8", str(IN_A_YEAR + GRACE))}


# Refused


@pytest.mark.parametrize(
    ("act", "fields", "field", "words"),
    [
        (Act.GRANT, {"site_id": "nowhere"}, "site", "academy, club"),
        (Act.GRANT, {"site_id": "gone"}, "site", "disconnected"),
        (Act.GRANT, {"level": "77"}, "level", "8 (Gold monthly), 9 (Silver yearly), 10 (Lifetime)"),
        (Act.GRANT, {"level": ""}, "level", "8 (Gold monthly)"),
        (Act.GRANT, {"until": TODAY - timedelta(days=1)}, "until", "in the past"),
        (Act.GRANT, {"why": " \n "}, "why", "Say why"),
        (Act.GRANT, {"who": ""}, "who", "Name the person"),
        (Act.GRANT, {"why": "x" * 2001}, "why", "2000 characters"),
        (Act.GRANT, {"email": "börje@buyers.test"}, "email", "no address that a site takes"),
        (Act.GRANT, {"email": "nora@bücher.example"}, "email", "nora@xn--bcher-kva.example"),
        (Act.GRANT, {"email": "nora"}, "email", "no address"),
        (Act.GRANT, {"email": ""}, "email", "no address"),
        (Act.EXTEND, {"email": "new@buyers.test", "until": IN_A_YEAR}, "email", "Nobody with the address"),
        (Act.EXTEND, {"level": "9", "until": IN_A_YEAR}, "level", "Grant it instead"),
        (Act.EXTEND, {"until": IN_A_MONTH}, "until", "already"),
        (Act.EXTEND, {"level": "10", "until": IN_A_YEAR, "site_id": "club"}, "level", "for ever"),
        (Act.REVOKE, {"email": "new@buyers.test"}, "email", "Nobody with the address"),
        (Act.REVOKE, {"level": "9"}, "level", "nothing to revoke"),
        (Act.REVOKE, {"level": "77"}, "level", "no published level 77"),
        (Act.HOLD, {"email": "new@buyers.test"}, "email", "Nobody with the address"),
        (Act.RELEASE, {"email": "new@buyers.test"}, "email", "Nobody with the address"),
        (Act.RELEASE, {}, "level", "nothing to release"),
        (Act.RELEASE, {"level": ""}, "email", "nothing to release"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(act, fields, field, words):
    make_site("gone", active=False)
    sell(TODAY, due=IN_A_MONTH)
    do(Act.GRANT, "10", site_id="club")
    before = (desired(), list(Member.objects.order_by("id").values()), StaffChange.objects.count())

    with pytest.raises(StaffRefused) as refused:
        do(act, **fields)

    assert refused.value.field == field
    assert words in f"{refused.value.problem} {refused.value.remedy}"
    assert (desired(), list(Member.objects.order_by("id").values()), StaffChange.objects.count()) == before


def test_who_is_known_at_another_site_only_is_said():
    do(Act.GRANT, site_id="club")

    with pytest.raises(NotKnown, match="They are known at: club"):
        do(Act.REVOKE)


def test_what_is_over_is_granted_and_not_extended():
    stored.sell_monthly()

    with pytest.raises(StaffRefused, match=r"the last day was 2026-05-13\.\nGrant it"):
        do(Act.EXTEND, until=IN_A_YEAR)


def test_what_is_for_ever_is_extended_no_more_and_anything_else_can_be_for_ever():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.EXTEND)

    with pytest.raises(StaffRefused, match="for ever"):
        do(Act.EXTEND, until=IN_A_YEAR)


def test_one_level_is_not_released_while_all_are_held():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.HOLD, "8")
    do(Act.HOLD, "")

    with pytest.raises(StaffRefused, match="every level is on hold") as refused:
        do(Act.RELEASE, "8")

    assert refused.value.field == "level"
    assert "Release all levels" in refused.value.remedy


def test_one_level_that_was_revoked_with_all_is_not_released_alone():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.REVOKE, "")

    with pytest.raises(StaffRefused, match="every level is revoked on"):
        do(Act.RELEASE, "8")


def test_what_is_on_hold_is_not_held_again_but_can_be_revoked():
    sell(TODAY, due=IN_A_MONTH)
    do(Act.HOLD, "8")
    with pytest.raises(StaffRefused, match="level 8 is on hold since"):
        do(Act.HOLD, "8")

    do(Act.REVOKE, "8")
    with pytest.raises(StaffRefused, match="nothing to revoke"):
        do(Act.REVOKE, "8")


def test_a_level_that_the_site_has_no_more_can_be_taken_but_not_given():
    sell(TODAY, due=IN_A_MONTH)
    Site.objects.filter(pk="academy").update(levels=[{"id": "9", "title": "Silver", "terms": {}}])

    with pytest.raises(StaffRefused, match="no published level 8"):
        do(Act.GRANT)
    do(Act.REVOKE)

    assert access() == set()


def test_a_level_is_taken_at_its_word_while_the_sites_levels_are_not_read():
    Site.objects.filter(pk="academy").update(levels=[], levels_read_at=None)

    do(Act.GRANT, "77")

    assert access() == {("by hand", "77", "for ever")}


# Tried again


def test_stuck_members_are_tried_again_and_counted():
    stored.sell_monthly("7001")
    stored.sell_monthly("7002", stored.OMAR)
    Member.objects.update(state=MemberState.ATTENTION, attempts=9, due_at=None)
    Member.objects.filter(site="club").update(state=MemberState.IDLE)
    Grant.objects.filter(member__site="academy").update(state=GrantState.ATTENTION)

    assert try_members_again("club") == 0
    assert try_members_again("academy", "OMAR@buyers.test") == 1
    assert try_members_again() == 1

    academy = Member.objects.filter(site="academy")
    assert set(academy.values_list("state", "attempts")) == {(MemberState.DUE, 0)}
    assert set(Grant.objects.filter(member__site="academy").values_list("state", flat=True)) == {GrantState.DUE}


def test_who_waits_for_the_next_try_is_tried_at_once_when_named():
    stored.sell_monthly()
    later = moment(str(IN_A_MONTH))
    Member.objects.update(attempts=5, due_at=later)

    assert try_members_again() == 0
    assert try_members_again(email=NORA) == 2

    assert not Member.objects.filter(due_at=later).exists()


@pytest.mark.parametrize("fields", [{"site_id": "nowhere"}, {"email": "new@buyers.test"}])
def test_nobody_is_tried_again_where_nobody_is_known(fields):
    with pytest.raises(NotKnown):
        try_members_again(**fields)


def test_a_level_that_was_missing_is_read_again_before_it_is_tried_again():
    as_row("shop", rule("product-13", "academy/77", access="level-terms")).save()
    stored.deliver(placed(str(TODAY), line("product-13"), order_id="7002", buyer=stored.NORA))
    assert Grant.objects.get().state == GrantState.ATTENTION

    assert try_members_again() == 1

    # Without its terms, nobody may be given it for ever.
    assert Grant.objects.get().state == GrantState.BLOCKED
    site = Site.objects.get(pk="academy")
    assert site.levels_read_at is None
    site.levels, site.levels_read_at = [{"id": "77", "title": "New", "terms": {"period": "1 year"}}], site.created_at
    site.save()
    replan_blocked(["academy"])
    grant = Grant.objects.get()
    assert (grant.state, grant.live) == (GrantState.DUE, True)
    assert grant.until_on is not None
