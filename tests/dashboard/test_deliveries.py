"""Deliveries: found, shown with what they led to or what is wrong with them, and read again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext

import stored
from db.conftest import make_cart
from factories import line, moment, placed
from guestlist.accounts import acts
from guestlist.accounts.models import AuditEntry
from guestlist.domain.facts import CustomerChanged
from guestlist.inbox.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> None:
    stored.open_shop()


def page(client, path: str = "/deliveries", **values: object) -> str:
    answer = client.get(path, values)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(html: str) -> list[int]:
    return [int(part.split('"')[0]) for part in html.split('href="/deliveries/')[1:]]


def received(delivery: Delivery, at: datetime) -> Delivery:
    Delivery.objects.filter(pk=delivery.pk).update(received_at=at)
    return delivery


# --- the list -----------------------------------------------------------------------------------------------------


def test_before_anything_came_the_list_says_what_to_do(shop, viewer):
    html = page(viewer)

    assert "Nothing has come yet" in html
    assert 'href="/settings/integrations"' in html


def test_the_newest_delivery_comes_first_and_says_what_it_told(shop, viewer):
    stored.sell_monthly()

    html = page(viewer)

    first, second = listed(html)
    assert first > second
    assert "29.00 USD paid again for product-12" in html
    assert "Order placed: Course" in html


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (DeliveryState.WAITING, "Waiting"),
        (DeliveryState.UNREADABLE, "Not understood"),
        (DeliveryState.FAILED, "Failed"),
        (DeliveryState.IGNORED, "Nothing to do"),
        (DeliveryState.DONE, "Done"),
    ],
)
def test_deliveries_are_found_by_state_which_stands_there_in_words(shop, viewer, state, words):
    wanted = {each: stored.store(state=each) for each in DeliveryState}[state]

    html = page(viewer, state=state.value)

    assert listed(html) == [wanted.pk]
    assert words in html.partition("<tbody>")[2]


def test_deliveries_are_found_by_cart(shop, viewer):
    make_cart("other")
    stored.store()
    wanted = stored.store(cart_id="other")

    assert listed(page(viewer, cart="other")) == [wanted.pk]


@pytest.mark.parametrize("text", ["7001", "#7001", "nora@buyers.test", " Nora@Buyers.Test "])
def test_deliveries_are_found_by_order_and_by_address(shop, viewer, text):
    stored.sell_monthly("7001")
    stored.sell_monthly("7002", stored.OMAR)
    of_nora = set(Delivery.objects.order_by("pk").values_list("pk", flat=True)[:2])

    assert set(listed(page(viewer, text=text))) == of_nora


def test_a_day_is_one_of_the_viewers_zone(shop, viewer):
    # Berlin: 23:30 on the 9th, 00:30 and 23:30 on the 10th, 00:30 on the 11th.
    _before, first, last, _after = (
        received(stored.store(), datetime(2026, 3, day, hour, 30, tzinfo=UTC))
        for day, hour in ((9, 22), (9, 23), (10, 22), (10, 23))
    )
    viewer.cookies["zone"] = "Europe/Berlin"

    assert listed(page(viewer, day="2026-03-10")) == [last.pk, first.pk]


@pytest.mark.parametrize(
    "values", [{"day": "soon"}, {"day": "9999-12-31"}, {"state": "odd"}, {"cart": "no"}, {"text": "\0"}]
)
def test_a_filter_that_makes_no_sense_is_marked_and_does_not_count(shop, viewer, values):
    delivery = stored.store()

    html = page(viewer, **values)

    assert listed(html) == [delivery.pk]
    assert "invalid-feedback" in html


def test_where_nothing_fits_the_filters_are_taken_away_with_one_click(shop, viewer):
    stored.store()

    html = page(viewer, text="4711")

    assert 'value="4711"' in html
    assert "No delivery fits" in html
    assert 'href="/deliveries"' in html


def test_a_list_has_pages(shop, viewer):
    for _ in range(60):
        stored.store()

    html = page(viewer)
    cursor = html.partition('rel="next" href="?after=')[2].partition('"')[0]

    assert len(listed(html)) == 50
    assert len(listed(page(viewer, after=cursor))) == 10


def test_a_page_takes_as_many_queries_however_long_the_list_is(shop, viewer):
    def queries(**values: object) -> int:
        with CaptureQueriesContext(connection) as taken:
            page(viewer, **values)
        return len(taken)

    stored.sell_monthly("1")
    queries(text="1")
    few = queries(), queries(text="1")
    for number in range(2, 20):
        stored.sell_monthly(str(number))

    assert (queries(), queries(text="1")) == few
    assert max(few) < 20


def test_what_the_filters_leave_is_saved_as_csv(shop, viewer):
    stored.sell_monthly()
    stored.store(state=DeliveryState.UNREADABLE, summary="=order.id: is no number", remedy="Report it.")

    async def read(answer: StreamingHttpResponse) -> bytes:
        return b"".join([part async for part in answer])

    lines = async_to_sync(read)(viewer.get("/deliveries.csv", {"state": "unreadable"})).decode().splitlines()

    assert len(lines) == 2
    assert lines[1].endswith(",unreadable,,'=order.id: is no number,Report it.")


def test_the_ones_that_are_ticked_are_read_again(shop, operator):
    first, second, third = (stored.store(state=DeliveryState.DONE) for _ in range(3))

    answer = operator.post("/deliveries", {"delivery": [first.pk, third.pk], "next": "/deliveries?state=done"})

    assert answer.status_code == 303
    assert answer["Location"] == "/deliveries?state=done"
    assert "2 deliveries are read again now." in page(operator)
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING)
    assert set(waiting.values_list("pk", flat=True)) == {first.pk, third.pk}
    assert AuditEntry.objects.get(did=acts.REPLAYED).additional_data == {"count": 2}
    assert Delivery.objects.get(pk=second.pk).state == DeliveryState.DONE


def test_reading_none_again_says_so(shop, operator):
    stored.store(state=DeliveryState.DONE)

    operator.post("/deliveries", {"delivery": ["x", "9" * 30]})

    assert "Tick the deliveries" in page(operator)
    assert not AuditEntry.objects.filter(did__startswith="replayed").exists()


# --- one delivery -------------------------------------------------------------------------------------------------


def test_a_delivery_shows_what_came_and_what_it_led_to(shop, viewer):
    order = stored.sell_monthly()
    delivery = Delivery.objects.order_by("pk").first()

    html = page(viewer, f"/deliveries/{delivery.pk}")

    assert "customer.email" in html
    assert "nora@buyers.test" in html
    assert "************" in html
    assert "Order placed: Course" in html
    assert f'href="/orders/{order.pk}"' in html
    assert 'href="/people/show?email=Nora%40Buyers.test"' in html
    assert f'href="/simulator?delivery={delivery.pk}"' in html


def test_a_change_of_address_leads_to_the_customer_alone(shop, viewer):
    delivery = stored.deliver(CustomerChanged(customer_id="91", at=moment("2026-04-01"), email="n@new.test"))

    html = page(viewer, f"/deliveries/{delivery.pk}")

    assert 'href="/people/show?email=n%40new.test"' in html
    assert 'href="/orders/' not in html


@pytest.mark.parametrize("state", [DeliveryState.UNREADABLE, DeliveryState.FAILED])
def test_what_was_not_understood_says_why_and_what_to_do(shop, viewer, state):
    delivery = stored.store(state=state, summary="order.id: is no number", remedy="Report it.")

    html = page(viewer, f"/deliveries/{delivery.pk}")

    assert "order.id: is no number" in html
    assert "Report it." in html
    assert 'href="/help/delivery-unreadable"' in html


def test_a_delivery_that_waits_looks_for_itself_how_it_went(shop, viewer):
    delivery = stored.store()

    assert 'hx-trigger="every 2s"' in page(viewer, f"/deliveries/{delivery.pk}")
    part = viewer.get(f"/deliveries/{delivery.pk}", headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith('<div id="became" hx-get')
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DONE)
    part = viewer.get(f"/deliveries/{delivery.pk}", headers={"HX-Request": "true"}).content.decode()
    assert "hx-get" not in part


def test_reading_again_what_once_was_not_understood(shop, operator):
    delivery = stored.store(state=DeliveryState.UNREADABLE, summary="order.id: is no number")

    answer = operator.post(f"/deliveries/{delivery.pk}")

    assert answer["Location"] == f"/deliveries/{delivery.pk}"
    assert "is read again now" in page(operator, f"/deliveries/{delivery.pk}")
    assert Delivery.objects.get(pk=delivery.pk).state == DeliveryState.WAITING
    assert AuditEntry.objects.get(did=acts.REPLAYED).additional_data == {"delivery": delivery.pk}


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"order": {"id": "<b>7</b>"}}', "&lt;b&gt;7&lt;/b&gt;"),
        (b"neither form nor <json>", "neither form nor &lt;json&gt;"),
        (b"", "the request was empty"),
        (b"\xff\xfe\x00", "�"),
    ],
)
def test_whatever_came_can_be_looked_at(shop, viewer, body, shown):
    delivery = stored.store(state=DeliveryState.UNREADABLE, body=body)

    assert shown in page(viewer, f"/deliveries/{delivery.pk}")


@pytest.mark.parametrize(
    "body",
    [
        "&".join(f"field{number}={'v' * 40}" for number in range(5000)).encode(),
        b"a=" + b"v" * 250_000,
        b"<" * 250_000,
    ],
)
def test_a_very_long_delivery_makes_no_heavy_page_and_is_whole_in_the_file(shop, viewer, body):
    delivery = stored.store(state=DeliveryState.UNREADABLE, body=body)

    html = page(viewer, f"/deliveries/{delivery.pk}")
    answer = viewer.get(f"/deliveries/{delivery.pk}/body")

    assert len(html) < 300_000
    assert "only a part is shown" in html
    assert answer.content == body
    assert "attachment" in answer["Content-Disposition"]
    assert answer["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("path", ["/deliveries/4711", f"/deliveries/{2**64}", f"/deliveries/{2**64}/body"])
def test_a_delivery_that_is_not_there(shop, operator, path):
    assert operator.get(path).status_code == 404


def test_what_came_of_an_order_that_is_nobodys_any_more(shop, viewer):
    delivery = stored.deliver(placed("2026-03-10", line("product-12", paid_minor=900), order_id="1"))
    order = delivery.order_id
    customer = stored.Order.objects.get(pk=order).customer
    customer.email = customer.email_key = customer.first_name = customer.last_name = ""
    customer.save()

    html = page(viewer, f"/deliveries/{delivery.pk}")

    assert "of nobody who is known" in html
    assert "/people/show" not in html


# --- who may ------------------------------------------------------------------------------------------------------


def test_a_viewer_reads_and_has_nothing_read_again(shop, viewer):
    delivery = stored.store(state=DeliveryState.UNREADABLE)

    for path in ("/deliveries", f"/deliveries/{delivery.pk}"):
        assert viewer.post(path, {"delivery": delivery.pk}).status_code == 403
        assert "again</button>" not in page(viewer, path)
    assert Delivery.objects.get(pk=delivery.pk).state == DeliveryState.UNREADABLE


@pytest.mark.parametrize("path", ["/deliveries", "/deliveries.csv", "/deliveries/1", "/deliveries/1/body"])
def test_nobody_reads_without_signing_in(shop, client, path):
    assert client.get(path).status_code == 302
