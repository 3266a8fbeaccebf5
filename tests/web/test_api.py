"""The JSON API over the real application."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection

import stored
from factories import line, placed
from guestlist.access.models import Member
from guestlist.accounts.models import ApiToken
from guestlist.accounts.tokens import TokenRefused, create_token, revoke_token, tokens
from guestlist.api import urls
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Order

pytestmark = pytest.mark.django_db

PATHS = ["status", "orders", "orders/1", "members?email=a@b.c", "deliveries", "deliveries/1", "carts", "sites", "rules"]


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


@pytest.fixture
def token() -> str:
    return create_token("tests")


@pytest.fixture
def api(token: str) -> Client:
    return Client(headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", PATHS)
def test_without_a_token_nothing_is_told(client, path):
    stored.sell_monthly()

    response = client.get(f"/api/v1/{path}")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize("path", ["deliveries/1/replay", "simulate"])
def test_without_a_token_nothing_is_done(client, path):
    assert client.post(f"/api/v1/{path}", {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Bearer", "Basic {}", "{}", "bearer  {}", "Bearer {} x"])
def test_with_a_wrong_token_nothing_is_told(client, token, header):
    response = client.get("/api/v1/status", headers={"Authorization": header.format(token)})

    assert response.status_code == 401


def test_a_revoked_token_is_useless_at_once(api):
    assert api.get("/api/v1/status").status_code == 200
    assert revoke_token("tests")
    assert api.get("/api/v1/status").status_code == 401
    assert not revoke_token("tests")


def test_only_the_hash_of_a_token_is_kept(token):
    row = ApiToken.objects.get()

    assert token not in (row.name, row.digest)
    assert len(row.digest) == 64
    assert [view.name for view in tokens()] == ["tests"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "tests"])
def test_a_token_needs_a_name_of_its_own(token, name):
    with pytest.raises(TokenRefused):
        create_token(name)


def test_the_use_of_a_token_is_noted_at_most_once_a_minute(api):
    api.get("/api/v1/status")
    first = ApiToken.objects.get().last_used_at
    assert first is not None
    api.get("/api/v1/status")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    api.get("/api/v1/status")
    assert ApiToken.objects.get().last_used_at > first


def test_the_status_says_what_waits_and_how_each_site_is(api):
    stored.sell_monthly()
    stored.store()
    stored.site_needs_its_owner("club")

    status = api.get("/api/v1/status").json()

    assert status["deliveries"] == {"waiting": 1, "unreadable": 0, "failed": 0}
    assert status["members"] == {"waiting": 1, "retrying": 0, "working": 0, "attention": 1}
    assert [(site["id"], site["state"], site["remedy"]) for site in status["sites"]] == [
        ("academy", "ok", ""),
        ("club", "attention", "Enter the key again."),
    ]


def test_orders_are_paged_by_following_next_with_the_filters_kept(api):
    for number in range(5):
        stored.sell_monthly(str(7000 + number))
    stored.sell_monthly("9000", stored.OMAR)

    seen, link = [], "/api/v1/orders?email=nora%2Bx@buyers.test&limit=2"
    assert api.get(link).json() == {"items": [], "next": None}
    link = "/api/v1/orders?email=NORA@buyers.test&cart=shop&limit=2"
    while link:
        page = api.get(link).json()
        seen.append([order["number"] for order in page["items"]])
        link = page["next"]

    assert seen == [["7004", "7003"], ["7002", "7001"], ["7000"]]


def test_a_plus_address_survives_the_link_to_the_next_page(api):
    for number in ("7001", "7002"):
        buyer = stored.NORA.__class__("nora+2@buyers.test", "5", "Nora", "Lind")
        stored.deliver(placed("2026-03-10", line("product-12"), order_id=number, buyer=buyer))

    link = api.get("/api/v1/orders?email=nora%2B2%40buyers.test&limit=1").json()["next"]

    assert [order["number"] for order in api.get(link).json()["items"]] == ["7001"]


def test_an_order_is_shown_with_facts_and_grants(api):
    order = stored.sell_monthly()

    shown = api.get(f"/api/v1/orders/{order.pk}").json()

    assert shown["order"]["number"] == "7001"
    assert [fact["kind"] for fact in shown["facts"]] == ["order_placed", "payment_received"]
    assert [(grant["site"], grant["level"], grant["until_on"]) for grant in shown["grants"]][:2] == [
        ("academy", "8", "2026-04-13"),
        ("club", "10", "2026-04-13"),
    ]


def test_a_member_is_shown_by_address(api):
    stored.sell_monthly()

    shown = api.get("/api/v1/members?email=NORA@BUYERS.TEST").json()

    assert [member["site"] for member in shown["members"]] == ["academy", "club"]
    assert shown["members"][0]["access"][0]["until_on"] == "2026-05-13"


def test_deliveries_are_listed_by_state_and_paged(api):
    ids = [stored.store(state=DeliveryState.UNREADABLE).pk for _ in range(3)]
    stored.store()

    page = api.get("/api/v1/deliveries?state=unreadable&limit=2").json()
    assert [row["id"] for row in page["items"]] == [ids[2], ids[1]]
    page = api.get(page["next"]).json()
    assert [row["id"] for row in page["items"]] == [ids[0]]
    assert page["next"] is None


def test_a_delivery_can_be_looked_at_and_replayed(api):
    delivery = stored.store(state=DeliveryState.UNREADABLE, summary="body: odd", remedy="Report it.")

    shown = api.get(f"/api/v1/deliveries/{delivery.pk}").json()
    assert (shown["delivery"]["summary"], shown["delivery"]["remedy"]) == ("body: odd", "Report it.")
    assert api.post(f"/api/v1/deliveries/{delivery.pk}/replay").json() == {"replayed": 1}
    assert Delivery.objects.get().state == DeliveryState.WAITING


def test_an_event_is_simulated_without_storing_anything(api):
    body = {"cart": "shop", "body": "event=affiliate.commission_earned&mode=live"}

    response = api.post("/api/v1/simulate", body, content_type="application/json")

    assert response.status_code == 200
    assert response.json()["event"] == "affiliate.commission_earned"
    assert not Order.objects.exists()
    assert not Delivery.objects.exists()


def test_an_event_that_cannot_be_understood_names_the_field(api):
    body = {"cart": "shop", "body": "event=order.success&mode=live"}

    response = api.post("/api/v1/simulate", body, content_type="application/json")

    assert response.status_code == 422
    assert set(response.json()) == {"error", "field"}


@pytest.mark.parametrize("path", ["carts", "sites", "rules", "status"])
def test_settings_are_shown_without_secrets(api, path):
    text = api.get(f"/api/v1/{path}").content.decode()

    assert "shop" in text or "academy" in text
    assert "WORDOFTHESHOP" not in text
    assert "K3yK3yK3y0" not in text


def test_a_rule_is_shown_in_the_words_of_the_settings_file(api):
    (rule,) = api.get("/api/v1/rules").json()["items"]

    assert rule["item"] == "product-12"
    assert rule["grants"] == [{"site": "academy", "level": "8"}, {"site": "club", "level": "10"}]
    assert (rule["access"], rule["grace_days"], rule["option"]) == ("auto", 3, None)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("orders?limit=0", 422, "limit"),
        ("orders?limit=201", 422, "limit"),
        ("orders?limit=many", 422, "limit"),
        ("orders?before=0", 422, "before"),
        ("orders?email=%00", 422, "email"),
        ("orders/one", 422, "order_id"),
        ("orders/99999999999999999999", 422, "order_id"),
        ("orders/999999", 404, "order_id"),
        ("orders?emial=nora@buyers.test", 422, "emial"),
        ("status?x", 422, "x"),
        ("members", 422, "email"),
        ("members?email=nobody@buyers.test", 404, "email"),
        ("deliveries?state=odd", 422, "state"),
        ("deliveries/999999", 404, "delivery_id"),
        ("orders?cart=nowhere", 404, "cart"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_with_its_field(api, path, status, field):
    response = api.get(f"/api/v1/{path}")

    assert response.status_code == status
    assert response.json()["error"]
    assert response.json()["field"] == field


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("{", 400, None),
        ("\xff", 400, None),
        ("[]", 422, "cart"),
        ('{"cart": "shop"}', 422, "body"),
        ('{"cart": "shop", "body": 5}', 422, "body"),
        ('{"cart": "nowhere", "body": ""}', 404, "cart"),
        (json.dumps({"cart": "shop", "body": "x" * 262_145}), 422, "body"),
        (json.dumps({"cart": "shop", "body": "x" * 3_000_000}), 400, None),
    ],
)
def test_a_body_that_cannot_be_used_is_refused_in_the_same_shape(api, body, status, field):
    response = api.post("/api/v1/simulate", body.encode("latin-1"), content_type="application/json")

    assert response.status_code == status
    assert response.json()["error"]
    assert response.json().get("field") == field


def test_a_replay_of_what_does_not_exist_is_refused(api):
    response = api.post("/api/v1/deliveries/999999/replay")

    assert (response.status_code, response.json()["field"]) == (404, "delivery_id")


@pytest.mark.parametrize("path", ["nothing", "orders/1/nothing", "", "Orders"])
def test_an_unknown_address_is_answered_in_the_same_shape(api, path):
    response = api.get(f"/api/v1/{path}")

    assert response.status_code == 404
    assert list(response.json()) == ["error"]


@pytest.mark.parametrize(("method", "path"), [("DELETE", "orders"), ("PUT", "status"), ("GET", "simulate")])
def test_a_method_that_an_address_does_not_have_is_answered_in_the_same_shape(api, method, path):
    response = api.generic(method, f"/api/v1/{path}")

    assert response.status_code == 405
    assert response["Allow"]
    assert list(response.json()) == ["error"]


def test_a_disconnected_cart_is_still_shown_but_simulates_nothing(api):
    stored.disconnect("shop")

    assert api.get("/api/v1/carts").json()["items"][0]["active"] is False
    body = {"cart": "shop", "body": "event=order.success"}
    assert api.post("/api/v1/simulate", body, content_type="application/json").status_code == 404


def test_answers_are_kept_out_of_caches(api):
    assert api.get("/api/v1/status")["Cache-Control"] == "no-store"


def test_while_the_database_is_away_the_api_says_so(rf):
    answer = urls.api.on_exception(rf.get("/api/v1/status"), OperationalError("connection refused"))

    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert list(json.loads(answer.content)) == ["error"]


def test_a_mistake_of_ours_is_answered_without_its_details(rf):
    answer = urls.api.on_exception(rf.get("/api/v1/status"), ValueError("something private"))

    assert answer.status_code == 500
    assert "private" not in answer.content.decode()


@pytest.fixture
def some_history(shop) -> None:
    stored.sell_monthly()
    stored.note_requests(Member.objects.get(site="club"), 2)
    stored.store(state=DeliveryState.UNREADABLE)


schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.mark.django_db(transaction=True)  # a WSGI server closes its connection after each request
@schema.parametrize()
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_any_request_gets_an_answer_that_the_schema_describes(case, token, some_history):
    # In a query all values are text, so some that break the schema are right once they are written out.
    # Its client reads nothing compressed.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    case.call_and_validate(headers=headers, excluded_checks=[negative_data_rejection])
