"""Roles hold at every operation of the API: the table names each, so one that is added must be thought about."""

from __future__ import annotations

import pytest
from django.test import Client

import stored
from guestlist.accounts.models import AuditEntry
from guestlist.accounts.roles import Role
from guestlist.accounts.tokens import create_token
from guestlist.api.roles import DONE, needed_role
from guestlist.api.urls import api

pytestmark = pytest.mark.django_db

READS = {
    "show_status",
    "list_orders",
    "show_order",
    "show_member",
    "list_deliveries",
    "show_delivery",
    "simulate_event",
    "list_unmapped",
    "preview_alignment",
    "list_reconciliations",
    "list_carts",
    "list_sites",
    "list_rules",
}
CHANGES = {
    "grant_level",
    "extend_level",
    "revoke_level",
    "hold_level",
    "release_level",
    "resend_password",
    "try_again",
    "replay_deliveries",
    "replay_delivery",
    "align_sales",
    "reconcile_site",
}
OPERATIONS = {operation.view_func.__name__: (path, operation) for path, operation in api.operations()}


def call(name: str, token: str | None):
    path, operation = OPERATIONS[name]
    (method,) = operation.methods
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    address = "/api/v1" + path.replace("{order_id}", "1").replace("{delivery_id}", "1")
    return Client(headers=headers).generic(method, address, "{}", content_type="application/json")


def test_the_table_names_each_operation():
    assert set(OPERATIONS) == READS | CHANGES


@pytest.mark.parametrize("name", sorted(READS | CHANGES))
def test_what_an_operation_needs_is_what_the_table_says(name):
    assert needed_role(OPERATIONS[name][1]) == (Role.VIEWER if name in READS else Role.OPERATOR)


@pytest.mark.parametrize("name", sorted(READS | CHANGES))
def test_without_a_token_nothing_is_told(name):
    assert call(name, None).status_code == 401
    assert call(name, "gl_wrong").status_code == 401


@pytest.mark.parametrize("name", sorted(READS | CHANGES))
@pytest.mark.parametrize("role", Role, ids=str)
def test_an_operation_is_done_for_its_role_and_those_above(name, role):
    response = call(name, create_token("tests", role))

    if name in READS or role != Role.VIEWER:
        # What the request lacks is another matter: it got past the role.
        assert response.status_code in (200, 400, 404, 422)
    else:
        assert response.status_code == 403
        assert "needs a token of the role operator" in response.json()["error"]


def test_a_token_made_without_a_role_does_all_that_the_api_can_do():
    token = create_token("tests")

    assert all(call(name, token).status_code not in (401, 403) for name in OPERATIONS)


def test_the_schema_says_what_each_operation_needs():
    for path in Client().get("/api/v1/openapi.json").json()["paths"].values():
        for operation in path.values():
            needed = "viewer" if operation["operationId"] in READS else "operator"
            assert f"Needs a token of the role {needed} or above." in operation["description"]
            assert "403" in operation["responses"]


def test_each_change_has_words_for_the_audit_log():
    assert set(DONE) == CHANGES


def test_a_change_by_a_token_is_written_down_under_the_token_s_name():
    stored.open_shop()
    delivery = stored.store()
    headers = {"Authorization": f"Bearer {create_token('nightly job')}"}

    answer = Client(headers=headers).post(f"/api/v1/deliveries/{delivery.pk}/replay")

    assert answer.status_code == 200
    entry = AuditEntry.objects.get(kind="work")
    assert (entry.by, entry.did) == ("token nightly job", "had deliveries read again")
    assert entry.additional_data == {"delivery_id": delivery.pk}


def test_what_was_refused_is_not_written_down_as_done():
    headers = {"Authorization": f"Bearer {create_token('nightly job')}"}

    assert Client(headers=headers).post("/api/v1/deliveries/1/replay").status_code == 404

    assert not AuditEntry.objects.filter(kind="work").exists()
