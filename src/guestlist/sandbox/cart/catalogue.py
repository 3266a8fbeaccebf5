"""What the sandbox shop has on sale: one offer of each way to pay."""

from __future__ import annotations

from guestlist.sandbox.cart.offers import Offer

COURSE = Offer(
    item="product-101",
    name="Watercolour Course",
    label="Course 2026 (one-time)",
    price=14900,
    option="71011",
    option_name="Pay once ($149)",
    tax_percent=20,
)
WORKBOOK = Offer(item="bump-101", name="Printable workbook", price=1900, tax_percent=20)
MASTERCLASS = Offer(
    item="upsell-31", name="Masterclass recordings", price=9700, option="73101", option_name="Full set ($97)"
)
SKETCHBOOK = Offer(
    item="downsell-31", name="Sketchbook lessons", price=2700, option="74101", option_name="Pay once ($27)"
)
CLUB = Offer(
    item="product-102",
    name="Painters' Club",
    label="Club, monthly",
    price=2900,
    option="71021",
    option_name="Monthly ($29/month)",
    frequency="month",
)
STUDIO = Offer(
    item="product-103",
    name="Studio Year",
    label="Studio Year, 3 payments",
    price=16000,
    option="71031",
    option_name="3 monthly payments of $160",
    frequency="month",
    charges=3,
)
LIBRARY_SEASON = Offer(
    item="product-104", name="Video Library", price=7500, option="71041", option_name="This season ($75)"
)
LIBRARY_LIFE = Offer(
    item="product-104", name="Video Library", price=49000, option="71042", option_name="For life ($490)"
)
LETTERS = Offer(
    item="product-105",
    name="Sketch Letters",
    price=900,
    option="71051",
    option_name="7 days free, then $9/month",
    frequency="month",
    trial_days=7,
)
RETREAT = Offer(
    item="product-106",
    name="Summer Retreat",
    price=39000,
    option="71061",
    option_name="Pay in 14 days",
    deferred_days=14,
)

OFFERS = (
    COURSE,
    WORKBOOK,
    MASTERCLASS,
    SKETCHBOOK,
    CLUB,
    STUDIO,
    LIBRARY_SEASON,
    LIBRARY_LIFE,
    LETTERS,
    RETREAT,
)
