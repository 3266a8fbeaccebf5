"""`guestlist sandbox cart`: sends the deliveries of an event's story to a webhook address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from secrets import token_hex

import typer
from dateutil.relativedelta import relativedelta

from guestlist.sandbox.cart.catalogue import CLUB, COURSE, MASTERCLASS, OFFERS, WORKBOOK
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.sender import send
from guestlist.sandbox.cart.shop import Order, Shop

# What an event is about, after the order that it belongs to.
_AFTER_ORDER: dict[str, Callable[[Order], list[Delivery]]] = {
    "order.subscription_payment": lambda order: [order.rebill()],
    "order.rebill_failed": lambda order: [order.rebill_failed()],
    "order.subscription_cancelled": lambda order: [order.cancel()],
    "order.subscription_paused": lambda order: [order.pause()],
    "order.subscription_resumed": lambda order: [order.pause(), order.resume()],
    "order.refund": lambda order: [order.refund()],
}
EVENTS = ("order.success", *_AFTER_ORDER, "cart.abandoned", "customer_updated")


def run(
    to: str,
    secret: str,
    event: str = "order.success",
    count: int = 1,
    *,
    email: str | None = None,
    item: str | None = None,
    option: str | None = None,
    mode: str = "live",
    as_json: bool = False,
) -> None:
    """Send `count` times an event (with the order before it) and print each delivery and the answer.

    Args:
        to: the webhook address.
        secret: the cart's secret word.
        event: one of `EVENTS`.
        email: the buyer's; a new one each time if not given.
        item: sell this item (like `product-12`) instead of the shop's own.
        option: with this pricing option.
        mode: `live` or `test`.
        as_json: send JSON instead of a form.

    Raises:
        typer.BadParameter: an unknown event.
        typer.Exit: with 1, if a delivery was not taken.
    """
    if event not in EVENTS:
        raise typer.BadParameter(f"unknown event {event}; known: {', '.join(EVENTS)}")
    shop = Shop(secret, mode=mode)
    taken = True
    for _ in range(count):
        buyer = Buyer(email=email or f"buyer-{token_hex(4)}@customers.example", first_name="Robin", last_name="Sand")
        for delivery in story(shop, buyer, event, _chosen(event, item, option)):
            answer = send(delivery, to, as_json=as_json)
            taken = taken and answer.taken
            order = delivery.body.get("order_id", "-")
            said = f"{answer.status or 'no answer'} {answer.text}".strip()
            typer.echo(f"{delivery.event:<30} order {order:<14} {buyer.email:<40} -> {said} ({answer.seconds:.2f} s)")
    if not taken:
        raise typer.Exit(1)


def story(shop: Shop, buyer: Buyer, event: str, offers: tuple[Offer, ...]) -> list[Delivery]:
    """An event's deliveries, after those it needs to make sense."""
    if event == "cart.abandoned":
        return [shop.cart_abandoned(buyer, offers[0])]
    if event == "order.success":
        return [shop.order(buyer, *offers).success()]
    if event == "customer_updated":
        return [shop.order(buyer, *offers).success(), shop.customer_updated(buyer, f"new-{buyer.email}")]
    # A month back, so that what follows the order happens about now.
    began = datetime.now(UTC) if event == "order.refund" else datetime.now(UTC) - relativedelta(months=1)
    order = shop.order(buyer, *offers, at=began)
    return [order.success(), *_AFTER_ORDER[event](order)]


def _chosen(event: str, item: str | None, option: str | None) -> tuple[Offer, ...]:
    needs_subscription = event in _AFTER_ORDER and event != "order.refund"
    if item is None:
        return (CLUB,) if needs_subscription else (COURSE, WORKBOOK, MASTERCLASS)
    known = [offer for offer in OFFERS if offer.item == item and (option is None or offer.option == option)]
    like = known[0] if known else replace(CLUB if needs_subscription else COURSE, item=item, name=item, label="")
    return (replace(like, option=option) if option else like,)
