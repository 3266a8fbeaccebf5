"""What the commands and the API show: right, complete, and in a number of queries that does not grow."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

import stored
from db.conftest import make_site
from factories import line, moment, placed, rule
from guestlist.access.at_site import AtSite, HoldingView
from guestlist.access.grant_views import AccessState
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.access.queries import MemberCounts, order_detail, person
from guestlist.access.reconcile.models import OwnerHolding
from guestlist.access.staff import change
from guestlist.cli.person import print_person
from guestlist.connections.models import Site
from guestlist.connections.queries import carts, sites
from guestlist.domain.facts import CustomerChanged, Item, Mode, Refunded
from guestlist.domain.staff import Act
from guestlist.engine.overview import overview, still_open
from guestlist.fulfilment.rules import as_row
from guestlist.inbox.models import DeliveryState, Refusal
from guestlist.inbox.queries import decode, delivery, inbox_counts, list_deliveries, missing_deliveries
from guestlist.orders.models import Fact, Order
from guestlist.orders.queries import find_orders, list_orders

pytestmark = pytest.mark.django_db

LATER = moment("2199-01-01 05:00")


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


def test_orders_are_listed_newest_first_with_their_items_and_charges():
    stored.sell_monthly("7001")
    stored.sell_monthly("7002", stored.OMAR)

    found = list_orders().orders

    assert [order.number for order in found] == ["7002", "7001"]
    assert [(charge.key, charge.amount_minor) for charge in found[0].items[0].charges] == [
        ("first", 2900),
        ("INV-9-2", 2900),
    ]
    assert found[0].items[0].name == "Course"


def test_orders_are_found_by_the_customers_address_in_any_case():
    stored.sell_monthly("7001")
    stored.sell_monthly("7002", stored.OMAR)

    assert [order.number for order in list_orders(email=" NORA@buyers.TEST").orders] == ["7001"]
    assert list_orders(email="nora@buyers").orders == []


def test_orders_come_in_slices_without_a_gap_or_a_repetition():
    for number in range(5):
        stored.sell_monthly(str(7000 + number))

    first = list_orders(limit=2)
    second = list_orders(limit=2, before=first.next_before)
    third = list_orders(limit=2, before=second.next_before)

    numbers = [order.number for part in (first, second, third) for order in part.orders]
    assert numbers == ["7004", "7003", "7002", "7001", "7000"]
    assert third.next_before is None


def test_a_last_slice_that_is_just_full_has_no_next():
    stored.sell_monthly("7001")
    stored.sell_monthly("7002")

    assert list_orders(limit=2).next_before is None


def test_listing_orders_takes_the_same_queries_for_one_and_for_many(django_assert_num_queries):
    stored.sell_monthly("7001")
    with django_assert_num_queries(2):
        list_orders()
    for number in range(8):
        stored.sell_monthly(str(7100 + number))
    with django_assert_num_queries(2):
        list_orders()


def test_an_order_is_found_by_its_number_or_by_its_id():
    order = stored.sell_monthly("7001-A")

    assert [found.id for found in find_orders("7001-A")] == [order.pk]
    assert [found.id for found in find_orders(str(order.pk))] == [order.pk]
    assert [found.id for found in find_orders(f"id:{order.pk}")] == [order.pk]


def test_a_number_that_is_another_orders_id_finds_both():
    first = stored.sell_monthly("7001")
    second = stored.sell_monthly(str(first.pk))

    assert {found.id for found in find_orders(str(first.pk))} == {first.pk, second.pk}
    assert [found.id for found in find_orders(f"id:{first.pk}")] == [first.pk]


@pytest.mark.parametrize("text", ["", "0", "nothing", "id:", "id:x", "9" * 5000, "id:" + "9" * 5000, "٣"])
def test_what_names_no_order_finds_none(text):
    stored.sell_monthly("7001")

    assert find_orders(text) == []


def test_an_order_shows_its_facts_in_time_order_and_its_grants():
    order = stored.sell_monthly("7001")

    detail = order_detail(order.pk)

    assert detail is not None
    assert [fact.words for fact in detail.facts] == [
        "Order placed: Course (product-12), 29.00 USD and again later, next due on 2026-04-10",
        "29.00 USD paid again for product-12, invoice INV-9-2, next due on 2026-05-10",
    ]
    assert [(grant.site, grant.level_title, grant.charge, str(grant.until_on)) for grant in detail.grants] == [
        ("academy", "Gold monthly", "first", "2026-04-13"),
        ("club", "Lifetime", "first", "2026-04-13"),
        ("academy", "Gold monthly", "INV-9-2", "2026-05-13"),
        ("club", "Lifetime", "INV-9-2", "2026-05-13"),
    ]


def test_an_order_that_does_not_exist_has_no_detail():
    assert order_detail(1) is None


def test_a_person_is_shown_with_what_they_have_until_when_and_why():
    order = stored.sell_monthly("7001")
    stored.confirm("academy")

    found = person("NORA@BUYERS.TEST")

    assert found is not None
    academy, club = found.members
    assert [(access.level, access.until_on, access.confirmed) for access in academy.access] == [
        ("8", date(2026, 5, 13), True)
    ]
    assert not club.access[0].confirmed
    assert (academy.state, club.state) == (MemberState.IDLE, MemberState.DUE)
    first = academy.grants[0]
    assert (first.order, first.order_number, first.item, first.amount_minor) == (order.pk, "7001", "product-12", 2900)
    assert first.reason.startswith("Course (product-12) bought on 2026-03-10: access until the next payment is due")
    assert [view.number for view in found.orders] == ["7001"]


def level_words(site: str = "academy") -> list[str]:
    found = person("nora@buyers.test")
    assert found is not None
    return [level.words for member in found.members if member.site == site for level in member.access]


def test_each_level_says_in_one_sentence_why_there_is_access_or_none():
    today = datetime.now(UTC).date()
    stored.sell_monthly("7001")
    assert level_words() == ["over; the last day was 2026-05-13"]

    change("academy", "nora@buyers.test", Act.GRANT, level="8", until_on=today, who="ada", why="a call")
    assert level_words() == [f"until {today}, because of 1 live grant; 2 more are over"]

    change("academy", "nora@buyers.test", Act.EXTEND, level="8", until_on=None, who="ada", why="a call")
    assert level_words() == ["for ever, because of 2 live grants; 2 more are over"]

    change("academy", "nora@buyers.test", Act.REVOKE, level="8", until_on=None, who="ada", why="a call")
    assert level_words() == [f"none: revoked on {today}, by ada (a call)"]

    change("club", "nora@buyers.test", Act.HOLD, level="9", until_on=None, who="ada", why="no")
    assert level_words("club")[1] == f"none: on hold since {today}, by ada (no)"


def test_a_level_that_a_refund_took_says_so():
    as_row("shop", rule("product-13", "academy/9")).save()
    stored.deliver(placed("2026-03-10", line("product-13", name="Book", paid_minor=900), buyer=stored.NORA))
    stored.deliver(
        Refunded(
            order_id="7001",
            mode=Mode.LIVE,
            at=moment("2026-03-12"),
            buyer=stored.NORA,
            currency="USD",
            item=Item.parse("product-13"),
            amount_minor=900,
            amount_gross_minor=900,
        )
    )

    (words,) = level_words()

    assert words.startswith("none any more: Book (product-13) bought on 2026-03-10")
    assert "refunded" in words


def test_a_level_whose_length_is_not_known_yet_says_why():
    Site.objects.update(levels=[], levels_read_at=None)
    as_row("shop", rule("product-13", "academy/9")).save()
    stored.deliver(placed("2026-03-10", line("product-13", paid_minor=900), buyer=stored.NORA))

    assert level_words() == ["not known yet, because the site's levels were never read"]


def test_a_grant_names_the_deliveries_that_told_of_its_item_and_the_requests_made_for_it():
    order = stored.sell_monthly("7001")
    other = stored.deliver(placed("2026-03-10", line("bump-3", name="Workbook"), order_id="7001", buyer=stored.NORA))
    member = Member.objects.get(site="academy")
    stored.note_requests(member, 9)
    first, second = Grant.objects.filter(member=member).order_by("id")
    ids = list(SiteRequest.objects.order_by("id").values_list("id", flat=True))
    SiteRequest.objects.filter(pk__in=ids[:7]).update(ref=first.ref)
    SiteRequest.objects.filter(pk=ids[7]).update(ref=second.ref)

    detail = order_detail(order.pk)

    assert detail is not None
    shown = {grant.id: grant for grant in detail.grants}
    told = list(
        Fact.objects.exclude(delivery_id=other.pk).order_by("delivery_id").values_list("delivery_id", flat=True)
    )
    assert shown[first.pk].deliveries == shown[second.pk].deliveries == told
    assert [request.path[-6:] for request in shown[first.pk].requests] == [f"page={n}" for n in (6, 5, 4, 3, 2)]
    assert [request.path[-6:] for request in shown[second.pk].requests] == ["page=7"]


def test_a_person_is_found_by_the_address_that_a_member_had_before():
    stored.sell_monthly("7001")
    Member.objects.filter(site="club").update(email_key="new@buyers.test", former_email_key="old@buyers.test")

    found = person("OLD@buyers.test")

    assert found is not None
    assert [(member.site, member.former_email) for member in found.members] == [("club", "old@buyers.test")]


def test_orders_that_give_nothing_are_explained():
    stored.deliver(placed("2026-03-10", line("product-77", name="Extra"), order_id="7002", buyer=stored.NORA))
    stored.deliver(placed("2026-03-10", line("product-12"), order_id="7003", mode=Mode.TEST, buyer=stored.NORA))
    stored.sell_monthly("7004")

    found = person("nora@buyers.test")

    assert found is not None
    assert sorted(found.notes) == [
        "Order 7002 of shop: Extra (product-77) gives nothing, because no rule names it.",
        "Order 7003 of shop gives nothing: it is a test order, and the cart fulfils live orders only.",
    ]


@pytest.mark.parametrize(
    ("member", "site", "words"),
    [
        ({}, {}, "not yet a member there; waiting for their turn"),
        ({"attempts": 1, "due_at": LATER}, {}, "waiting after 1 attempt; tried next at 2199-01-01 05:00:00 UTC"),
        ({}, {"state": "down", "probe_at": LATER}, "works again; it is asked again at 2199-01-01 05:00:00 UTC"),
        ({}, {"active": False}, "waiting until the site is connected again"),
        ({"state": "attention", "reason": "No such level."}, {}, "needs attention\n  No such level."),
        ({"state": "idle", "remote_id": "41"}, {}, "member 41; as desired"),
        ({"state": "working"}, {}, "being worked on"),
    ],
)
def test_how_a_member_stands_is_said_with_what_they_wait_for(member, site, words, capsys):
    stored.sell_monthly("7001")
    Member.objects.filter(site="academy").update(**member)
    Site.objects.filter(pk="academy").update(**site)
    found = person("nora@buyers.test")
    assert found is not None

    print_person(found)

    assert words in capsys.readouterr().out.partition("Site club")[0]


def test_what_the_owner_made_is_shown_as_the_last_reconciliation_saw_it():
    stored.sell_monthly("7001")
    member = Member.objects.get(site="academy")
    OwnerHolding.objects.create(
        site=member.site, member=member, remote_id="77", ref="mp-txn-1", level="9", status="complete", read_at=LATER
    )

    found = person("nora@buyers.test")

    assert found is not None
    academy, club = found.members
    assert academy.at_site is not None
    assert academy.at_site.asked_at == LATER
    assert [(row.level_title, row.ref, row.live) for row in academy.at_site.holdings] == [
        ("Silver yearly", "mp-txn-1", True)
    ]
    assert club.at_site is None


def test_what_a_site_showed_that_is_not_guestlists_is_printed_apart(capsys):
    stored.sell_monthly("7001")
    found = person("nora@buyers.test")
    assert found is not None
    holding = HoldingView(
        remote_id="77", ref="mp-txn-1", level="9", level_title="Silver", live=True, status="complete", until_on=None
    )
    ended = replace(holding, remote_id="78", live=False, status="refunded")
    seen = AtSite(asked_at=LATER, holdings=[holding, ended], problem="")

    print_person(replace(found, members=[replace(found.members[0], at_site=seen)]))

    printed = capsys.readouterr().out
    assert "Made at the site by its owner, as of 2199-01-01 05:00:00 UTC; Guestlist never touches it" in printed
    assert "level 9 Silver: for ever; mp-txn-1 (77)" in printed
    assert "level 9 Silver: gives no access (refunded); mp-txn-1 (78)" in printed


def test_a_person_is_shown_with_the_latest_twenty_requests_newest_first():
    stored.sell_monthly("7001")
    stored.note_requests(Member.objects.get(site="academy"), 23)
    stored.note_requests(Member.objects.get(site="club"), 2)

    found = person("nora@buyers.test")

    assert found is not None
    academy, club = found.members
    assert [request.path[-7:] for request in academy.requests][:2] == ["page=22", "page=21"]
    assert (len(academy.requests), len(club.requests)) == (20, 2)


def test_showing_a_person_takes_the_same_queries_for_little_and_for_much(django_assert_num_queries):
    stored.sell_monthly("7001")
    with django_assert_num_queries(15):
        person("nora@buyers.test")
    make_site("annex")
    as_row("shop", rule("product-99", "annex/9")).save()
    for number in range(6):
        stored.sell_monthly(str(7100 + number))
        stored.deliver(placed("2026-03-11", line("product-99"), order_id=f"8{number}", buyer=stored.NORA))
    with django_assert_num_queries(15):
        person("nora@buyers.test")


def test_who_changed_their_address_is_found_under_the_old_and_the_new_one():
    stored.sell_monthly("7001")
    stored.deliver(
        CustomerChanged(customer_id=stored.NORA.customer_id, at=moment("2026-05-01"), email="nora.lind@buyers.test")
    )

    old, new = person("nora@buyers.test"), person("nora.lind@buyers.test")

    assert old is not None
    assert new is not None
    assert [member.site for member in old.members] == [member.site for member in new.members] == ["academy", "club"]
    assert [order.number for order in new.orders] == ["7001"]


def test_nobody_is_shown_for_an_address_that_was_never_heard_of():
    assert person("nobody@buyers.test") is None


@pytest.mark.parametrize(
    ("days", "live", "state"),
    [(0, True, AccessState.UNTIL), (-1, True, AccessState.OVER), (None, True, AccessState.FOREVER)],
)
def test_access_counts_to_the_end_of_its_last_day(days, live, state):
    stored.sell_monthly("7001")
    today = datetime.now(UTC).date()
    until = None if days is None else today + timedelta(days=days)
    Grant.objects.update(until_on=until, live=live)

    found = person("nora@buyers.test")

    assert found is not None
    assert found.members[0].access[0].state is state


def test_access_lasts_while_any_live_grant_does():
    stored.sell_monthly("7001")
    later, ended = Grant.objects.filter(member__site="academy").order_by("id")
    Grant.objects.filter(pk=ended.pk).update(live=False, until_on=None)
    Grant.objects.filter(pk=later.pk).update(until_on=date(2999, 1, 1))

    found = person("nora@buyers.test")

    assert found is not None
    assert found.members[0].access[0].until_on == date(2999, 1, 1)


def test_access_that_was_taken_away_is_shown_as_ended():
    stored.sell_monthly("7001")
    Grant.objects.update(live=False)

    found = person("nora@buyers.test")

    assert found is not None
    assert found.members[0].access[0].state is AccessState.ENDED


def test_access_at_a_site_whose_levels_were_never_read_is_not_known_yet():
    Site.objects.filter(pk="club").update(levels=[], levels_read_at=None)
    as_row("shop", rule("product-50", "club/10")).save()
    stored.deliver(placed("2026-03-10", line("product-50")))

    found = person("nora@buyers.test")

    assert found is not None
    assert found.members[0].access[0].state is AccessState.UNKNOWN


def test_deliveries_are_listed_newest_first_and_by_state():
    done = stored.store(state=DeliveryState.DONE)
    unreadable = stored.store(state=DeliveryState.UNREADABLE)

    assert [row.id for row in list_deliveries().deliveries] == [unreadable.pk, done.pk]
    assert [row.id for row in list_deliveries(state=DeliveryState.UNREADABLE).deliveries] == [unreadable.pk]


def test_deliveries_come_in_slices():
    ids = [stored.store().pk for _ in range(3)]

    first = list_deliveries(limit=2)

    assert [row.id for row in first.deliveries] == [ids[2], ids[1]]
    assert [row.id for row in list_deliveries(limit=2, before=first.next_before).deliveries] == [ids[0]]


def test_listing_deliveries_takes_one_query(django_assert_num_queries):
    for _ in range(4):
        stored.store()
    with django_assert_num_queries(1):
        list_deliveries()


def test_a_delivery_is_shown_with_its_body_decoded_and_what_it_told():
    order = stored.sell_monthly("7001")

    detail = delivery(list_deliveries().deliveries[-1].id)

    assert detail is not None
    assert detail.delivery.order == order.pk
    assert detail.body.startswith("event=order.success")
    assert {entry.path: entry.value for entry in detail.decoded}["customer.email"] == "nora@buyers.test"
    assert [fact.words[:12] for fact in detail.facts] == ["Order placed"]


def test_a_delivery_that_does_not_exist_is_none():
    assert delivery(1) is None
    assert missing_deliveries([stored.store().pk, 999_999]) == [999_999]


@pytest.mark.parametrize(
    ("body", "decoded"),
    [
        (b"a=1&b%5Bc%5D%5B0%5D=x+y&d=", [("a", "1"), ("b.c.0", "x y"), ("d", "")]),
        (b"a=1&a=2", [("a", "1"), ("a", "2")]),
        (b'{"a": {"b": [true, null]}, "c": 1.5}', [("a.b.0", "true"), ("a.b.1", "null"), ("c", "1.5")]),
        (b'{"a": NaN, "b": {}, "c": []}', [("a", "nan"), ("b", "{}"), ("c", "[]")]),
        (b'{"a": ', []),
        (b"no form at all", []),
        (b"", []),
        (b"\xff\xfe", []),
        (b"[" * 100_000, []),
    ],
)
def test_bodies_are_decoded_for_people(body, decoded):
    assert [(entry.path, entry.value) for entry in decode(body)] == decoded


def test_deep_json_is_shown_down_to_a_depth_that_can_be_read():
    deep = json.loads('{"a":' * 60 + "1" + "}" * 60)

    (entry,) = decode(json.dumps(deep).encode())

    assert entry.path == ".".join(["a"] * 40)


def test_the_inbox_is_counted_by_state():
    stored.store()
    stored.store()
    stored.store(state=DeliveryState.UNREADABLE)
    stored.store(state=DeliveryState.FAILED)
    stored.store(state=DeliveryState.DONE)

    counts = inbox_counts()

    assert (counts.waiting, counts.unreadable, counts.failed) == (2, 1, 1)


def test_the_overview_counts_members_by_how_they_stand():
    for number, fields in enumerate(
        [
            {"state": MemberState.IDLE},
            {"state": MemberState.DUE, "due_at": timezone.now()},
            {"state": MemberState.DUE, "due_at": timezone.now() + timedelta(hours=1), "attempts": 3},
            {"state": MemberState.WORKING, "attempts": 1},
            {"state": MemberState.ATTENTION},
        ]
    ):
        Member.objects.create(site_id="academy", email=f"{number}@x.test", email_key=f"{number}@x.test", **fields)

    found = overview()

    assert found.members == MemberCounts(waiting=1, retrying=1, working=1, attention=1)
    assert found.sites[0].members == found.members
    assert found.sites[1].members == MemberCounts()


def test_members_due_at_a_site_that_needs_its_owner_need_attention():
    stored.sell_monthly("7001")
    stored.site_needs_its_owner("club")

    found = overview()

    assert {site.id: (site.members.open, site.members.attention) for site in found.sites} == {
        "academy": (1, 0),
        "club": (0, 1),
    }


def test_the_overview_tells_of_carts_and_what_they_sent():
    stored.store()
    latest = stored.store()
    Refusal.objects.create(
        cart_id="shop", on=datetime.now(UTC).date(), reason="wrong-secret", count=3, last_at=timezone.now()
    )
    today = datetime.now(UTC).date()
    for days, count in ((6, 2), (7, 9)):
        on = today - timedelta(days=days)
        Refusal.objects.create(cart_id="shop", on=on, reason="too-large", count=count, last_at=moment(str(on)))

    (cart,) = overview().carts

    assert cart.last_delivery_at == latest.received_at
    assert [(refusal.reason, refusal.count) for refusal in cart.refused_today] == [("wrong-secret", 3)]
    assert [(refusal.on, refusal.count) for refusal in cart.refused] == [(today, 3), (today - timedelta(days=6), 2)]
    assert cart.webhook == "/hooks/shop"


def test_the_overview_names_what_was_sold_and_no_rule_names():
    stored.deliver(placed("2026-03-10", line("bump-3", name="Workbook")))

    (item,) = overview().unmapped

    assert (item.cart, item.item, item.name, item.orders) == ("shop", "bump-3", "Workbook", 1)


def test_the_overview_takes_the_same_queries_for_little_and_for_much(django_assert_num_queries):
    with django_assert_num_queries(10):
        overview()
    make_site("annex")
    for number in range(4):
        stored.sell_monthly(str(7000 + number))
    with django_assert_num_queries(10):
        overview()


def test_nothing_is_open_in_a_fresh_shop():
    assert still_open().nothing


def test_a_waiting_delivery_is_open():
    stored.store()

    assert not still_open().nothing
    assert still_open().in_words() == "1 delivery not interpreted"


def test_unreadable_and_failed_deliveries_are_not_open():
    stored.store(state=DeliveryState.UNREADABLE)
    stored.store(state=DeliveryState.FAILED)

    assert still_open().nothing


def test_a_retry_still_to_come_is_open():
    stored.sell_monthly("7001")
    stored.confirm("club")
    Member.objects.filter(site="academy").update(attempts=2, due_at=timezone.now() + timedelta(hours=3))

    assert still_open().in_words() == "1 member at site academy (1 waiting for another try)"


def test_a_member_in_work_is_open():
    stored.sell_monthly("7001")
    stored.confirm("club")
    Member.objects.filter(site="academy").update(state=MemberState.WORKING)

    assert still_open().in_words() == "1 member at site academy (1 in work)"


def test_members_needing_attention_are_not_open():
    stored.sell_monthly("7001")
    stored.confirm("club")
    Member.objects.filter(site="academy").update(state=MemberState.ATTENTION)

    assert still_open().nothing


def test_members_due_at_a_site_that_needs_its_owner_are_not_open():
    stored.sell_monthly("7001")
    stored.confirm("club")
    stored.site_needs_its_owner("academy")

    assert still_open().nothing


def test_grants_that_wait_for_a_sites_levels_are_open_unless_the_site_needs_its_owner():
    stored.sell_monthly("7001")
    stored.confirm("club")
    stored.confirm("academy")
    Grant.objects.filter(member__site="academy").update(state=GrantState.BLOCKED)

    assert still_open().in_words() == "2 grants until the levels of site academy are read"
    stored.site_needs_its_owner("academy")
    assert still_open().nothing


def test_everything_confirmed_is_settled():
    stored.sell_monthly("7001")
    assert not still_open().nothing
    stored.confirm("academy")
    stored.confirm("club")
    assert still_open().nothing


def test_carts_and_sites_are_shown_without_their_secrets():
    shown = repr(carts()) + repr(sites())

    assert "WORDOFTHESHOP" not in shown
    assert "K3yK3yK3y0" not in shown
    assert "secret" not in shown
    assert [level.terms for level in sites()[0].levels] == [
        "1 month from the purchase",
        "1 year from the purchase",
        "for ever",
    ]


def test_the_webhook_is_a_whole_address_once_the_public_one_is_known(settings):
    settings.PUBLIC_URL = "https://list.example.com/"

    assert carts()[0].webhook == "https://list.example.com/hooks/shop"


def test_an_order_that_only_its_rebill_tells_of_is_shown():
    stored.sell_monthly("7001")
    Order.objects.get().facts.filter(kind="order_placed").delete()

    (order,) = list_orders().orders

    assert [item.name for item in order.items] == ["product-12"]
