"""What a new Guestlist still needs, in the order in which it is done."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.engine.overview import Overview
from guestlist.fulfilment.models import Rule


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do once. `href` leads to where it is done."""

    title: str
    text: str
    href: str
    done: bool


def first_steps(found: Overview) -> list[Step]:
    """All of them, done or not."""
    carts = [cart for cart in found.carts if cart.active]
    sites = [site for site in found.sites if site.active]
    return [
        Step(
            _("Connect your cart"),
            _("Guestlist gets an address of its own, which you enter at the cart."),
            reverse("integrations:list"),
            bool(carts),
        ),
        Step(
            _("Connect your membership site"),
            _("Its levels are read at once, so that you can choose them."),
            reverse("integrations:list"),
            bool(sites),
        ),
        Step(
            _("Choose what each product gives"),
            _("Products appear by themselves as soon as one is sold or the cart sends a test."),
            reverse("products:list"),
            Rule.objects.filter(cart__active=True).exists(),
        ),
        Step(
            _("Make a test order"),
            _("It shows whether the cart reaches Guestlist. In the simulator you can see what it would give."),
            reverse("activity:list"),
            any(cart.last_delivery_at for cart in carts),
        ),
    ]
