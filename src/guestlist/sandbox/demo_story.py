"""What the demo sells, to whom, and what must be at the site afterwards.

The expected dates are worked out here by plain arithmetic, on purpose without the code that they check.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer
from guestlist.sandbox.cart.shop import Shop

GOLD, SILVER, LIFETIME, SEASON = 8, 9, 10, 11
GRACE_DAYS = 3

SETTINGS = """
[[carts]]
id = "shop"
kind = "thrivecart"
secret = "{secret}"
mode = "live"

[[sites]]
id = "academy"
kind = "memberpress"
url = "{site}"
api_key = "{key}"
allow_private_address = true

[[rules]]
cart = "shop"
item = "product-101"     # Watercolour Course, paid once: Silver yearly, by the level's own term of one year
grants = [ {{ site = "academy", level = "9" }} ]

[[rules]]
cart = "shop"
item = "bump-101"        # Printable workbook, at the checkout: Season pass, to the level's fixed date
grants = [ {{ site = "academy", level = "11" }} ]

[[rules]]
cart = "shop"
item = "upsell-31"       # Masterclass recordings, after the checkout: Lifetime
grants = [ {{ site = "academy", level = "10" }} ]

[[rules]]
cart = "shop"
item = "product-102"     # Painters' Club, monthly: Gold as long as it is paid, and 3 days of grace
grants = [ {{ site = "academy", level = "8" }} ]

[[rules]]
cart = "shop"
item = "product-103"     # Studio Year, three payments: two levels; for ever after the last payment
grants = [ {{ site = "academy", level = "8" }}, {{ site = "academy", level = "11" }} ]

[[rules]]
cart = "shop"
item = "product-104"     # Video Library: one pricing option gives the season ...
option = "71041"
grants = [ {{ site = "academy", level = "11" }} ]

[[rules]]
cart = "shop"
item = "product-104"     # ... and the other one gives it for life
option = "71042"
grants = [ {{ site = "academy", level = "10" }} ]
"""


@dataclass(frozen=True, slots=True, order=True)
class Granted:
    """A transaction at the site, as it should be. `until` "" = for ever; amounts as the site writes them."""

    level: int
    until: str
    net: str
    total: str
    status: str = "complete"


@dataclass(frozen=True, slots=True)
class Case:
    """One person's purchases, and what the site must have for them. `granted` empty = the person must not be there."""

    buyer: Buyer
    bought: str
    deliveries: tuple[Delivery, ...]
    granted: tuple[Granted, ...]
    new: bool = True


KNOWN = {"email": "Ines.Marlow@customers.example", "first_name": "Ines", "last_name": "Marlow"}


def cases(shop: Shop, now: datetime) -> list[Case]:
    """The demo's orders, in the order in which they are sent."""
    today = now.date()
    return [
        _funnel(shop, now - timedelta(minutes=20)),
        _subscription(shop, today),
        _plan(shop, today),
        _known_member(shop, now - timedelta(minutes=12)),
        _option_a(shop, now - timedelta(minutes=8)),
        _option_b(shop, now - timedelta(minutes=5)),
        _test_order(shop, now - timedelta(minutes=2)),
    ]


def owners_gift(now: datetime) -> Granted:
    """What the site's owner gave the known member by hand long ago; nobody may touch it."""
    return Granted(SILVER, str(months_after(now.date(), 5)), "0.00", "0.00")


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _funnel(shop: Shop, at: datetime) -> Case:
    buyer = Buyer(email="paula+art@customers.example", first_name="Paula", last_name="Orsini", country="IT")
    order = shop.order(buyer, sold.COURSE, sold.WORKBOOK, sold.MASTERCLASS, at=at)
    return Case(
        buyer,
        "Course, with bump and upsell",
        (order.success(),),
        (
            Granted(SILVER, str(months_after(at.date(), 12)), "149.00", "178.80"),
            Granted(SEASON, f"{at.year + 1}-12-31", "19.00", "22.80"),
            Granted(LIFETIME, "", "97.00", "97.00"),
        ),
    )


def _subscription(shop: Shop, today: date) -> Case:
    buyer = Buyer(email="tom.keller@customers.example", first_name="Tom", last_name="Keller", country="DE")
    began = months_after(today - timedelta(days=1), -2)
    order = shop.order(buyer, sold.CLUB, at=_morning(began))
    until = [months_after(began, month) + timedelta(days=GRACE_DAYS) for month in (1, 2, 3)]
    return Case(
        buyer,
        "Club, monthly, paid three times",
        (order.success(), order.rebill(), order.rebill()),
        tuple(Granted(GOLD, str(day), "29.00", "29.00") for day in until),
    )


def _plan(shop: Shop, today: date) -> Case:
    buyer = Buyer(email="aiko@customers.example", first_name="Aiko", last_name="Brandt", country=None)
    began = months_after(today - timedelta(days=2), -2)
    order = shop.order(buyer, sold.STUDIO, at=_morning(began))
    until = [str(months_after(began, month) + timedelta(days=GRACE_DAYS)) for month in (1, 2)]
    return Case(
        buyer,
        "Studio Year, last of 3 payments",
        (order.success(), order.rebill(), order.rebill()),
        tuple(
            Granted(level, end, amount, amount)
            for end in (*until, "")
            for level, amount in ((GOLD, "160.00"), (SEASON, "0.00"))
        ),
    )


def _known_member(shop: Shop, at: datetime) -> Case:
    # The same person as at the site, who writes the address in another way at the checkout.
    buyer = Buyer(email="ines.marlow@customers.example", first_name="Ines", last_name="Marlow", country="FR")
    order = shop.order(buyer, sold.CLUB, at=at)
    until = months_after(at.date(), 1) + timedelta(days=GRACE_DAYS)
    gold = Granted(GOLD, str(until), "29.00", "29.00")
    return Case(buyer, "Club, already a member here", (order.success(),), (owners_gift(at), gold), new=False)


def _option_a(shop: Shop, at: datetime) -> Case:
    buyer = Buyer(email="lee.novak@customers.example", first_name="Lee", last_name="Novak")
    order = shop.order(buyer, sold.LIBRARY_SEASON, at=at)
    return Case(
        buyer,
        "Library, option: this season",
        (order.success(),),
        (Granted(SEASON, f"{at.year + 1}-12-31", "75.00", "75.00"),),
    )


def _option_b(shop: Shop, at: datetime) -> Case:
    buyer = Buyer(email="sam.rivera@customers.example", first_name="Sam", last_name="Rivera", country="US")
    order = shop.order(buyer, sold.LIBRARY_LIFE, at=at)
    return Case(buyer, "Library, option: for life", (order.success(),), (Granted(LIFETIME, "", "490.00", "490.00"),))


def _test_order(shop: Shop, at: datetime) -> Case:
    buyer = Buyer(email="only.a.test@customers.example", first_name="Kim", last_name="Test")
    order = shop.order(buyer, sold.COURSE, at=at, mode="test")
    return Case(buyer, "Course, in the cart's test mode", (order.success(),), ())


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(9, 12, 40), UTC)
