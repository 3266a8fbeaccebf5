"""What the stand-in cart sends: read back by another decoder, and understood by the cart's adapter."""

import json
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import qs_codec
import typer

from guestlist.carts.thrivecart import CART
from guestlist.domain.facts import Billing, Mode
from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.run import EVENTS, run
from guestlist.sandbox.cart.sender import send
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.cart.subscriptions import underscored

ORDERED = datetime(2026, 1, 31, 9, 30, 15, tzinfo=UTC)
BUYER = Buyer(email="nora+shop@customers.example", first_name="Nora", last_name="O'Lind €")


@pytest.fixture
def shop():
    return Shop("S3CRETWORD12", clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), first_order=90001001)


def decoded(delivery):
    return qs_codec.decode(delivery.as_form().decode(), qs_codec.DecodeOptions(parameter_limit=5000))


def scalars(node):
    if isinstance(node, dict):
        node = list(node.values())
    if isinstance(node, list):
        return [leaf for below in node for leaf in scalars(below)]
    return [node]


def fact(delivery):
    [only] = CART.read(delivery.as_form(), ORDERED).facts
    assert CART.read(delivery.as_json(), ORDERED).facts == (only,)
    return only


def every_event(shop):
    order = shop.order(BUYER, sold.CLUB, sold.WORKBOOK, at=ORDERED)
    return [
        order.success(),
        order.rebill(),
        order.rebill_failed(),
        order.pause(),
        order.resume(),
        order.cancel(),
        order.refund("bump-101"),
        shop.cart_abandoned(BUYER, sold.CLUB),
        shop.customer_updated(BUYER, "new@customers.example"),
    ]


def test_form_and_json_say_the_same_and_every_scalar_is_a_text(shop):
    for delivery in every_event(shop):
        assert decoded(delivery) == delivery.body == json.loads(delivery.as_json()), delivery.event
        assert {type(leaf) for leaf in scalars(delivery.body)} == {str}, delivery.event
        assert delivery.body["thrivecart_secret"] == "S3CRETWORD12"


def test_a_plus_an_apostrophe_and_a_currency_sign_survive_the_form(shop):
    body = decoded(shop.order(BUYER, sold.CLUB).success())
    assert (body["customer"]["email"], body["customer"]["last_name"]) == (BUYER.email, "O'Lind €")


def test_an_address_without_a_country_is_an_empty_list(shop):
    delivery = shop.order(Buyer(email="a@customers.example", country=None), sold.CLUB).success()
    assert json.loads(delivery.as_json())["customer"]["address"] == []
    assert "address" not in decoded(delivery)["customer"]
    assert delivery.body["customer"]["name"] == " "


def test_ids_have_the_length_of_real_ones_and_belong_to_the_customer(shop):
    first, second = shop.order(BUYER, sold.CLUB), shop.order(BUYER, sold.COURSE)
    assert first.buyer.customer_id == second.buyer.customer_id
    assert len(first.buyer.customer_id) == 18
    assert (first.id, second.id) == ("90001001", "90001002")


