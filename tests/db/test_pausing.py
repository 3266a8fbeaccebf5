"""A site whose lane rests: nothing is changed there, nobody is lost, and it goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from db.conftest import make_cart, make_site
from db.two_sites import AFTER, World, two_sites
from guestlist.access.sitestate import sites_with_work
from guestlist.connections.models import Cart, Site
from guestlist.connections.pausing import pause_site, resume_site
from guestlist.connections.rotation import forget_previous_secret, rotate_secret
from guestlist.engine.nightly import sites_to_reconcile

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> Iterator[World]:
    with two_sites() as found:
        found.sell_before()
        yield found


def test_nothing_is_asked_of_a_paused_site_and_the_other_site_goes_on(world: World) -> None:
    pause_site("academy")
    world.sell_meanwhile()
    before, asked = world.access("academy"), world.asked()
    assert "academy" not in sites_with_work()
    world.run("academy", "club")
    assert world.access("academy") == before
    assert world.asked() == asked
    assert world.access("club") == AFTER
    seen = world.owner_sees()
    assert seen.paused
    assert (seen.members.open, seen.members.attention) == (0, 7)


def test_a_resumed_site_gets_all_that_waited_once(world: World) -> None:
    pause_site("academy")
    world.sell_meanwhile()
    world.run("academy")
    resume_site("academy")
    assert "academy" in sites_with_work()
    world.run("academy", "club")
    assert world.access("academy") == AFTER
    assert world.live("academy") == world.live("club")
    assert world.owner_sees().members.attention == 0


def test_a_paused_site_is_not_compared_at_night(db: None) -> None:
    make_site("academy", state="ok")
    night = timezone.now().replace(hour=3, minute=10)
    assert sites_to_reconcile(night, 3) == ["academy"]
    pause_site("academy")
    assert sites_to_reconcile(night, 3) == []
    assert Site.objects.get().paused


def test_a_rotated_secret_leaves_the_former_one_for_a_while() -> None:
    before = make_cart("shop").version
    rotate_secret("shop", "ANOTHERWORD", keep_for=timedelta(hours=1))
    cart = Cart.objects.get()
    assert (cart.secret, cart.previous_secret, cart.version) == ("ANOTHERWORD", "WORDOFTHESHOP", before + 1)
    assert cart.previous_secret_until is not None
    assert abs(cart.previous_secret_until - timezone.now() - timedelta(hours=1)) < timedelta(minutes=1)
    forget_previous_secret("shop")
    cart.refresh_from_db()
    assert (cart.previous_secret, cart.previous_secret_until, cart.version) == ("", None, before + 2)


def test_a_secret_that_became_known_counts_no_longer_at_once() -> None:
    make_cart("shop")
    rotate_secret("shop", "ANOTHERWORD", keep_for=timedelta(0))
    assert Cart.objects.get().previous_secret == ""


def test_the_same_secret_again_keeps_everything_as_it_is() -> None:
    before = make_cart("shop").version
    rotate_secret("shop", "WORDOFTHESHOP", keep_for=timedelta(hours=1))
    assert (Cart.objects.get().version, Cart.objects.get().previous_secret) == (before, "")
