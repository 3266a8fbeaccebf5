"""A shop with its orders: each act in an order's life gives the delivery that ThriveCart would send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from guestlist.sandbox.cart import builder
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer, Offer

_OWNER = "70415"


class Shop:
    """A ThriveCart account.

    Args:
        mode: `live` or `test`.
        clock: gives the moment of what is sent without a moment of its own.
        first_order: order numbers count up from here; by default they follow the time, so that two runs do not meet.
    """

    def __init__(
        self,
        secret: str,
        account: str = "sandboxshop",
        mode: str = "live",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        currency: str = "USD",
        first_order: int | None = None,
    ) -> None:
        self.secret = secret
        self.account = account
        self.mode = mode
        self.clock = clock
        self.currency = currency
        self._numbers = count(first_order or int(datetime.now(UTC).timestamp() * 1000))

    def order(
        self,
        buyer: Buyer,
        *offers: Offer,
        at: datetime | None = None,
        mode: str | None = None,
        currency: str | None = None,
    ) -> Order:
        """A new order of one product and what else was taken in its funnel; the product first."""
        ordered_at = (at or self.clock()).replace(microsecond=0)
        return Order(self, buyer, offers, next(self._numbers), ordered_at, mode, currency)

    def envelope(self, event: str, mode: str | None = None) -> dict[str, Any]:
        """What every event of this account begins with."""
        return builder.envelope(event, secret=self.secret, account=self.account, mode=mode or self.mode)

    def cart_abandoned(self, buyer: Buyer, offer: Offer, at: datetime | None = None) -> Delivery:
        """Somebody left the checkout. Carries no mode and no customer id."""
        body = self.envelope("cart.abandoned")
        del body["mode"], body["mode_int"]
        customer = builder.customer(buyer)
        del customer["id"]
        body |= builder.base(offer, _OWNER) | {"viewer": customer, "customer": customer}
        return Delivery("cart.abandoned", body | builder.when(at or self.clock()))

    def customer_updated(self, buyer: Buyer, new_email: str, at: datetime | None = None) -> Delivery:
        """A customer has another address now."""
        renamed = Buyer(
            email=new_email,
            first_name=buyer.first_name,
            last_name=buyer.last_name,
            country=buyer.country,
            known_as=buyer.known_as or buyer.email,
        )
        body = self.envelope("customer_updated")
        body |= {"customer_id": renamed.customer_id, "customer": builder.customer(renamed)}
        body |= {"previous_email": buyer.email, "current_email": new_email}
        return Delivery("customer_updated", body | builder.when(at or self.clock()))


class Order:
    """One order and what comes after it."""

    def __init__(
        self,
        shop: Shop,
        buyer: Buyer,
        offers: Sequence[Offer],
        number: int,
        at: datetime,
        mode: str | None,
        currency: str | None = None,
    ) -> None:
        self.shop = shop
        self.buyer = buyer
        self.offers = tuple(offers)
        self.id = str(number)
        self.invoice = f"{number % 1_000_000_000:09}"
        self.at = at
        self.mode = mode or shop.mode
        self.currency = currency or shop.currency
        self._rebilled: dict[str, int] = {}
        # Where billing started anew: the number of that charge, and when it was made.
        self._restarted: dict[str, tuple[int, datetime]] = {}

    def success(self, *, only: Sequence[str] | None = None) -> Delivery:
        """`order.success`; `only` = with these items (a funnel that was not finished yet)."""
        offers = [offer for offer in self.offers if only is None or offer.item in only]
        recurring = [offer for offer in offers if offer.frequency]
        first = offers[0]
        body = self.shop.envelope("order.success", self.mode) | builder.base(first, _OWNER)
        if first.option:
            body["base_payment_plan"] = first.option
        body |= {
            "order_id": self.id,
            "invoice_id": self.invoice,
            "order_date": f"{self.at:%Y-%m-%d %H:%M:%S}",
            "order_timestamp": str(int(self.at.timestamp())),
            **builder.when(self.at),
            "currency": self.currency,
            "customer_id": self.buyer.customer_id,
            "customer_identifier": builder.NULL,
            "customer": builder.customer(self.buyer),
            "affiliate": builder.NULL,
            "order": self._summary(offers)
            | {
                "payment_method": "card",
                "charges": builder.charges(offers, self.at),
                "future_charges": builder.future_charges(offers, self.at),
            },
            "subscription_ids": {offer.item: self.subscription_id(offer.item) for offer in recurring},
            "transactions": {offer.item: f"ch_sandbox_{self.id}_{offer.id}" for offer in offers},
            "subscriptions": {
                offer.item: f"sub_sandbox_{self.id}_{offer.id}" if offer in recurring else "false" for offer in offers
            },
            **builder.purchases(offers, self.shop.account),
        }
        return Delivery("order.success", body)

    def rebill(self, item: str | None = None, at: datetime | None = None, *, restart: bool = False) -> Delivery:
        """`order.subscription_payment`: the item's next charge, by default when it was due.

        Args:
            restart: later charges are counted from this one, as after a pause that was longer than the paid period.
        """
        offer = self._charged_later(item)
        number = self._rebilled.get(offer.item, 0) + 1
        moment = at or self._due(offer, number)
        self._rebilled[offer.item] = number
        if restart:
            self._restarted[offer.item] = number, moment
        left = self._left(offer)
        about = builder.subscription(offer, currency=self.currency, invoice=self.invoice, remaining=left) | {
            "invoice_str": f"{self.invoice}-{number}",
            "recurring_payment_idx": str(number),
        }
        about |= _next_payment(self._due(offer, number + 1) if left != 0 else None)
        body = self._about_one("order.subscription_payment", moment)
        body |= {"invoice_id": f"{self.invoice}-{number}", "recurring_payment_idx": str(number), "subscription": about}
        return Delivery("order.subscription_payment", body)

    def rebill_failed(self, item: str | None = None, at: datetime | None = None) -> Delivery:
        """`order.rebill_failed`: the next charge was refused; each retry says so again on the same invoice."""
        offer = self._charged_later(item)
        number = self._rebilled.get(offer.item, 0) + 1
        body = self._about_one("order.rebill_failed", at or self._due(offer, number))
        return Delivery(
            "order.rebill_failed", body | {"invoice_id": f"{self.invoice}-{number}", "subscription": self._now(offer)}
        )

    def cancel(self, item: str | None = None, at: datetime | None = None) -> Delivery:
        """`order.subscription_cancelled`, with the end of what is paid."""
        offer = self._recurring(item)
        end = builder.when(self._due(offer, self._rebilled.get(offer.item, 0) + 1), "billing_period_end")
        period_end = {"billing_period_end": end["billing_period_end_unix"]}
        period_end["billing_period_end_iso8601"] = end["billing_period_end_iso8601"]
        return self._change("order.subscription_cancelled", offer, at, period_end)

    def pause(self, item: str | None = None, at: datetime | None = None) -> Delivery:
        """`order.subscription_paused`."""
        return self._change("order.subscription_paused", self._recurring(item), at, {})

    def resume(self, item: str | None = None, at: datetime | None = None) -> Delivery:
        """`order.subscription_resumed`."""
        return self._change("order.subscription_resumed", self._recurring(item), at, {})

    def refund(
        self, item: str | None = None, *, charge: int = 0, net: int | None = None, at: datetime | None = None
    ) -> Delivery:
        """`order.refund` of one item. Nothing in it says which charge is given back, or whether all of it is.

        Args:
            charge: give back all of this charge: 0 = the order's own, 1 = the first rebill.
            net: give back so many minor units instead.
        """
        offer = self._offer(item)
        amount = net if net is not None else offer.each if charge else offer.today
        body = self._about_one("order.refund", at or self.shop.clock())
        body["order"] |= {"payment_method": "card"}
        body |= {"event_id": str(uuid4().int % 10**18), "pro-rata": "false"}
        if offer.frequency:
            body["subscription_id"] = self.subscription_id(offer.item)
        return Delivery("order.refund", body | {"refund": builder.refund(offer, currency=self.currency, net=amount)})

    def subscription_id(self, item: str) -> str:
        """The subscription's own id, which is not its `subscription.id`."""
        return f"{self.invoice}{[offer.item for offer in self.offers].index(item):03}"

    def _summary(self, offers: Sequence[Offer]) -> dict[str, Any]:
        return builder.order_summary(number=self.id, invoice=self.invoice, offers=offers, at=self.at)

    def _about_one(self, event: str, at: datetime) -> dict[str, Any]:
        body = self.shop.envelope(event, self.mode) | builder.base(self.offers[0], _OWNER)
        if self.offers[0].option:
            body["base_payment_plan"] = self.offers[0].option
        return body | {
            "currency": self.currency,
            "customer_id": self.buyer.customer_id,
            "customer": builder.customer(self.buyer),
            "affiliate": builder.NULL,
            **builder.when(at),
            "order": self._summary(self.offers),
            "order_id": self.id,
            "invoice_id": self.invoice,
        }

    def _change(self, event: str, offer: Offer, at: datetime | None, more: dict[str, Any]) -> Delivery:
        body = self._about_one(event, at or self.shop.clock())
        body |= {"subscription_id": self.subscription_id(offer.item), "subscription": self._now(offer) | more}
        return Delivery(event, body)

    def _now(self, offer: Offer) -> dict[str, Any]:
        return builder.subscription(offer, currency=self.currency, invoice=self.invoice, remaining=self._left(offer))

    def _left(self, offer: Offer) -> int | None:
        later = offer.later_charges
        return None if later is None else later - self._rebilled.get(offer.item, 0)

    def _offer(self, item: str | None) -> Offer:
        return next(offer for offer in self.offers if item is None or offer.item == item)

    def _charged_later(self, item: str | None) -> Offer:
        return next(offer for offer in self.offers if offer.later_charges != 0 and item in (None, offer.item))

    def _recurring(self, item: str | None) -> Offer:
        return next(offer for offer in self.offers if offer.frequency and item in (None, offer.item))

    def _due(self, offer: Offer, number: int) -> datetime:
        if offer.item not in self._restarted:
            return offer.due(self.at, number)
        restarted, at = self._restarted[offer.item]
        return offer.after(at, number - restarted)


def _next_payment(due: datetime | None) -> dict[str, Any]:
    if due is None:
        return {"next_payment_date": builder.NULL, "next_payment_date_iso8601": builder.NULL}
    moment = builder.when(due)
    return {"next_payment_date": moment["date_unix"], "next_payment_date_iso8601": moment["date_iso8601"]}
