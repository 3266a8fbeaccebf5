"""Erasing and exporting one person: nothing of them is left in any table, others keep all, the site its access."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

import stored
from db.test_planning import deliver as tell
from db.test_reconcile import Owner, academy, access, complete, found, run_lane  # noqa: F401 - a fixture among them
from factories import MONTH, event, line, placed, rebill
from guestlist.access.models import ErasedHolding, Grant, GrantState, Member, MemberState, SiteRequest, StaffChange
from guestlist.access.order_search import OrdersAsked, find_orders, order_rows
from guestlist.access.queries import order_detail, person
from guestlist.access.reconcile.models import Drift, Reconciliation, SeenHolding
from guestlist.access.staff import change, resync
from guestlist.access.staff_refusals import NotKnown
from guestlist.accounts.audit import record as audit
from guestlist.accounts.models import AuditEntry
from guestlist.domain.facts import CustomerChanged, Refunded
from guestlist.domain.staff import Act
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.models import Event, Line
from guestlist.orders.models import Customer, Fact, Order, OrderItem
from guestlist.people.erase import NotYet, ask_to_end, erase
from guestlist.people.export import export
from guestlist.people.whose import whose

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
NORA = "Nora@Buyers.test"
OMAR = "omar@buyers.test"


def everything() -> dict[str, str]:
    """What every table holds, as text in lower case."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        )
        found = {}
        for schema, table in cursor.fetchall():
            # A row as text shows bytes as hexadecimal digits, so bodies are read as well.
            bodies = ", encode(body, 'escape')" if table == "inbox_delivery" else ""
            cursor.execute(f'SELECT t.*::text{bodies} FROM "{schema}"."{table}" t')
            found[table] = "\n".join(" ".join(map(str, row)) for row in cursor.fetchall()).lower()
    return found


def tables_naming(*words: str) -> set[str]:
    return {table for table, text in everything().items() if any(word in text for word in words)}


@pytest.fixture
def shop(db):
    """Nora bought, was helped by hand, and is mentioned wherever a person can be; Omar bought as well."""
    stored.open_shop()
    stored.sell_monthly()
    of_omar = stored.sell_monthly("7002", stored.OMAR)
    Delivery.objects.filter(order_id=of_omar.pk).update(body=b"customer%5Bemail%5D=omar%40buyers.test")
    stored.deliver(
        CustomerChanged(
            customer_id=stored.NORA.customer_id or "",
            at=timezone.now(),
            email="nora.lind@elsewhere.test",
            first_name="Nora",
            last_name="Lind",
        )
    )
    for state in (DeliveryState.UNREADABLE, DeliveryState.IGNORED, DeliveryState.FAILED):
        stored.store(state=state, summary="customer.email: nora@buyers.test has no @")
    stored.store(state=DeliveryState.IGNORED, body=b'{"email": "NORA@buyers.test", "\\u00e9": "\xc3\xa9"}')
    stored.store(state=DeliveryState.IGNORED, body=b"customer%5Bemail%5D=omar%40buyers.test")
    stored.confirm("academy")
    change("academy", NORA, Act.GRANT, level="10", until_on=None, who="ada", why="Nora Lind asked by phone")
    change(
        "club",
        OMAR,
        Act.HOLD,
        level="",
        until_on=None,
        who="ada",
        why="shares with NORA@buyers.test (Nora Lind), I think",
    )
    for member in Member.objects.all():
        stored.note_requests(member, 2)
    nora, omar = (
        Member.objects.get(site="academy", email_key="nora@buyers.test"),
        Member.objects.get(site="academy", email_key=OMAR),
    )
    SiteRequest.objects.create(
        site_id="academy",
        at=timezone.now(),
        method="GET",
        path="/members?search=nora%40buyers.test",
        status=200,
        milliseconds=1,
        excerpt='[{"email": "nora@buyers.test", "name": "Nora Lind"}]',
    )
    Member.objects.filter(pk=omar.pk).update(alert="Shared with nora@buyers.test (cart shop).")
    run = Reconciliation.objects.create(site_id="academy", started_at=timezone.now())
    Drift.objects.create(
        reconciliation=run, kind="gone", member_id=nora.pk, email=nora.email, words=f"{nora.email}: gone", remedy=""
    )
    SeenHolding.objects.create(
        reconciliation=run, remote_id="1", ref="x", ours=True, member="41", email=nora.email, level="8", live=True
    )
    Line.objects.create(at=timezone.now(), event=Event.STUCK, site="academy", member=nora.pk, words="Nora@buyers.test")
    audit(None, "granted a level", nora, to="nora@buyers.test")


def test_erasing_leaves_nothing_of_the_person_in_any_table(shop):
    known_by = ("nora", "lind", "nora%40", stored.NORA.customer_id or "")
    assert all(tables_naming(word) for word in known_by)
    assert len(tables_naming(*known_by)) >= 11
    erased = erase(NORA.upper())
    assert tables_naming(*known_by) == set()
    assert (erased.customers, erased.orders, erased.members) == (1, 1, 2)
    assert person(NORA) is None
    assert whose(NORA).nobody


