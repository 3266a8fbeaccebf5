"""A few thousand orders that went through the real code, of each kind that shops have: what `bench.million` multiplies.

Nothing here writes what Guestlist works out by itself: deliveries are read, facts recorded, charges decided and grants
planned as always. Only what the sites would have answered is put in by hand.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.delivery import Delivery as Sent
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Order as Sold
from guestlist.sandbox.cart.shop import Shop

SECRET = "WORDOFTHESHOP"
# How many of 1,000 orders are each cart's: one that has nearly all, and one whose orders are hard to find among them.
CARTS = {"main": 640, "school": 250, "books": 90, "events": 19, "old": 1}
SITES_PER_CART = 4
SPAN = timedelta(days=730)
PERIODS = 4
FIRST_NAME, LAST_NAME = "Samplefirst", "Samplelast"
_FIRST_ORDER = 7_412_583_000_001
GOLD, SILVER, LIFETIME, SEASON = "8", "9", "10", "11"
LEVELS = (
    (GOLD, "Gold", {"period": "1 month"}),
    (SILVER, "Silver", {"period": "1 year"}),
    (LIFETIME, "Lifetime", {}),
    (SEASON, "Season pass", {"until_on": "2027-12-31"}),
)
GIVES = {
    sold.COURSE.item: (SILVER,),
    sold.WORKBOOK.item: (SEASON,),
    sold.MASTERCLASS.item: (LIFETIME,),
    sold.CLUB.item: (GOLD,),
    sold.STUDIO.item: (GOLD, SEASON),
    sold.LIBRARY_SEASON.item: (SEASON,),
    sold.LETTERS.item: (GOLD,),
}


@dataclass(frozen=True)
class Kind:
    """A kind of order: how many of 1,000 there are, what is bought, and what comes after the order itself."""

    name: str
    share: int
    offers: tuple[Offer, ...]
    later: Callable[[Sold, int], list[Sent]] = lambda _order, _months: []
    mode: str = "live"


def _paid(order: Sold, months: int) -> list[Sent]:
    return [order.rebill() for _ in range(min(months, 5))]


def _cancelled(order: Sold, months: int) -> list[Sent]:
    return [*_paid(order, min(months, 2)), order.cancel(at=order.at + timedelta(days=70))] if months >= 3 else []


def _failed(order: Sold, months: int) -> list[Sent]:
    return [*_paid(order, min(months, 1)), order.rebill_failed()] if months >= 2 else []


def _refunded(order: Sold, _months: int) -> list[Sent]:
    return [order.refund(at=order.at + timedelta(days=9))]


KINDS = (
    Kind("course", 240, (sold.COURSE,)),
    Kind("funnel", 170, (sold.COURSE, sold.WORKBOOK, sold.MASTERCLASS)),
    Kind("refunded", 40, (sold.COURSE, sold.WORKBOOK), _refunded),
    Kind("library", 60, (sold.LIBRARY_LIFE,)),
    Kind("season", 60, (sold.LIBRARY_SEASON,)),
    Kind("unmapped", 10, (sold.RETREAT,)),
    Kind("test", 20, (sold.COURSE,), mode="test"),
    Kind("club", 220, (sold.CLUB,), _paid),
    Kind("cancelled", 80, (sold.CLUB,), _cancelled),
    Kind("plan", 60, (sold.STUDIO,), lambda order, months: [order.rebill() for _ in range(min(months, 2))]),
    Kind("failed", 20, (sold.CLUB,), _failed),
    Kind("trial", 20, (sold.LETTERS,), lambda order, months: [order.rebill() for _ in range(min(months, 2))]),
)


@dataclass(frozen=True)
class Sample:
    """A sample order, and the words in it that stand for one order and one buyer."""

    order_id: int
    kind: str
    cart: str
    share: int
    period: int
    number: str
    invoice: str
    customer: str
    local_part: str


def make_samples(now: datetime) -> list[Sample]:
    """Connect the carts and sites, sell one order of each kind per cart, product line and period, all confirmed."""
    _connect(now)
    made = list(_sell(now))
    _interpret()
    _confirm()
    return _stored(made)


def sites() -> list[str]:
    """The sites' names."""
    return [f"{cart}-{line}" for cart in CARTS for line in range(SITES_PER_CART)]


def _item(item: str, line: int) -> str:
    """The product lines of a cart sell the same kinds of things under numbers of their own."""
    kind, _, number = item.partition("-")
    return f"{kind}-{line + 1}{number}"


def _connect(now: datetime) -> None:
    from guestlist.connections.models import Cart, Site
    from guestlist.fulfilment.models import Rule

    for cart_id in CARTS:
        cart = Cart(id=cart_id, kind="thrivecart", mode="live")
        cart.secret = SECRET
        cart.save()
    for site_id in sites():
        site = Site(
            id=site_id,
            kind="memberpress",
            url=f"http://127.0.0.1:9/{site_id}",
            allow_private_address=True,
            state="ok",
            state_since=now - SPAN,
            levels=[{"id": number, "title": title, "terms": terms} for number, title, terms in LEVELS],
            levels_read_at=now,
        )
        site.credentials = {"api_key": "K3yK3yK3y0"}
        site.save()
    Rule.objects.bulk_create(
        Rule(
            cart_id=cart_id,
            item=_item(item, line),
            grants=[{"site": f"{cart_id}-{line}", "level": level} for level in levels],
        )
        for cart_id in CARTS
        for line in range(SITES_PER_CART)
        for item, levels in GIVES.items()
    )


