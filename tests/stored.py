"""A shop with some history, in the database: a cart, two sites, rules, deliveries and what came of them."""

from __future__ import annotations

import hashlib
import itertools

from django.db import transaction
from django.utils import timezone

from db.conftest import make_cart, make_site
from factories import MONTH, line, placed, rebill, rule
from guestlist.access.models import Grant, GrantState, Member, MemberState, SiteRequest
from guestlist.connections.models import Cart, Site
from guestlist.domain.facts import Buyer, CustomerChanged, OrderFact
from guestlist.fulfilment.planning import replan
from guestlist.fulfilment.rules import as_row
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.orders.models import Order
from guestlist.orders.record import record

NORA = Buyer("Nora@Buyers.test", "910000000000000001", "Nora", "Lind")
OMAR = Buyer("omar@buyers.test", "910000000000000002", "Omar", "Haddad")
BODY = b"event=order.success&customer%5Bemail%5D=nora%40buyers.test&thrivecart_secret=************"

_numbers = itertools.count(1)


def open_shop() -> None:
    """Cart `shop`; sites `academy` and `club`; product-12 gives level 8 of academy and level 10 of club."""
    make_cart("shop")
    make_site("academy", state="ok")
    make_site("club", state="ok")
    as_row("shop", rule("product-12", "academy/8", "club/10")).save()


def store(*, state: DeliveryState = DeliveryState.WAITING, body: bytes | None = None, **fields: object) -> Delivery:
    """A delivery as the door stores it, in some state."""
    content = body if body is not None else BODY + f"&n={next(_numbers)}".encode()
    values = {"cart_id": "shop", "content_type": "application/x-www-form-urlencoded", "shard": 0, **fields}
    return Delivery.objects.create(digest=hashlib.sha256(content).digest(), body=content, state=state, **values)


def deliver(*facts: OrderFact | CustomerChanged, cart: str = "shop") -> Delivery:
    """A delivery that told these facts, interpreted."""
    with transaction.atomic():
        delivery = store(state=DeliveryState.DONE, cart_id=cart, event="order.success", mode="live")
        recorded = record(cart, facts, delivery.pk)
        for order in recorded.orders:
            replan(order)
        delivery.order_id = recorded.orders[0].pk if recorded.orders else None
        delivery.summary, delivery.interpreted_at = f"{recorded.new_facts} new facts", timezone.now()
        delivery.save()
    return delivery


def sell_monthly(number: str = "7001", buyer: Buyer = NORA) -> Order:
    """A monthly subscription to product-12, paid on 10 March 2026 and again on 10 April."""
    deliver(
        placed(
            "2026-03-10",
            line("product-12", name="Course", paid_minor=2900, frequency=MONTH, next_due_at="2026-04-10"),
            order_id=number,
            buyer=buyer,
        )
    )
    deliver(
        rebill("2026-04-10 06:02", index=2, next_due_at="2026-05-10", frequency=MONTH, order_id=number, buyer=buyer)
    )
    return Order.objects.get(external_id=number)


def confirm(site_id: str) -> None:
    """The site has confirmed everything that was wanted of it."""
    for grant in Grant.objects.filter(member__site=site_id):
        grant.state, grant.confirmed_at, grant.remote_id = GrantState.RIGHT, timezone.now(), f"5{grant.pk}"
        grant.confirmed_live, grant.confirmed_until_on = grant.live, grant.until_on
        grant.save()
    Member.objects.filter(site=site_id).update(state=MemberState.IDLE, due_at=None, remote_id="41")


def note_requests(member: Member, count: int) -> None:
    """So many requests were made for a member."""
    SiteRequest.objects.bulk_create(
        SiteRequest(
            site_id=member.site_id,
            member=member,
            at=timezone.now(),
            method="GET",
            path=f"/wp-json/mp/v1/members?page={number}",
            status=200,
            milliseconds=12,
            excerpt="[]",
        )
        for number in range(count)
    )


def site_needs_its_owner(site_id: str) -> None:
    """The site's credentials were refused."""
    Site.objects.filter(pk=site_id).update(
        state="attention",
        state_since=timezone.now(),
        reason="The site refused the API key.",
        remedy="Enter the key again.",
    )


def disconnect(cart_id: str) -> None:
    """The cart was removed from the settings."""
    Cart.objects.filter(pk=cart_id).update(active=False)
