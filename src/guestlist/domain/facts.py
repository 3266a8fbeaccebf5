"""What a cart says has happened, in the words of the field and free of any cart's own format.

Facts are past tense, immutable, and carry a natural key: a delivery that comes twice, or in another encoding, gives the
same keys and so adds nothing. Money is in minor units (cents) as the cart sent it; moments are UTC.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from guestlist.domain.periods import Period


class Mode(StrEnum):
    """Whether real money moved. Only deliveries whose mode the cart is set to are fulfilled; UNKNOWN is held."""

    LIVE = "live"
    TEST = "test"
    UNKNOWN = "unknown"


class ItemType(StrEnum):
    """Ids are unique only together with their type: product 12, bump 12 and upsell 12 are three things."""

    PRODUCT = "product"
    BUMP = "bump"
    UPSELL = "upsell"
    DOWNSELL = "downsell"


_ITEM = re.compile(r"(product|bump|upsell|downsell)[-_]([0-9A-Za-z.-]+)")


@dataclass(frozen=True, slots=True)
class Item:
    """Something on sale, written `product-12`."""

    type: ItemType
    id: str

    def __str__(self) -> str:
        return f"{self.type.value}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> Item:
        """Read `product-12` (or `product_12`, which some events write).

        Raises:
            ValueError: the text does not name a type and an id.
        """
        match = _ITEM.fullmatch(text.strip())
        if match is None:
            raise ValueError(f'"{text}" is no item: write product-N, bump-N, upsell-N or downsell-N')
        return cls(ItemType(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who paid. The cart's customer id is the identity; the e-mail address may change (reference thrivecart 0.14)."""

    email: str | None = None
    customer_id: str | None = None
    first_name: str = ""
    last_name: str = ""


class Billing(StrEnum):
    """How an item is paid: once, or in charges that come again."""

    ONE_TIME = "one-time"
    RECURRING = "recurring"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One bought item with its first charge.

    Attributes:
        option: the pricing option's id, as the cart knows it.
        paid_minor: net amount of the first charge; 0 for a free trial or a deferred start.
        paid_gross_minor: the same with tax.
        frequency: how often a recurring item is charged, where the cart says so.
        next_due_at: when the next (for a deferred item: the first) real charge is due, where the cart says so.
        payments_left: charges still to come after this one; None = no end, or not said.
    """

    item: Item
    name: str
    option: str | None = None
    option_name: str = ""
    quantity: int = 1
    billing: Billing = Billing.ONE_TIME
    paid_minor: int = 0
    paid_gross_minor: int = 0
    frequency: Period | None = None
    next_due_at: datetime | None = None
    payments_left: int | None = None
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced:
    """An order went through. May come again for the same order with more (or fewer) lines."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    currency: str
    lines: tuple[OrderLine, ...]
    invoice_id: str | None = None
    kind: Literal["order_placed"] = "order_placed"

    @property
    def key(self) -> str:
        """Natural key: what the lines say; a repeated order that says something else is another fact."""
        lines = "\n".join(sorted(map(repr, self.lines)))
        return "placed:" + hashlib.sha256(lines.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReceived:
    """A later charge of a recurring item succeeded (a rebill); the first charge is part of `OrderPlaced`.

    Attributes:
        index: the cart's running number of this charge, where it says so.
        payments_left: 0 = this was the last one; None = no end, or not said.
    """

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    currency: str
    amount_minor: int
    amount_gross_minor: int
    invoice_id: str | None = None
    option: str | None = None
    index: int | None = None
    frequency: Period | None = None
    next_due_at: datetime | None = None
    payments_left: int | None = None
    name: str = ""
    kind: Literal["payment_received"] = "payment_received"

    @property
    def charge_key(self) -> str:
        """Names the charge within its order and item."""
        if self.invoice_id:
            return self.invoice_id
        return f"#{self.index}" if self.index is not None else f"@{int(self.at.timestamp())}"

    @property
    def key(self) -> str:
        """Natural key: item and invoice (the invoice id ends in the rebill's number)."""
        return f"paid:{self.item}:{self.charge_key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFailed:
    """A charge of a recurring item was refused; every retry says so again, on the same invoice."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    invoice_id: str | None = None
    kind: Literal["payment_failed"] = "payment_failed"

    @property
    def key(self) -> str:
        """Natural key: needs the time, because retries share one invoice id."""
        return f"failed:{self.item}:{self.invoice_id or ''}:{int(self.at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refunded:
    """Money of one item went back, wholly or in part; no flag says which."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    currency: str
    amount_minor: int
    amount_gross_minor: int
    event_id: str | None = None
    invoice_id: str | None = None
    kind: Literal["refunded"] = "refunded"

    @property
    def key(self) -> str:
        """Natural key: item and the cart's event id, else time and amount (several partial refunds are allowed)."""
        if self.event_id:
            return f"refunded:{self.item}:{self.event_id}"
        return f"refunded:{self.item}:{int(self.at.timestamp())}:{self.amount_minor}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionCancelled:
    """No further charge will come. `period_end_at` is the end of what is already paid."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    period_end_at: datetime | None = None
    subscription_id: str | None = None
    kind: Literal["subscription_cancelled"] = "subscription_cancelled"

    @property
    def key(self) -> str:
        """Natural key: item and time."""
        return f"cancelled:{self.item}:{int(self.at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Charges are suspended until further notice."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    kind: Literal["paused"] = "paused"

    @property
    def key(self) -> str:
        """Natural key: needs the time, because pause and resume can cycle."""
        return f"paused:{self.item}:{int(self.at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """Charges go on after a pause."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    kind: Literal["resumed"] = "resumed"

    @property
    def key(self) -> str:
        """Natural key: item and time."""
        return f"resumed:{self.item}:{int(self.at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """The last charge of a payment plan or limited subscription was paid."""

    order_id: str
    mode: Mode
    at: datetime
    buyer: Buyer
    item: Item
    kind: Literal["completed"] = "completed"

    @property
    def key(self) -> str:
        """Natural key: an item completes once."""
        return f"completed:{self.item}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChanged:
    """The cart's customer has another e-mail address or name now. Belongs to no single order."""

    customer_id: str
    at: datetime
    email: str
    first_name: str = ""
    last_name: str = ""
    mode: Mode = Mode.UNKNOWN
    kind: Literal["customer_changed"] = "customer_changed"

    @property
    def key(self) -> str:
        """Natural key: customer, address and time."""
        return f"customer:{self.customer_id}:{self.email.lower()}:{int(self.at.timestamp())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """The delivery was understood and means nothing for access; `reason` says why, in words."""

    reason: str
    kind: Literal["ignored"] = "ignored"


OrderFact = (
    OrderPlaced | PaymentReceived | PaymentFailed | Refunded | SubscriptionCancelled | Paused | Resumed | Completed
)
Fact = OrderFact | CustomerChanged | Ignored