def _sell(now: datetime) -> Iterator[Sample]:
    from guestlist.inbox.models import SHARDS, Delivery

    shop = Shop(SECRET, clock=lambda: now, first_order=_FIRST_ORDER)
    chance = random.Random(4)
    # Each kind is sold in every other product line, or setting up would take a minute longer.
    shapes = [
        (cart, line, kind)
        for cart in CARTS
        for line in range(SITES_PER_CART)
        for place, kind in enumerate(KINDS)
        if (line + place) % 2 == 0
    ]
    for number, (period, (cart, line, kind)) in enumerate(itertools.product(range(PERIODS), shapes)):
        at = now - SPAN + SPAN / PERIODS * (period + 1) - timedelta(minutes=chance.randrange(1, 600))
        offers = [replace(offer, item=_item(offer.item, line)) for offer in kind.offers]
        local_part = f"sample{number:05}x"
        buyer = Buyer(email=f"{local_part}@example.com", first_name=FIRST_NAME, last_name=LAST_NAME)
        order = shop.order(buyer, *offers, at=at, mode=kind.mode)
        sent = [order.success(), *kind.later(order, (now - at).days // 31)]
        for delivery in sent:
            body = delivery.as_form().replace(SECRET.encode(), b"*" * len(SECRET))
            Delivery.objects.create(
                cart_id=cart,
                digest=hashlib.sha256(body).digest(),
                body=body,
                content_type="application/x-www-form-urlencoded",
                shard=number % SHARDS,
                received_at=_moment(delivery) + timedelta(seconds=4),
            )
        share = CARTS[cart] * kind.share
        yield Sample(0, kind.name, cart, share, period, order.id, order.invoice, buyer.customer_id, local_part)


def _moment(delivery: Sent) -> datetime:
    return datetime.fromisoformat(delivery.body["date_iso8601"])


def _interpret() -> None:
    from guestlist.inbox.interpret import interpret_shard, shards_waiting

    while shards := shards_waiting():
        for shard in shards:
            interpret_shard(shard)


# Everything came to the site within seconds of its delivery, and the site confirmed it.
_CONFIRMED = (
    "UPDATE inbox_delivery SET interpreted_at = received_at + interval '80 milliseconds'",
    "UPDATE orders_order SET created_at = placed_at + interval '4 seconds'",
    "UPDATE orders_fact SET created_at = at + interval '4 seconds'",
    """UPDATE fulfilment_decision SET created_at = orders_order.created_at FROM orders_order
        WHERE orders_order.id = order_id""",
    """UPDATE access_grant SET created_at = charged_at + interval '5 seconds', confirmed_at = charged_at +
        interval '6 seconds', state = 'right', confirmed_live = live, confirmed_until_on = until_on, remote_id = id""",
    """UPDATE access_member SET state = 'idle', due_at = NULL, remote_id = id, made_by_us = true, welcomed = true,
        version = 1, epoch = 1, created_at =
            (SELECT min(created_at) FROM access_grant WHERE member_id = access_member.id)""",
    """INSERT INTO access_siterequest (site_id, member_id, at, method, path, status, milliseconds, excerpt, ref)
        SELECT site_id, access_member.id, created_at + made.after, made.method, made.path, made.status, 180,
               '[{"id":"' || remote_id || '"}]', ''
          FROM access_member, (VALUES (interval '100 ms', 'GET', '/wp-json/mp/v1/members?search=', 200),
                                      (interval '300 ms', 'POST', '/wp-json/mp/v1/members', 201))
               AS made (after, method, path, status)""",
    """INSERT INTO access_siterequest (site_id, member_id, at, method, path, status, milliseconds, excerpt, ref)
        SELECT site_id, member_id, confirmed_at, 'POST', '/wp-json/mp/v1/transactions', 201, 240,
               '{"id":"' || access_grant.remote_id || '","status":"complete"}', ref
          FROM access_grant JOIN access_member ON access_member.id = member_id""",
    """INSERT INTO journal_line (at, event, site, member, "grant", "order", level, until_on, words)
        SELECT confirmed_at, CASE WHEN confirmed_live THEN 'given' ELSE 'ended' END, site_id, member_id,
               access_grant.id, order_id, level, until_on, ''
          FROM access_grant JOIN access_member ON access_member.id = member_id""",
)


def _confirm() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in _CONFIRMED:
            cursor.execute(statement)


def _stored(made: list[Sample]) -> list[Sample]:
    from guestlist.inbox.models import Delivery, DeliveryState
    from guestlist.orders.models import Order

    odd = Delivery.objects.exclude(state=DeliveryState.DONE).first()
    if odd is not None:
        raise SystemExit(f"a sample's delivery was not understood: {odd.state} {odd.summary}")
    ids = dict(Order.objects.values_list("external_id", "id"))
    return [replace(sample, order_id=ids[sample.number]) for sample in made]
