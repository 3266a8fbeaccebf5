"""Orders: found, filtered, paged, saved as CSV; each with its story from delivery to access."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import StreamingHttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import stored
from db.conftest import make_cart
from factories import BUYER, MONTH, event, line, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, SiteRequest
from guestlist.access.staff import change
from guestlist.dashboard import listing as listings
from guestlist.domain.facts import Buyer, Mode, PaymentFailed, Refunded, SubscriptionCancelled
from guestlist.domain.staff import Act
from guestlist.fulfilment.rules import as_row
from guestlist.inbox.models import Delivery
from guestlist.inbox.story import Asked, Confirmed, Decided, Delivered, Planned, Understood, story
from guestlist.journal.models import Event, Line
from guestlist.orders.models import Order
from guestlist.people.erase import erase

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db: None) -> None:
    stored.open_shop()


def page(client, path: str = "/orders", **values: object) -> str:
    answer = client.get(path, values)
    assert answer.status_code == 200
    return answer.content.decode()


def listed(html: str) -> list[str]:
    """The numbers of the orders in a list."""
    table = html.partition("<tbody>")[2].partition("</tbody>")[0]
    return [part.partition(">")[2].partition("<")[0] for part in table.split('href="/orders/')[1:]]


def sell(number: str, *, item: str = "product-12", name: str = "Course", **fields: object) -> Order:
    buyer = Buyer(f"buyer{number}@buyers.test", f"77{number}", "Vera", f"Buyer{number}")
    day = str(fields.pop("day", "2026-03-10"))
    bought = line(item, name=name, paid_minor=2900, paid_gross_minor=3451)
    stored.deliver(placed(day, bought, order_id=number, buyer=buyer, **fields))
    return Order.objects.get(external_id=number)


def read(answer) -> list[list[str]]:
    async def parts(answer: StreamingHttpResponse) -> bytes:
        return b"".join([part async for part in answer])

    return list(csv.reader(io.StringIO(async_to_sync(parts)(answer).decode("utf-8-sig"))))


# --- the list -----------------------------------------------------------------------------------------------------


def test_before_the_first_order_the_list_says_what_to_do(shop, viewer):
    html = page(viewer)

    assert "No orders yet" in html
    assert 'href="/settings/integrations"' in html


def test_a_row_says_who_bought_what_for_how_much_and_how_it_stands(shop, viewer):
    sell("7001")
    stored.confirm("academy")
    stored.confirm("club")

    row = page(viewer).partition("<tbody>")[2]

    for words in ("7001", "buyer7001@buyers.test", "Vera Buyer7001", "Course", "34.51 USD", "All right"):
        assert words in row


@pytest.mark.parametrize(
    "text",
    ["7002", "#7002", "INV-7002", "buyer7002@buyers.test", "BUYER7002", "Vera buyer7002", "buyer7002", " 7002 "],
)
def test_orders_are_found_by_number_invoice_address_and_name(shop, viewer, text):
    for number in ("7001", "7002"):
        sell(number, invoice_id=f"INV-{number}")

    assert listed(page(viewer, text=text)) == ["7002"]


def test_orders_are_found_by_product_cart_mode_and_day(shop, viewer):
    make_cart("second")
    sell("1", day="2026-03-09 23:30")
    sell("2", item="product-13", name="Book")
    sell("3", mode=Mode.TEST)
    stored.deliver(placed("2026-03-12", line("product-12"), order_id="4"), cart="second")

    assert listed(page(viewer, product="shop/product-13")) == ["2"]
    assert listed(page(viewer, cart="second")) == ["4"]
    assert listed(page(viewer, mode="test")) == ["3"]
    assert listed(page(viewer, since="2026-03-11")) == ["4"]
    viewer.cookies["zone"] = "Europe/Berlin"
    assert set(listed(page(viewer, since="2026-03-10", until="2026-03-10"))) == {"1", "2", "3"}
    assert listed(page(viewer, until="2026-03-09")) == []


def test_each_state_finds_its_orders_and_stands_in_the_row(shop, viewer):
    sell("unmapped", item="product-99")
    sell("held", mode=Mode.TEST)
    for number in ("right", "waiting", "stuck", "refunded", "failing", "cancelled"):
        sell(number)
    for fact in (
        event(Refunded, "2026-03-12", amount_minor=2900, amount_gross_minor=3451),
        event(PaymentFailed, "2026-03-13"),
        event(SubscriptionCancelled, "2026-03-12"),
    ):
        kind = {"refunded": "refunded", "payment_failed": "failing", "subscription_cancelled": "cancelled"}[fact.kind]
        if kind != "refunded":
            # Only what is charged again can fail or be cancelled.
            continue
        stored.deliver(type(fact)(**{**_fields(fact), "order_id": kind}))
    Order.objects.filter(external_id="failing").update(failing=True)
    Order.objects.filter(external_id="cancelled").update(cancelled=True)
    stored.confirm("academy")
    stored.confirm("club")
    Grant.objects.filter(order__external_id="waiting").update(state=GrantState.DUE)
    Grant.objects.filter(order__external_id="stuck").update(state=GrantState.ATTENTION)

    found = {state: set(listed(page(viewer, state=state))) for state in _WORDS}

    assert found == {
        "right": {"right", "failing", "cancelled"},
        "waiting": {"waiting"},
        "attention": {"stuck"},
        "unmapped": {"unmapped"},
        "held": {"held"},
        "refunded": {"refunded"},
        "failing": {"failing"},
        "cancelled": {"cancelled"},
    }
    for state, words in _WORDS.items():
        assert words in page(viewer, state=state).partition("<tbody>")[2]


def test_a_refund_stands_beside_what_was_paid_once_however_often_it_was_told(shop, viewer):
    course = line("product-12", name="Course", paid_minor=14900, paid_gross_minor=17880)
    bump = line("bump-3", name="Workbook", paid_minor=1000, paid_gross_minor=1200)
    stored.deliver(placed("2026-03-10", course, bump, buyer=stored.NORA))
    refund = {"amount_minor": 14900, "amount_gross_minor": 17880}
    stored.deliver(event(Refunded, "2026-03-12", event_id="55", **refund))
    stored.deliver(event(Refunded, "2026-03-12", event_id="55", **refund))
    stored.deliver(event(Refunded, "2026-03-12", **refund))
    stored.deliver(event(Refunded, "2026-03-13", "bump-3", amount_minor=500, amount_gross_minor=600))
    Order.objects.update(unmapped=[])
    stored.confirm("academy")
    stored.confirm("club")
    order = Order.objects.get()

    row = page(viewer).partition("<tbody>")[2].partition("</tbody>")[0]
    bought = page(viewer, f"/orders/{order.pk}").partition('id="bought"')[2].partition("</section>")[0]

    assert "190.80 USD" in row
    assert "Refunded 184.80 USD" in row
    assert "All right" not in row
    assert re.findall(r"Refunded [0-9.]+ USD", bought) == [
        "Refunded 184.80 USD",
        "Refunded 178.80 USD",
        "Refunded 6.00 USD",
    ]
    assert bought.index("178.80 USD") < bought.index("Workbook") < bought.index("Refunded 6.00 USD")
    assert read(viewer.get("/orders.csv"))[1][7:9] == ["190.80", "184.80"]


def test_a_refunded_order_whose_access_waits_says_both(shop, viewer):
    sell("7001")
    stored.deliver(event(Refunded, "2026-03-12", amount_minor=2900, amount_gross_minor=3451))

    row = page(viewer).partition("<tbody>")[2].partition("</tbody>")[0]

    assert "Waiting" in row
    assert "Refunded" in row


def test_products_come_before_what_was_sold_with_them(shop, viewer):
    names = {"bump-1": "Workbook", "downsell-1": "Lite", "product-12": "Course", "upsell-1": "Coaching"}
    stored.deliver(placed("2026-03-10", *(line(item, name=name) for item, name in names.items()), buyer=stored.NORA))
    order = Order.objects.get()

    row = page(viewer).partition("<tbody>")[2].partition("</tbody>")[0]
    bought = page(viewer, f"/orders/{order.pk}").partition('id="bought"')[2].partition("</section>")[0]

    for html in (row, bought):
        assert re.findall("Workbook|Lite|Course|Coaching", html) == ["Course", "Workbook", "Coaching", "Lite"]


def test_what_the_product_gives_comes_before_what_was_sold_with_it(shop, viewer):
    as_row("shop", rule("bump-1", "academy/8")).save()
    sold = line("bump-1", name="Workbook"), line("product-12", name="Course")
    stored.deliver(placed("2026-03-10", *sold, buyer=stored.NORA))

    html = gives(viewer, Order.objects.get())

    assert html.index("Course (product-12)") < html.index("Workbook (bump-1)")
    assert "Course (product-12)" not in html.partition("Workbook (bump-1)")[2]


_WORDS = {
    "right": "All right",
    "waiting": "Waiting",
    "attention": "Needs attention",
    "unmapped": "Not mapped",
    "held": "Not fulfilled",
    "refunded": "Refunded",
    "failing": "Payment failed",
    "cancelled": "Cancelled",
}


def _fields(fact: object) -> dict[str, object]:
    return {name: getattr(fact, name) for name in fact.__slots__ if name != "kind"}  # type: ignore[attr-defined]


def test_a_failed_payment_and_a_cancellation_are_marked_until_they_are_mended(shop):
    order = stored.sell_monthly()
    assert (order.failing, order.cancelled, order.paid_minor) == (False, False, 5800)
    stored.deliver(event(PaymentFailed, "2026-05-10"))
    order.refresh_from_db()
    assert (order.failing, order.cancelled) == (True, False)
    stored.deliver(event(SubscriptionCancelled, "2026-05-11"))
    order.refresh_from_db()
    assert order.cancelled


@pytest.mark.parametrize(
    "values", [{"since": "soon"}, {"until": "9999-12-31"}, {"state": "odd"}, {"product": "x"}, {"text": "\0"}]
)
def test_a_filter_that_makes_no_sense_is_marked_and_does_not_count(shop, viewer, values):
    sell("7001")

    html = page(viewer, **values)

    assert listed(html) == ["7001"]
    assert "invalid-feedback" in html


def test_where_nothing_fits_the_filters_are_taken_away_with_one_click(shop, viewer):
    sell("7001")

    html = page(viewer, text="4711")

    assert "No order fits" in html
    assert 'href="/orders"' in html


def test_dates_sort_both_ways_and_pages_follow_one_another(shop, viewer, monkeypatch):
    monkeypatch.setattr(listings.listing, "__kwdefaults__", {"rows": 3})
    for number in range(1, 8):
        sell(str(number), day=f"2026-03-{number:02}")

    def all_pages(sort: str) -> list[str]:
        found, cursor = [], ""
        for _ in range(4):
            html = page(viewer, sort=sort, after=cursor)
            found += listed(html)
            cursor = html.partition('rel="next" href="?')[2].partition("after=")[2].partition('"')[0].partition("&")[0]
            if not cursor:
                break
        return found

    assert all_pages("-placed") == [str(number) for number in range(7, 0, -1)]
    assert all_pages("placed") == [str(number) for number in range(1, 8)]


def test_a_product_filter_has_pages_too(shop, viewer, monkeypatch):
    monkeypatch.setattr(listings.listing, "__kwdefaults__", {"rows": 2})
    for number in range(1, 4):
        sell(str(number), day=f"2026-03-{number:02}")
        sell(f"other{number}", item="product-13", day=f"2026-03-{number:02}")

    html = page(viewer, product="shop/product-12")
    cursor = html.partition('rel="next" href="?')[2].partition("after=")[2].partition('"')[0].partition("&")[0]

    assert listed(html) == ["3", "2"]
    assert listed(page(viewer, product="shop/product-12", after=cursor)) == ["1"]


def test_a_page_takes_as_many_queries_however_long_the_list_is(shop, viewer):
    def queries() -> int:
        with CaptureQueriesContext(connection) as taken:
            page(viewer)
        return len(taken)

    sell("1")
    page(viewer)
    few = queries()
    for number in range(2, 20):
        sell(str(number))

    assert queries() == few < 20


def test_what_the_filters_leave_is_saved_as_csv_in_batches(shop, viewer, monkeypatch):
    monkeypatch.setattr(listings, "ROWS_AT_ONCE", 2)
    for number in range(1, 6):
        sell(str(number), day=f"2026-03-{number:02}", name='=HYPERLINK("x")')
    sell("6", item="product-13")

    lines = read(viewer.get("/orders.csv", {"product": "shop/product-12", "sort": "placed"}))

    assert [row[0] for row in lines] == ["order", "1", "2", "3", "4", "5"]
    assert lines[1][6:10] == ['\'=HYPERLINK("x") (product-12)', "34.51", "0.00", "USD"]


def test_a_file_has_times_of_the_viewers_zone(shop, viewer):
    sell("1", day="2026-03-09 23:30")
    viewer.cookies["zone"] = "Europe/Berlin"

    lines = read(viewer.get("/orders.csv", {"since": "2026-03-10"}))

    assert [row[3] for row in lines] == ["placed", "2026-03-10T00:30:00+01:00"]


# --- one order ----------------------------------------------------------------------------------------------------


@pytest.fixture
def fulfilled(shop) -> Order:
    """Sold, and given at both sites 0.4 s after the delivery came."""
    stored.deliver(placed("2026-03-10", line("product-12", name="Course", paid_minor=2900), buyer=stored.NORA))
    order = Order.objects.get()
    stored.confirm("academy")
    stored.confirm("club")
    begun = timezone.now() - timedelta(minutes=1)
    Delivery.objects.update(received_at=begun)
    for grant in Grant.objects.filter(order=order, charge_key="first").select_related("member"):
        at = begun + timedelta(seconds=0.4)
        Grant.objects.filter(pk=grant.pk).update(created_at=begun + timedelta(seconds=0.1))
        SiteRequest.objects.create(
            site_id=grant.member.site_id,
            member_id=grant.member_id,
            at=begun + timedelta(seconds=0.2),
            method="POST",
            path="/wp-json/mp/v1/transactions",
            status=200,
            milliseconds=57,
            excerpt='{"id": 5, "trans_num": "<b>"}',
            ref=grant.ref,
        )
        Line.objects.create(
            at=at,
            event=Event.GIVEN,
            site=grant.member.site_id,
            member=grant.member_id,
            grant=grant.pk,
            order=order.pk,
            level=grant.level,
            until_on=grant.until_on,
        )
    return order


def test_an_orders_story_goes_from_the_delivery_to_the_access(fulfilled):
    told = story(fulfilled)

    first = [type(each.step) for each in told.steps if each.at <= told.steps[0].at + timedelta(seconds=0.41)]
    assert first[0] is Delivered
    assert set(first) >= {Delivered, Planned, Asked, Confirmed}
    assert {type(each.step) for each in told.steps} == {Delivered, Understood, Decided, Planned, Asked, Confirmed}
    assert [each.at for each in told.steps] == sorted(each.at for each in told.steps)
    assert told.access_after == pytest.approx(0.4, abs=0.01)
    asked = next(each for each in told.steps if isinstance(each.step, Asked))
    assert asked.after == pytest.approx(0.2, abs=0.01)


def test_an_orders_page_tells_its_story(fulfilled, viewer):
    html = page(viewer, f"/orders/{fulfilled.pk}")

    for words in (
        "Access 0.4 s after the order arrived.",
        "Order placed: Course",
        "Rule for product-12: Gold monthly (academy), Lifetime (club)",
        "POST /wp-json/mp/v1/transactions",
        "57 ms",
        "Access given",
        "All right",
    ):
        assert words in html
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_the_story_says_the_same_amounts_with_tax_as_the_list_of_payments(shop, viewer):
    bought = line("product-12", name="Course", paid_minor=14900, paid_gross_minor=17880, frequency=MONTH)
    stored.deliver(placed("2026-03-10", bought, buyer=stored.NORA))
    money = {"amount_minor": 14900, "amount_gross_minor": 17880}
    stored.deliver(rebill("2026-04-10", index=2, **money))
    stored.deliver(event(Refunded, "2026-04-12", **money))

    html = page(viewer, f"/orders/{Order.objects.get().pk}")
    told = html.partition('id="story"')[2]

    for words in (
        "Order placed: Course (product-12), 178.80 USD",
        "178.80 USD paid again",
        "178.80 USD refunded",
    ):
        assert words in told
    assert "149.00" not in html


def test_an_orders_page_writes_all_days_alike(shop, viewer):
    stored.sell_monthly()

    html = page(viewer, f"/orders/{Order.objects.get().pk}")
    shown = re.sub(r"<[^>]*>", "", html)

    assert "bought on 10 Mar 2026" in shown or "begun on 10 Mar 2026" in shown
    assert "next due on 10 May 2026" in html.partition('id="story"')[2]
    assert re.findall(r"\d{4}-\d\d-\d\d", shown) == []


def test_what_staff_did_stands_in_the_story(fulfilled, viewer):
    change("academy", stored.NORA.email or "", Act.REVOKE, level="8", until_on=None, who="Ada", why="asked by phone")

    html = page(viewer, f"/orders/{fulfilled.pk}")

    assert "Revoked by hand" in html
    assert "Ada: asked by phone" in html


def test_a_story_goes_without_deliveries_that_are_not_stored_any_more(fulfilled, viewer):
    Delivery.objects.all().delete()

    html = page(viewer, f"/orders/{fulfilled.pk}")

    assert "which is not stored any more" in html
    assert "after the order arrived" not in html


def gives(client, order: Order) -> str:
    html = page(client, f"/orders/{order.pk}")
    return html.partition('id="gives"')[2].partition("</section>")[0]


def test_an_order_says_what_gives_no_access_on_purpose(shop, viewer):
    as_row("shop", rule("product-40")).save()
    with_none = gives(viewer, sell("7001", item="product-40", name="Workbook"))
    assert "Workbook gives no access, on purpose." in with_none
    assert "Nothing." not in with_none
    assert "Nothing." in gives(viewer, sell("7002", item="product-41", name="Poster"))
    assert "on purpose" not in gives(viewer, sell("7003"))


def test_an_order_says_what_the_site_confirmed_and_what_is_only_to_come(shop, viewer):
    order = sell("7001")
    grants = Grant.objects.filter(order=order, level="8")
    before = gives(viewer, order)
    assert "will give access" in before
    assert before.count("Waiting") == 2

    stored.confirm("academy")
    assert "will give access" not in gives(viewer, order).partition("club")[0]

    grants.update(live=False, state=GrantState.DUE)
    shown = gives(viewer, order).partition("Lifetime")[0]
    assert "still given" in shown
    assert "Ended" not in shown

    grants.update(confirmed_live=False, state=GrantState.RIGHT)
    shown = gives(viewer, order).partition("Lifetime")[0]
    assert "still given" not in shown
    assert "Ended" in shown


def test_an_order_that_is_not_fulfilled_says_why(shop, viewer):
    order = sell("7001", mode=Mode.TEST)

    html = page(viewer, f"/orders/{order.pk}")

    assert "it is a test order, and the cart fulfils live orders only" in html


def test_an_order_without_an_address_says_what_it_waits_for(shop, viewer):
    stored.deliver(placed("2026-03-10", line("product-12"), buyer=Buyer(None, BUYER.customer_id)))

    html = page(viewer, f"/orders/{Order.objects.get().pk}")

    assert "nobody knows the customer's e-mail address" in html


def test_an_item_without_rule_leads_to_its_product(shop, viewer):
    order = sell("7001", item="product-99")

    html = page(viewer, f"/orders/{order.pk}")

    assert "gives nothing, because no rule names it" in html
    assert 'href="/products/shop/product-99"' in html


def test_an_item_that_a_rule_names_by_now_leads_to_bringing_its_sales_in_line(shop, viewer):
    order = sell("7001", item="product-99")
    as_row("shop", rule("product-99", "academy/8")).save()

    html = page(viewer, f"/orders/{order.pk}")

    assert "because it was sold before a rule named it" in html
    assert 'href="/products/shop/product-99/align"' in html


def test_what_is_stuck_says_so_and_leads_to_the_person(shop, viewer):
    order = sell("7001")
    Grant.objects.update(state=GrantState.ATTENTION, problem="The site refuses it.", remedy="See to it.")
    Member.objects.update(state="attention")

    html = page(viewer, f"/orders/{order.pk}")

    assert "The site refuses it." in html
    assert "Go to the person to try again" in html


def test_an_erased_order_is_nobodys(shop, viewer):
    order = sell("7001")
    erase("buyer7001@buyers.test")

    html = page(viewer, f"/orders/{order.pk}")

    assert "was erased" in html
    assert "Vera" not in html
    assert "Vera" not in page(viewer)
    assert "34.51 USD" in page(viewer)


def test_an_order_that_does_not_exist_is_not_found(shop, viewer):
    for number in (4711, 2**64):
        assert viewer.get(f"/orders/{number}").status_code == 404


@pytest.mark.parametrize("path", ["/orders", "/orders.csv", "/orders/1"])
def test_nobody_sees_orders_without_signing_in(shop, client, path):
    assert client.get(path).status_code == 302


def test_orders_cannot_be_changed_here(shop, owner):
    order = sell("7001")
    for path in ("/orders", "/orders.csv", f"/orders/{order.pk}"):
        assert owner.post(path).status_code == 405
    assert timezone.now() > order.placed_at
