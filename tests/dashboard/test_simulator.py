"""The simulator: what an event would do, pasted, as a file, or one that came; nothing is stored."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import stored
from guestlist.access.models import Grant
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Order
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop


@pytest.fixture
def body(db) -> bytes:
    stored.open_shop()
    offer = Offer(item="product-12", name="Course", price=9900)
    return Shop("WORDOFTHESHOP").order(Buyer(email="new@buyers.test"), offer).success().as_form()


def test_a_pasted_event_shows_what_people_would_have_and_why(viewer, body):
    answer = viewer.post("/simulator", {"cart": "shop", "body": body.decode()})

    html = answer.content.decode()
    assert answer.status_code == 200
    assert "Something would change." in html
    assert "new@buyers.test" in html
    assert "no access" in html
    assert not Order.objects.exists()
    assert not Grant.objects.exists()


def test_a_file_is_read_as_well(viewer, body):
    answer = viewer.post("/simulator", {"cart": "shop", "file": SimpleUploadedFile("event.txt", body)})

    assert "new@buyers.test" in answer.content.decode()


def test_one_that_came_is_followed_through_again(viewer, body):
    delivery = stored.store(state=DeliveryState.DONE, body=body)

    assert f"?delivery={delivery.pk}" in viewer.get("/simulator").content.decode()
    html = viewer.get(f"/simulator?delivery={delivery.pk}").content.decode()

    assert "new@buyers.test" in html
    assert Delivery.objects.count() == 1


def test_an_item_without_a_rule_is_said_to_give_nothing(viewer, body):
    answer = viewer.post("/simulator", {"cart": "shop", "body": body.decode().replace("product-12", "product-13")})

    assert "no rule names it" in answer.content.decode()


def test_what_cannot_be_read_says_where_and_what_to_do(viewer, body):
    answer = viewer.post("/simulator", {"cart": "shop", "body": "event=order.success"})

    html = answer.content.decode()
    assert 'role="alert"' in html
    assert 'href="/help/delivery-unreadable"' in html


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"cart": "shop"}, "Paste an event, or choose a file."),
        ({"cart": "nowhere", "body": "event=x"}, "Select a valid choice"),
        ({"cart": "shop", "body": "x" * (256 * 1024 + 1)}, "at most 262144"),
        ({"cart": "shop", "file": SimpleUploadedFile("x", b"x" * (256 * 1024 + 1))}, "more than 256 KB"),
    ],
)
def test_what_is_missing_or_too_large_is_marked(viewer, body, values, words):
    answer = viewer.post("/simulator", values)

    assert answer.status_code == 422
    assert words in answer.content.decode()


@pytest.mark.parametrize("number", ["0", "99999999999999999999", "x", ""])
def test_a_delivery_that_is_not_there_leaves_the_form_empty(viewer, body, number):
    answer = viewer.get(f"/simulator?delivery={number}")

    assert answer.status_code == 200
    assert "would change" not in answer.content.decode()


def test_without_a_cart_the_page_says_what_to_do(viewer):
    assert "Connect a cart" in viewer.get("/simulator").content.decode()


def test_nobody_looks_without_signing_in(client, db):
    assert client.get("/simulator").status_code == 302