class TestOrder:
    def test_a_product_a_bump_and_an_upsell_each_with_type_option_and_tax(self, shop):
        body = shop.order(BUYER, sold.COURSE, sold.WORKBOOK, sold.MASTERCLASS, at=ORDERED).success().body
        assert body["purchase_map"] == ["product-101", "bump-101", "upsell-31"]
        assert body["purchase_map_flat"] == "product-101, bump-101, upsell-31"
        assert (body["order"]["total"], body["order"]["total_gross"]) == ("26500", "29860")
        rows = body["order"]["charges"]
        assert [row["item_identifier"] for row in rows] == body["purchase_map"]
        assert [row.get("payment_plan_id") for row in rows] == ["71011", None, "73101"]
        assert (rows[0]["amount"], rows[0]["amount_gross"], rows[0]["amount_gross_str"]) == ("14900", "17880", "178.80")
        assert body["order"]["future_charges"] == []
        assert (body["base_product"], body["base_payment_plan"]) == ("101", "71011")
        assert (body["order_date"], body["order_timestamp"]) == ("2026-01-31 09:30:15", "1769851815")

    def test_a_subscription_has_two_charge_rows_and_a_next_one(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        body = order.success().body
        assert [row["type"] for row in body["order"]["charges"]] == ["single", "recurring"]
        [later] = body["order"]["future_charges"]
        assert (later["due"], later["frequency"], later["frequency_days"]) == ("2026-02-28 09:30:15", "month", "30")
        assert body["subscription_ids"] == {"product-102": order.subscription_id("product-102")}

    @pytest.mark.parametrize(
        ("offer", "billing", "paid", "due"),
        [
            (sold.COURSE, Billing.ONE_TIME, 14900, None),
            (sold.CLUB, Billing.RECURRING, 2900, date(2026, 2, 28)),
            (sold.STUDIO, Billing.RECURRING, 16000, date(2026, 2, 28)),
            (sold.LETTERS, Billing.RECURRING, 0, date(2026, 2, 7)),
            (sold.RETREAT, Billing.ONE_TIME, 0, date(2026, 2, 14)),
        ],
    )
    def test_each_way_to_pay_is_understood(self, shop, offer, billing, paid, due):
        placed = fact(shop.order(BUYER, offer, at=ORDERED).success())
        [line] = placed.lines
        assert (str(line.item), line.option, line.billing, line.paid_minor) == (offer.item, offer.option, billing, paid)
        assert line.next_due_at == due or (line.next_due_at and line.next_due_at.date() == due)
        assert (placed.mode, placed.at, placed.buyer.email) == (Mode.LIVE, ORDERED, BUYER.email)

    def test_a_funnel_left_half_way_is_sent_with_less(self, shop):
        order = shop.order(BUYER, sold.COURSE, sold.MASTERCLASS)
        assert order.success(only=["product-101"]).body["purchase_map"] == ["product-101"]
        assert len(order.success().body["purchase_map"]) == 2

    def test_a_test_order_says_so(self, shop):
        body = shop.order(BUYER, sold.CLUB, mode="test").success().body
        assert (body["mode"], body["mode_int"]) == ("test", "1")


class TestLife:
    def test_rebills_count_up_and_name_the_next_payment(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        first, second = fact(order.rebill()), fact(order.rebill())
        assert (first.index, first.invoice_id, second.invoice_id) == (1, f"{order.invoice}-1", f"{order.invoice}-2")
        assert (first.at.date(), first.next_due_at.date()) == (date(2026, 2, 28), date(2026, 3, 31))
        assert (second.at.date(), second.next_due_at.date()) == (date(2026, 3, 31), date(2026, 4, 30))
        assert (first.payments_left, first.option, first.order_id) == (None, "71021", order.id)

    def test_the_invoice_of_a_rebill_ends_in_its_number_and_the_orders_does_not(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        body = order.rebill().body
        assert (body["invoice_id"], body["recurring_payment_idx"]) == (f"{order.invoice}-1", "1")
        assert body["order"]["invoice_id"] == body["subscription"]["invoice_id"] == order.invoice

    def test_a_payment_plan_counts_down_to_its_last_payment(self, shop):
        order = shop.order(BUYER, sold.STUDIO, at=ORDERED)
        payments = [fact(order.rebill()) for _ in range(2)]
        assert [payment.payments_left for payment in payments] == [1, 0]
        assert payments[1].next_due_at is None

    def test_the_subscriptions_id_is_the_items(self, shop):
        offer = Offer(item="upsell-8", name="Extra", price=500, frequency="year")
        body = shop.order(BUYER, sold.COURSE, offer, at=ORDERED).rebill().body
        about = body["subscription"]
        assert (about["type"], about["id"], about["upsell_id"], body["base_product"]) == ("upsell", "8", "8", "101")

    def test_a_cancellation_names_the_end_of_what_is_paid(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        order.rebill()
        cancelled = fact(order.cancel())
        assert cancelled.period_end_at == datetime(2026, 3, 31, 9, 30, 15, tzinfo=UTC)
        assert cancelled.subscription_id == order.subscription_id("product-102")

    def test_a_refund_is_of_one_item_whole_or_in_part(self, shop):
        order = shop.order(BUYER, sold.COURSE, sold.WORKBOOK)
        whole, part = fact(order.refund("bump-101")), fact(order.refund("product-101", net=5000))
        assert (str(whole.item), whole.amount_minor, whole.amount_gross_minor) == ("bump-101", 1900, 2280)
        assert (str(part.item), part.amount_minor) == ("product-101", 5000)
        assert whole.event_id != part.event_id

    def test_a_failed_payment_keeps_its_invoice_over_its_retries(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        failures = [fact(order.rebill_failed(at=datetime(2026, 3, day, tzinfo=UTC))) for day in (1, 3)]
        assert failures[0].invoice_id == failures[1].invoice_id == f"{order.invoice}-1"
        assert failures[0].key != failures[1].key

    def test_a_refund_of_a_rebill_is_of_its_amount_at_its_time_and_names_the_orders_invoice(self, shop):
        offer = Offer(item="product-9", name="Trial", price=2900, frequency="month", trial_days=7, trial_price=100)
        order = shop.order(BUYER, offer, at=ORDERED)
        order.rebill()
        at = datetime(2026, 2, 9, tzinfo=UTC)
        first, later = fact(order.refund()), fact(order.refund(charge=1, at=at))
        assert (first.amount_minor, later.amount_minor) == (100, 2900)
        assert (later.at, later.invoice_id) == (at, order.invoice)

    def test_after_a_long_pause_billing_starts_anew_where_that_is_said(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        order.rebill()
        again = fact(order.rebill(at=datetime(2026, 5, 10, tzinfo=UTC), restart=True))
        assert (again.index, again.next_due_at) == (2, datetime(2026, 6, 10, tzinfo=UTC))
        assert fact(order.rebill()).at == again.next_due_at
        assert fact(order.cancel()).period_end_at == datetime(2026, 7, 10, tzinfo=UTC)

    def test_a_late_charge_alone_does_not_shift_the_next_one(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        assert fact(order.rebill(at=datetime(2026, 3, 5, tzinfo=UTC))).next_due_at.date() == date(2026, 3, 31)

    def test_a_deferred_price_is_charged_once(self, shop):
        order = shop.order(BUYER, sold.RETREAT, at=ORDERED)
        assert fact(order.rebill_failed()).at.date() == date(2026, 2, 14)
        charged = fact(order.rebill())
        assert (charged.amount_minor, charged.at.date(), charged.payments_left) == (39000, date(2026, 2, 14), 0)
        assert (charged.next_due_at, charged.frequency) == (None, None)

    def test_an_order_has_its_own_currency(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED, currency="EUR")
        assert [fact(each).currency for each in (order.success(), order.rebill(), order.refund())] == ["EUR"] * 3

    def test_a_quantity_multiplies_every_charge(self, shop):
        order = shop.order(BUYER, replace(sold.CLUB, quantity=2), at=ORDERED)
        [line] = fact(order.success()).lines
        assert (line.quantity, line.paid_minor, fact(order.rebill()).amount_minor) == (2, 5800, 5800)

    def test_fields_can_be_left_out(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        whole = order.cancel()
        part = whole.without("subscription.billing_period_end", "subscription.billing_period_end_iso8601")
        assert fact(part).period_end_at is None
        assert fact(whole).period_end_at is not None
        assert "future_charges" not in order.success().without("order.future_charges").body["order"]

    def test_pause_and_resume_are_understood(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        assert [fact(order.pause()).kind, fact(order.resume()).kind] == ["paused", "resumed"]

    def test_a_changed_address_belongs_to_the_same_customer(self, shop):
        changed = fact(shop.customer_updated(BUYER, "new@customers.example"))
        assert (changed.customer_id, changed.email) == (BUYER.customer_id, "new@customers.example")

    def test_an_abandoned_cart_has_no_mode_and_means_nothing(self, shop):
        delivery = shop.cart_abandoned(BUYER, sold.CLUB)
        assert not {"mode", "mode_int", "order", "customer_id"} & set(delivery.body)
        assert fact(delivery).kind == "ignored"


class TestEventSubscriptions:
    def test_every_event_has_its_underscored_name_a_webhook_id_and_no_secret(self, shop):
        names = []
        for delivery in every_event(shop)[:8]:
            for other in underscored(delivery):
                names.append(other.event)
                assert "thrivecart_secret" not in other.body
                assert len(other.body["webhook_id"]) == 36
        assert names == [
            "order_created",
            "order_payment_product",
            "order_payment_bump",
            "order_rebill",
            "order_rebill_failed",
            "subscription_paused",
            "subscription_resumed",
            "order_rebill_cancelled",
            "order_refund_bump",
            "cart_abandoned",
        ]

    def test_the_last_payment_of_a_plan_is_also_its_completion(self, shop):
        order = shop.order(BUYER, sold.STUDIO, at=ORDERED)
        order.rebill()
        assert [each.event for each in underscored(order.rebill())] == ["order_rebill", "order_rebill_completed"]

    def test_a_changed_address_has_no_event_subscription(self, shop):
        assert underscored(shop.customer_updated(BUYER, "new@customers.example")) == []

    def test_they_mean_the_same_as_the_account_webhooks(self, shop):
        order = shop.order(BUYER, sold.CLUB, at=ORDERED)
        for delivery in (order.success(), order.rebill(), order.cancel(), order.refund()):
            assert fact(underscored(delivery)[0]) == fact(delivery)


class Receiver:
    """A webhook address that answers as told, one answer after the other."""

    def __init__(self, statuses):
        self.bodies = []
        bodies, statuses = self.bodies, list(statuses)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append((self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/shop"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class TestSender:
    @pytest.mark.parametrize(
        ("statuses", "end", "tries"), [([200], 200, 1), ([503, 500, 200], 200, 3), ([503] * 9, 503, 3), ([403], 403, 1)]
    )
    def test_only_a_server_error_is_tried_again(self, shop, statuses, end, tries):
        with Receiver(statuses) as receiver:
            answer = send(shop.order(BUYER, sold.CLUB).success(), receiver.url, pause=0)
        assert (answer.status, answer.tries, len(receiver.bodies)) == (end, tries, tries)
        assert len({body for _, body in receiver.bodies}) == 1

    def test_nobody_there_is_no_answer(self, shop):
        with Receiver([]) as receiver:
            gone = receiver.url
        answer = send(shop.order(BUYER, sold.CLUB).success(), gone, tries=1)
        assert (answer.status, answer.taken) == (None, False)
        assert answer.text

    @pytest.mark.parametrize("event", EVENTS)
    def test_a_story_ends_with_its_event(self, capsys, event):
        with Receiver([]) as receiver:
            run(receiver.url, "S3CRETWORD12", event, count=2)
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(receiver.bodies)
        assert sum(line.startswith(event + " ") for line in lines) == 2
        assert lines[-1].startswith(event + " ")
        assert "-> 200" in lines[-1]

    def test_an_own_item_option_address_and_mode(self):
        with Receiver([]) as receiver:
            run(receiver.url, "S", email="me@x.test", item="product-12", option="78572", mode="test", as_json=True)
        [(kind, body)] = receiver.bodies
        sent = json.loads(body)
        [row] = sent["order"]["charges"]
        assert (kind, sent["mode"], sent["customer"]["email"]) == ("application/json", "test", "me@x.test")
        assert (row["item_identifier"], row["payment_plan_id"]) == ("product-12", "78572")

    def test_a_refused_delivery_ends_with_exit_code_1(self):
        with Receiver([403]) as receiver, pytest.raises(typer.Exit) as ended:
            run(receiver.url, "WRONG")
        assert ended.value.exit_code == 1

    def test_an_unknown_event_is_wrong_usage(self):
        with pytest.raises(typer.BadParameter, match=r"order\.success"):
            run("http://127.0.0.1:9/", "S", "order.exploded")
