"""The lines of an order, from its charge rows, the charges to come and the map of purchases."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart.frequency import frequency
from guestlist.carts.thrivecart.items import joined, numbered, of_charge, purchase_map
from guestlist.carts.thrivecart.money import gross_minor, net_minor
from guestlist.carts.thrivecart.values import REPORT, Fields
from guestlist.domain.facts import Billing, Item, ItemType, OrderLine

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Rows:
    """One item's rows: charged with the order, and to be charged later."""

    now: list[Fields] = field(default_factory=list)
    later: list[Fields] = field(default_factory=list)

    @property
    def agreements(self) -> list[Fields]:
        """The rows that stand for charges that come again.

        A subscription makes two rows: the single first payment and the recurring agreement (reference thrivecart 1.6).
        """
        return [row for row in (*self.now, *self.later) if _comes_again(row)]

    @property
    def paid(self) -> list[Fields]:
        """The rows that say what was charged with the order.

        The agreement's amount is the price of each charge to come, so it counts only where no single row stands
        beside it.
        """
        return [row for row in self.now if not _comes_again(row)] or self.now

    @property
    def all(self) -> list[Fields]:
        """Every row, those first that know the terms best."""
        return [*self.agreements, *self.now, *self.later]


def lines(body: Fields, at: datetime) -> tuple[OrderLine, ...]:
    """One line per bought item: those with charges first, then those that only the map of purchases names.

    An item of the map without any row is a free one (a free bump, say), unless the order has a subscription for it.

    Raises:
        Unreadable: an amount that is none.
    """
    named = purchase_map(body)
    order = body.below("order")
    bought: dict[Item, _Rows] = {}
    for row in order.rows("charges"):
        if item := of_charge(row, named):
            bought.setdefault(item, _Rows()).now.append(row)
    for row in order.rows("future_charges"):
        item = of_charge(row, named)
        # An announced charge alone is no purchase, where the order says what was bought. Each order has its product.
        if item and (item in bought or item in named or not named or _is_base(item, body.identifier("base_product"))):
            bought.setdefault(item, _Rows()).later.append(row)
    for item in named:
        bought.setdefault(item, _Rows())
    return _lines(body, bought, named, at)


def purchased(body: Fields, kind: ItemType, at: datetime) -> tuple[OrderLine, ...]:
    """The lines of an event that is sent once per bought item.

    What these events carry is not published (reference thrivecart 1.4). Assumed: an order with charge rows as in
    `order.success`; without rows, a map `purchase` that names the item by the keys which the event's filters have
    (`purchase.bump_id` and so on), or the same keys at the top, or for a product `base_product`; a charge row's other
    keys may stand in the map.

    Raises:
        Unreadable: no item is named, or an amount that is none.
    """
    named = purchase_map(body)
    if any(of_charge(row, named) for row in body.below("order").rows("charges")):
        return lines(body, at)
    purchase = body.below("purchase")
    number = purchase.identifier(f"{kind}_id", "item_id", "id") or body.identifier(f"{kind}_id", "item_id")
    if kind is ItemType.PRODUCT:
        number = number or body.identifier("base_product")
    item = joined(purchase.text("item_identifier")) or numbered(kind, number)
    if item is None:
        raise Unreadable(f"purchase.{kind}_id", f"it does not say which {kind} was bought", REPORT)
    return _lines(body, {item: _Rows(now=[purchase] if purchase.values else [])}, named, at)


def _lines(
    body: Fields, bought: Mapping[Item, _Rows], named: Mapping[Item, str], at: datetime
) -> tuple[OrderLine, ...]:
    subscriptions = {
        key.replace("_", "-"): Fields({"id": value}).identifier("id")
        for key, value in body.below("subscription_ids").values.items()
    }
    base = body.identifier("base_product")
    # A free trial may list the price of the charges to come; the order's total tells that nothing was charged yet.
    charged = body.below("order").text("total") != "0"
    return tuple(
        _line(
            item,
            rows,
            name=named.get(item, "") or (body.text("base_product_name") if _is_base(item, base) else ""),
            option=body.identifier("base_payment_plan") if _is_base(item, base) else None,
            subscription_id=subscriptions.get(str(item)),
            charged=charged,
            at=at,
        )
        for item, rows in bought.items()
    )


def _line(
    item: Item,
    rows: _Rows,
    *,
    name: str,
    option: str | None,
    subscription_id: str | None,
    charged: bool,
    at: datetime,
) -> OrderLine:
    paid = [row for row in rows.paid if not _starts_later(row, at)] if charged else []
    paid_minor = sum(net_minor(row) or 0 for row in paid)
    # Charges to come after one that was paid, or several of them, are instalments; a single one after nothing was
    # paid is a one-time price with a later start.
    instalments = len(rows.later) > (0 if paid_minor else 1)
    recurring = (
        instalments or bool(rows.agreements or subscription_id) or any(_opens_agreement(row) for row in rows.now)
    )
    return OrderLine(
        item=item,
        name=_first(row.text("name", "label") for row in rows.all) or name or str(item),
        option=_first(row.identifier("payment_plan_id") for row in rows.all) or option,
        option_name=_first(row.text("payment_plan_name") for row in rows.all) or "",
        quantity=_first(row.whole("quantity") for row in (*rows.paid, *rows.all)) or 1,
        billing=Billing.RECURRING if recurring else Billing.ONE_TIME,
        paid_minor=paid_minor,
        paid_gross_minor=sum(gross_minor(row) for row in paid),
        frequency=_first(frequency(row) for row in rows.all) if recurring else None,
        next_due_at=_next_due_at(rows, at),
        payments_left=next((left for row in rows.all if (left := row.whole("remaining_rebills")) is not None), None),
        subscription_id=subscription_id,
    )


def _comes_again(row: Fields) -> bool:
    return row.text("type").lower() == "recurring" or (not row.text("type") and frequency(row) is not None)


def _opens_agreement(row: Fields) -> bool:
    """Whether a single row is the first payment of an agreement whose own row was not sent."""
    return bool(row.says("related_to_recur")) or frequency(row) is not None


def _starts_later(row: Fields, at: datetime) -> bool:
    said = row.says("defer")
    if said is not None:
        return said
    begins_at = row.moment("defer_date")
    return begins_at is not None and begins_at > at


def _next_due_at(rows: _Rows, at: datetime) -> datetime | None:
    due = [row.moment("due", "due_unix", "due_iso8601", "due_date") for row in rows.later]
    begins = [row.moment("defer_date") for row in rows.all]
    for moments in (due, begins):
        coming = [moment for moment in moments if moment is not None and moment > at]
        if coming:
            return min(coming)
    return None


def _is_base(item: Item, base: str | None) -> bool:
    return item.type is ItemType.PRODUCT and item.id == base


def _first(said: Iterable[_T | None]) -> _T | None:
    return next((value for value in said if value), None)
