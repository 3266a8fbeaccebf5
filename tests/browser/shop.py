"""A shop with everything that pages show: buyers of all kinds, trouble at two sites, what staff did by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from browser.installation import Installation
from guestlist.sandbox import demo_story
from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.sender import send
from guestlist.sandbox.cart.shop import Order, Shop

SECRET = "WORDOFTHESHOP"
SECONDS = 60
SUBSCRIBER, STUCK, REFUNDED, UNMAPPED = (
    f"{name}@customers.example" for name in ("tom.keller", "robin.hartley", "ola.berg", "jo.sand")
)
# A second site, which will be down.
_MORE = """
[[sites]]
id = "studio"
kind = "memberpress"
url = "{site}/s/studio"
api_key = "{key}"
allow_private_address = true

[[rules]]
cart = "shop"
item = "product-105"
grants = [ {{ site = "studio", level = "8" }} ]
"""


def fill(installation: Installation) -> None:
    """Sell, do some things by hand, and break the rest."""
    sell(installation)
    by_hand = ("--site", "academy", "--by", "support", "--why")
    installation.command("members", "hold", SUBSCRIBER, *by_hand, "Disputed the last payment.")
    speaker = ("members", "grant", "guest@customers.example")
    installation.command(*speaker, *by_hand, "Speaks at the retreat.", "--level", "8", "--forever")
    _break(installation, Shop(SECRET))


def sell(installation: Installation) -> None:
    """Connect a cart and sites, and sell something of each kind; everybody has what they bought."""
    site, shop = installation.site, Shop(SECRET)
    settings = (demo_story.SETTINGS + _MORE).format(secret=SECRET, site=site.url, key=site.key)
    installation.command("apply", "-", stdin=settings)
    site.act("POST", "members", demo_story.KNOWN)
    refunded = _order(shop, REFUNDED, sold.COURSE, sold.WORKBOOK)
    sent = [delivery for case in demo_story.cases(shop, datetime.now(UTC)) for delivery in case.deliveries]
    _send(installation, *sent, refunded.success(), refunded.refund(sold.WORKBOOK.item))
    installation.command("wait", "--timeout", str(SECONDS))


def _break(installation: Installation, shop: Shop) -> None:
    site = installation.site
    site.switch(name="studio", down="maintenance")
    site.act("POST", "memberships/11", {"status": "trash"})
    _send(
        installation,
        _order(shop, STUCK, sold.LIBRARY_SEASON).success(),
        _order(shop, "kit.moss@customers.example", sold.LETTERS).success(),
        _order(shop, UNMAPPED, sold.RETREAT).success(),
        # Nobody knows whose it is.
        _order(shop, "eva.lund@customers.example", sold.COURSE).success().without("customer", "customer_id"),
        shop.cart_abandoned(Buyer(email="al.reed@customers.example"), sold.COURSE),
    )
    _send(installation, _order(Shop("ANOTHERWORD"), "x@customers.example", sold.COURSE).success(), taken=False)
    deadline = time.monotonic() + SECONDS
    while True:
        told = installation.told("status")
        states = {each["id"]: each["state"] for each in told["sites"]}
        if states["studio"] == "down" and told["members"]["attention"] and not told["deliveries"]["waiting"]:
            return
        assert time.monotonic() < deadline, told
        time.sleep(0.5)


def _order(shop: Shop, email: str, *offers: Offer) -> Order:
    first, _, last = email.partition("@")[0].partition(".")
    return shop.order(Buyer(email=email, first_name=first.title(), last_name=last.title()), *offers)


def _send(installation: Installation, *deliveries: Delivery, taken: bool = True) -> None:
    for delivery in deliveries:
        answer = send(delivery, f"{installation.url}/hooks/shop")
        assert answer.taken is taken, answer
