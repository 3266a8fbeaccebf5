"""An act and its entry in the audit log are one: what cannot be written down is not done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

import stored
from dashboard.conftest import signed_in
from guestlist.access.models import Member, MemberState, StaffChange
from guestlist.access.reconcile.models import Reconciliation
from guestlist.accounts.models import Kind
from guestlist.accounts.roles import Role
from guestlist.accounts.tokens import create_token
from guestlist.connections.models import Site
from guestlist.inbox.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db(transaction=True)

NORA = "nora@buyers.test"


@pytest.fixture
def shop() -> Iterator[None]:
    """Nora is stuck at both sites, the academy is down, a delivery is stuck; and no work can be written down."""
    stored.open_shop()
    stored.sell_monthly("7001", stored.NORA)
    stored.confirm("academy")
    Member.objects.update(state=MemberState.ATTENTION, alert="Two users have this address.")
    Site.objects.update(state="down", probe_at=timezone.now() + timedelta(hours=1))
    Delivery.objects.update(state=DeliveryState.UNREADABLE)
    run("CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE ''the disk is full''; END' LANGUAGE plpgsql")
    run(
        "CREATE TRIGGER refuse BEFORE INSERT ON accounts_auditentry FOR EACH ROW"
        f" WHEN (NEW.kind = '{Kind.WORK}') EXECUTE FUNCTION refuse()"
    )
    yield
    run("DROP TRIGGER refuse ON accounts_auditentry")
    run("DROP FUNCTION refuse")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def everything() -> list[object]:
    """All that the acts of this file may change."""
    return [
        list(StaffChange.objects.values_list("act")),
        list(Member.objects.order_by("pk").values_list("state", "alert", "version")),
        list(Site.objects.order_by("pk").values_list("probe_at")),
        list(Delivery.objects.order_by("pk").values_list("state")),
        list(Reconciliation.objects.values_list("fix")),
    ]


def members() -> dict[str, object]:
    return {"member": list(Member.objects.values_list("pk", flat=True))}


def deliveries() -> dict[str, object]:
    return {"delivery": list(Delivery.objects.values_list("pk", flat=True))}


ACTS: dict[str, Callable[[], dict[str, object]]] = {
    "/people/hold": lambda: {"email": NORA, "site": "academy", "level": "", "why": "A call."},
    "/people/look-anew": lambda: {"email": NORA, "site": "academy"},
    "/people/again": lambda: {"email": NORA, "site": "academy"},
    "/attention/members": members,
    "/attention/notes": members,
    "/attention/deliveries": deliveries,
    "/attention/site/academy": dict,
    "/attention/check/academy": dict,
    "/deliveries": deliveries,
}


@pytest.mark.parametrize("path", ACTS)
def test_what_staff_do_is_not_done_if_it_cannot_be_written_down(shop: None, path: str) -> None:
    values, before = ACTS[path](), everything()
    browser = signed_in(Role.OPERATOR)
    browser.raise_request_exception = False

    assert browser.post(path, values).status_code == 500

    assert everything() == before


OPERATIONS: dict[str, dict[str, object]] = {
    "members/hold": {"email": NORA, "site": "academy", "why": "A call."},
    "reconciliations": {"site": "academy"},
}


@pytest.mark.parametrize("path", OPERATIONS)
def test_what_a_token_does_is_not_done_if_it_cannot_be_written_down(shop: None, path: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {create_token('crm')}"}, raise_request_exception=False)
    before = everything()

    assert client.post(f"/api/v1/{path}", OPERATIONS[path], content_type="application/json").status_code == 500

    assert everything() == before
