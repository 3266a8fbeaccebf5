"""A connected cart and two sites, in the test database."""

from __future__ import annotations

import pytest
from django.utils import timezone

from guestlist.connections.levels import levels_to_json
from guestlist.connections.models import Cart, Site
from guestlist.domain.periods import Period
from guestlist.domain.terms import FOREVER, Level, LevelTerms

LEVELS = (
    Level("8", "Gold monthly", LevelTerms(period=Period.parse("1 month"))),
    Level("9", "Silver yearly", LevelTerms(period=Period.parse("1 year"))),
    Level("10", "Lifetime", FOREVER),
)


def make_cart(cart_id: str = "shop", **fields: object) -> Cart:
    cart = Cart(id=cart_id, kind="thrivecart", **fields)
    cart.secret = "WORDOFTHESHOP"
    cart.save()
    return cart


def make_site(site_id: str, url: str = "http://127.0.0.1:9", key: str = "K3yK3yK3y0", **fields: object) -> Site:
    fields.setdefault("levels", levels_to_json(LEVELS))
    fields.setdefault("levels_read_at", timezone.now())
    site = Site(id=site_id, kind="memberpress", url=url, allow_private_address=True, **fields)
    site.credentials = {"api_key": key}
    site.save()
    return site


@pytest.fixture
def cart(db) -> Cart:
    return make_cart()


@pytest.fixture
def sites(db) -> list[Site]:
    return [make_site("academy"), make_site("club")]