def test_what_belongs_to_others_stays(shop):
    before = person(OMAR)
    facts = Fact.objects.exclude(customer__email_key__startswith="nora").count()
    erase(NORA)
    after = person(OMAR)
    assert before is not None
    assert after is not None
    assert [order.number for order in after.orders] == ["7002"]
    assert [grant.ref for member in after.members for grant in member.grants] == [
        grant.ref for member in before.members for grant in member.grants
    ]
    assert Fact.objects.count() == facts
    assert Delivery.objects.filter(state=DeliveryState.IGNORED).count() == 1
    assert StaffChange.objects.get().why == "shares with (erased) ((erased)), I think"
    assert Member.objects.get(site="academy").alert == "Shared with (erased) (cart shop)."
    assert AuditEntry.objects.get(did="granted a level").additional_data == {"to": "(erased)"}
    assert Drift.objects.count() == 1


def test_what_was_sold_stays_counted(shop):
    order = Order.objects.get(external_id="7001")
    paid, items = order.paid_minor, OrderItem.objects.count()
    erase(NORA)
    order.refresh_from_db()
    assert (order.paid_minor, OrderItem.objects.count()) == (paid, items) == (5800, 2)
    (row,) = order_rows([found for found in find_orders(OrdersAsked()) if found.pk == order.pk])
    assert (row.erased, row.email, row.name, row.number) == (True, "", "", f"erased-{order.pk}")
    detail = order_detail(order.pk)
    assert detail is not None
    assert detail.facts == []


def test_who_is_not_known_cannot_be_erased(shop):
    with pytest.raises(NotKnown):
        erase("nobody@buyers.test")
    with pytest.raises(NotKnown):
        erase(" ")
    assert person(NORA) is not None


def test_nobody_is_erased_while_their_site_is_talked_to_and_afterwards_they_are(shop):
    Member.objects.filter(email_key="nora@buyers.test", site="club").update(state=MemberState.WORKING)
    with pytest.raises(NotYet, match="club has not confirmed"):
        erase(NORA)
    assert person(NORA) is not None
    Member.objects.update(state=MemberState.IDLE)
    erase(NORA)
    assert person(NORA) is None


def test_all_addresses_of_a_person_lead_to_all_of_it(shop):
    by_old, by_new = whose("nora@buyers.test"), whose("NORA.lind@elsewhere.test")
    assert by_old == by_new
    assert by_new.addresses == {"nora@buyers.test", "nora.lind@elsewhere.test"}


def test_the_export_has_everything_that_is_stored(shop):
    told = export(NORA)
    assert told is not None
    text = json.dumps(told)
    assert {name for name, rows in told.items() if not rows} == {"given_at_the_site_by_its_owner"}
    assert len(told["deliveries"]) == Delivery.objects.count() - 3  # Omar's
    for words in ("Nora Lind asked by phone", "order.success", "product-12", "/wp-json/mp/v1/members"):
        assert words in text
    assert "omar" not in text
    assert "********" in text
    assert export("nobody@buyers.test") is None


@pytest.mark.django_db(transaction=True)
def test_erased_people_keep_at_the_site_what_they_had_and_no_comparison_ends_it(academy):  # noqa: F811
    tell(placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))))
    run_lane()
    had = access(academy)
    erase(NORA)
    assert ErasedHolding.objects.count() == 1
    assert found(fix=True) == []
    assert access(academy) == had
    assert len(complete(academy)) == 1


@pytest.mark.django_db(transaction=True)
def test_access_that_shall_go_is_ended_first_and_then_nothing_is_left_to_forget(academy):  # noqa: F811
    tell(placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))))
    run_lane()
    assert ask_to_end(NORA, "ada", "asked to be forgotten") == 1
    assert ask_to_end(NORA, "ada", "asked to be forgotten") == 0
    run_lane()
    assert complete(academy) == []
    assert erase(NORA).left_at_sites == 0
    assert not ErasedHolding.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_who_pays_again_after_being_erased_is_a_new_customer_with_that_charge_alone(academy):  # noqa: F811
    tell(placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))))
    run_lane()
    erase(NORA)
    tell(rebill(str(DUE), index=2, next_due_at=str(DUE + timedelta(days=30)), frequency=MONTH))
    run_lane()
    assert Order.objects.filter(external_id="7001").count() == 1
    assert Grant.objects.count() == 1
    # One made before and left there, and the new one; nothing was made twice.
    assert len(complete(academy)) == 2


def test_a_refund_of_an_erased_order_changes_nothing(shop):
    erase(NORA)
    stored.deliver(event(Refunded, str(DUE), amount_minor=2900))
    assert Order.objects.get(external_id="7001").paid_minor == 0
    assert not Grant.objects.filter(order__external_id="7001").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_hand", [{"status": "refunded"}, {"expires_at": "2020-01-01 00:00:00"}])
def test_looking_anew_makes_right_what_somebody_changed_at_the_site(academy, by_hand):  # noqa: F811
    tell(placed(str(TODAY), line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))))
    run_lane()
    had = access(academy)
    Owner(academy).change(**by_hand)
    assert access(academy) != had
    resync("academy", NORA, "ada")
    run_lane()
    assert access(academy) == had
    assert Grant.objects.get().state == GrantState.RIGHT


def test_an_erased_customer_is_nobodys(shop):
    erase(NORA)
    nobody = Customer.objects.exclude(erased_at=None).get()
    assert (nobody.email, nobody.first_name, nobody.name_key) == ("", "", "")
    stored.sell_monthly("7003")  # the same person buys again
    assert Customer.objects.filter(email_key="nora@buyers.test").count() == 1
    assert Order.objects.get(external_id="7003").customer_id != nobody.pk
