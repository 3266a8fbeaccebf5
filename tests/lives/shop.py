"""What the shop of these lives has on sale, and what each act in an order's life means for the books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Offer
from guestlist.sandbox.cart.shop import Order
from lives.oracle import Cancelled, Event, GivenBack, Paid, Paused, Refused, Resumed

COURSE = Offer(item="product-1", name="Course", price=10000, option="101", tax_percent=20)
LIFETIME = Offer(item="product-2", name="Lifetime pass", price=49000, option="201")
CLUB = Offer(item="product-3", name="Club", price=2900, option="301", frequency="month")
STUDIO = Offer(item="product-4", name="Studio in 3 payments", price=16000, option="401", frequency="month", charges=3)
LETTERS = Offer(item="product-5", name="Letters", price=900, option="501", frequency="month", trial_days=7)
RETREAT = Offer(item="product-6", name="Retreat", price=39000, option="601", deferred_days=14)
# Numbers are unique only together with their type: three more things numbered 3.
WORKBOOK = Offer(item="bump-3", name="Workbook", price=1900)
ARCHIVE = Offer(item="upsell-3", name="Archive", price=1500, option="302", frequency="week")
SKETCHES = Offer(item="downsell-3", name="Sketches", price=2700, option="303")

PRODUCTS = (COURSE, LIFETIME, CLUB, STUDIO, LETTERS, RETREAT)
EXTRAS = (WORKBOOK, ARCHIVE, SKETCHES)
OFFERS = PRODUCTS + EXTRAS


@dataclass(frozen=True)
class Told:
    """A delivery, and what it means for the books."""

    delivery: Delivery
    events: tuple[Event, ...]


@dataclass
class Bought:
    """An order that goes on, with the shop's own record of it."""

    order: Order
    buyer: str
    rebills: dict[str, int] = field(default_factory=dict)
    # Money that was charged and not given back, by item.
    money: dict[str, int] = field(default_factory=dict)

    def success(self, only: Sequence[str] | None = None) -> Told:
        """The order itself, or the part of it that its funnel had reached."""
        offers = [offer for offer in self.order.offers if only is None or offer.item in only]
        events = []
        for offer in offers:
            due = None if offer.later_charges == 0 else offer.due(self.order.at, 1).date()
            self.money.setdefault(offer.item, offer.today)
            events.append(
                Paid(
                    **self._about(offer, self.order.at),
                    first=True,
                    net=offer.today,
                    due=due,
                    recurring=offer.frequency is not None,
                    option=offer.option,
                )
            )
        return Told(self.order.success(only=only), tuple(events))

    def can_rebill(self, offer: Offer) -> bool:
        """Whether another charge of it is to come."""
        left = offer.later_charges
        return offer.frequency is not None and (left is None or self.rebills.get(offer.item, 0) < left)

    def next_due(self, offer: Offer) -> datetime:
        """When the next charge is due."""
        return offer.due(self.order.at, self.rebills.get(offer.item, 0) + 1)

    def rebill(self, offer: Offer, at: datetime) -> Told:
        """The next charge succeeds."""
        number = self.rebills[offer.item] = self.rebills.get(offer.item, 0) + 1
        self.money[offer.item] = self.money.get(offer.item, 0) + offer.each
        last = number == offer.later_charges
        base = offer is self.order.offers[0]
        event = Paid(
            **self._about(offer, at),
            first=False,
            net=offer.each,
            due=None if last else offer.due(self.order.at, number + 1).date(),
            recurring=True,
            last=last,
            option=offer.option if base else None,
        )
        return Told(self.order.rebill(offer.item, at), (event,))

    def refuse(self, offer: Offer, at: datetime) -> Told:
        """The next charge is refused."""
        return Told(self.order.rebill_failed(offer.item, at), (Refused(**self._about(offer, at)),))

    def cancel(self, offer: Offer, at: datetime) -> Told:
        """Nothing more will be charged."""
        end = self.next_due(offer).date()
        return Told(self.order.cancel(offer.item, at), (Cancelled(**self._about(offer, at), end=end),))

    def pause(self, offer: Offer, at: datetime) -> Told:
        """Nothing is charged for now."""
        return Told(self.order.pause(offer.item, at), (Paused(**self._about(offer, at)),))

    def resume(self, offer: Offer, at: datetime) -> Told:
        """It goes on."""
        return Told(self.order.resume(offer.item, at), (Resumed(**self._about(offer, at)),))

    def refund(self, offer: Offer, net: int, at: datetime) -> Told:
        """So much goes back."""
        self.money[offer.item] -= net
        return Told(self.order.refund(offer.item, net=net, at=at), (GivenBack(**self._about(offer, at), net=net),))

    def _about(self, offer: Offer, at: datetime) -> dict[str, object]:
        return {"buyer": self.buyer, "order": self.order.id, "item": offer.item, "at": at}
