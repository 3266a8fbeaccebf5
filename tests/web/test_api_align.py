"""Over HTTP: what is unmapped, aligning past sales, replaying deliveries."""

from __future__ import annotations

import pytest
from django.test import Client

import stored
from factories import line, placed, rule
from guestlist.access.models import Grant
from guestlist.accounts.tokens import create_token
from guestlist.api import align as operations
from guestlist.api import deliveries
from guestlist.domain.facts import Buyer
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.rules import as_row
from guestlist.inbox import replay
from guestlist.inbox.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shop(db) -> None:
    stored.open_shop()


@pytest.fixture
def api() -> Client:
    return Client(headers={"Authorization": f"Bearer {create_token('tests')}"})


def sell(count: int, item: str = "bump-3") -> None:
    for number in range(count):
        buyer = Buyer(f"buyer{number}@buyers.test", str(number))
        stored.deliver(placed("2026-03-10", line(item, name="Workbook"), order_id=str(8000 + number), buyer=buyer))


def post(api: Client, path: str, body: object):
    return api.post(f"/api/v1/{path}", body, content_type="application/json")


def test_what_is_unmapped_is_listed_with_the_next_step(api):
    sell(2)

    (sale,) = api.get("/api/v1/unmapped").json()["items"]

    assert (sale["cart"], sale["item"], sale["option"], sale["orders"], sale["mapped"]) == (
        "shop",
        "bump-3",
        None,
        2,
        False,
    )
    assert "Add a [[rules]] block" in sale["next_step"]
    assert "guestlist align --cart shop --item bump-3" in sale["next_step"]
    as_row("shop", rule("bump-3", "club/10")).save()
    (sale,) = api.get("/api/v1/unmapped").json()["items"]
    assert sale["mapped"]
    assert sale["next_step"].startswith("A rule names it by now")


def test_a_preview_changes_nothing_and_aligning_does_it(api):
    sell(2)
    as_row("shop", rule("bump-3", "club/10")).save()

    shown = api.get("/api/v1/align").json()

    assert (shown["done"], shown["gains"], shown["orders"], shown["left"], shown["next"]) == (False, 2, 2, 0, None)
    assert shown["outdated"] == [{"cart": "shop", "item": "bump-3", "option": None, "cause": "mapped", "charges": 2}]
    assert [level["email"] for level in shown["shown"]] == ["buyer0@buyers.test", "buyer1@buyers.test"]
    assert not Grant.objects.exists()

    done = post(api, "align", {}).json()

    assert (done["done"], done["gains"], done["looked_at"], done["left"]) == (True, 2, 2, 0)
    assert Grant.objects.filter(live=True).count() == 2
    assert post(api, "align", {}).json()["looked_at"] == 0


def test_much_is_aligned_with_several_requests(api, monkeypatch):
    monkeypatch.setattr(operations, "ALIGNED", 2)
    monkeypatch.setattr(operations, "LOOKED_AT", 2)
    sell(5)
    as_row("shop", rule("bump-3", "club/10")).save()

    first = api.get("/api/v1/align?item=bump-3").json()
    second = api.get(first["next"]).json()
    assert (first["gains"], first["left"], second["gains"], second["left"]) == (2, 3, 2, 1)
    assert "item=bump-3" in first["next"]

    assert [post(api, "align", {"cart": "shop"}).json()["left"] for _ in range(3)] == [3, 1, 0]
    assert Grant.objects.count() == 5


def test_only_what_is_named_is_aligned(api):
    sell(1)
    stored.sell_monthly()
    Rule.objects.update(grace_days=9)
    as_row("shop", rule("bump-3", "club/10")).save()

    assert post(api, "align", {"item": "bump-3"}).json()["looked_at"] == 1
    assert api.get("/api/v1/align").json()["outdated"][0]["item"] == "product-12"


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"cart": "nowhere"}, 404, "cart"),
        ({"item": "12"}, 422, "scope.item"),
        ({"itme": "product-12"}, 422, "scope.itme"),
    ],
)
def test_a_wrong_scope_aligns_nothing(api, body, status, field):
    sell(1)
    as_row("shop", rule("bump-3", "club/10")).save()

    response = post(api, "align", body)

    assert response.status_code == status
    assert field.endswith(response.json()["field"])
    assert not Grant.objects.exists()


def test_a_disconnected_carts_sales_cannot_be_aligned(api):
    stored.disconnect("shop")

    assert post(api, "align", {"cart": "shop"}).status_code == 404
    assert api.get("/api/v1/align?cart=shop").status_code == 404


def test_a_day_is_replayed(api):
    today, _ = stored.store(state=DeliveryState.DONE), stored.store(state=DeliveryState.DONE)
    Delivery.objects.exclude(pk=today.pk).update(received_at="2026-03-10T10:00:00Z")

    assert post(api, "deliveries/replay", {"day": "2026-03-10"}).json() == {"replayed": 1, "next_after": None}
    assert Delivery.objects.get(state=DeliveryState.WAITING).pk != today.pk


def test_everything_is_replayed_with_several_requests(api, monkeypatch):
    monkeypatch.setattr(deliveries, "REPLAYED", 2)
    monkeypatch.setattr(replay, "BATCH", 1)
    for _ in range(3):
        stored.store(state=DeliveryState.DONE)

    first = post(api, "deliveries/replay", {"all": True, "cart": "shop"}).json()
    second = post(api, "deliveries/replay", {"all": True, "cart": "shop", "after": first["next_after"]}).json()

    assert (first["replayed"], second) == (2, {"replayed": 1, "next_after": None})
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 3


def test_some_are_replayed_by_their_ids(api):
    ids = [stored.store(state=DeliveryState.DONE).pk for _ in range(3)]

    assert post(api, "deliveries/replay", {"ids": ids[:2]}).json()["replayed"] == 2
    assert post(api, "deliveries/replay", {"ids": [*ids, 999_999]}).status_code == 404
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"cart": "shop"},
        {"all": False},
        {"all": True, "day": "2026-03-10"},
        {"ids": [1], "all": True},
        {"ids": [1], "cart": "shop"},
        {"ids": []},
        {"day": "yesterday"},
        {"everything": True},
    ],
)
def test_wrong_combinations_replay_nothing(api, body):
    stored.store(state=DeliveryState.DONE)

    response = post(api, "deliveries/replay", body)

    assert response.status_code == 422
    assert response.json()["error"]
    assert not Delivery.objects.filter(state=DeliveryState.WAITING).exists()


def test_a_cart_that_does_not_exist_is_told(api):
    assert post(api, "deliveries/replay", {"all": True, "cart": "nowhere"}).json()["field"] == "cart"


@pytest.mark.parametrize("path", ["align", "deliveries/replay"])
def test_without_a_token_nothing_is_done(client, path):
    assert client.post(f"/api/v1/{path}", {"all": True}, content_type="application/json").status_code == 401
