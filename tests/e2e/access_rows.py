"""How a row of the access table is written: what is on sale, whose life it is, what happens, what the site has then.

A row is a function that tells one buyer's life and lists its steps: deliveries, and acts that are none. Days are
written as `2023-03-10`, long gone by any clock, so that nothing of a row depends on when the tests run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from e2e.system import SECRET, rule_block
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Order, Shop

# The sandbox site's levels: a recurring one, "expires after 1 year", for ever, and until a fixed date.
MONTH, YEAR, EVER, SEASON = 8, 9, 10, 11
SEASON_ENDS = "2098-12-31"
# A level that nothing but the companions of a row give.
COMPANY = 12

# Level -> last day; None = for ever.
Held = Mapping[int, str | None]


def day(text: str) -> datetime:
    """Noon (UTC) of a day."""
    return datetime.fromisoformat(f"{text}T12:00:00").replace(tzinfo=UTC)


RULES: list[str] = []
# What the seller names in the settings only after it was sold.
LATE_RULES: dict[str, str] = {}


def on_sale(
    item: str,
    *levels: int,
    price: int = 10000,
    site: str = "academy",
    rule: Mapping[str, object] | None = None,
    ruled: bool = True,
    late: bool = False,
    **terms: int | str,
) -> Offer:
    """Put an item on sale, with the rule that says what it gives.

    Args:
        item: like `product-12`.
        rule: fields of the rule other than item and grants; `option` makes it a rule for that option.
        ruled: False = no rule at all.
        late: the rule is made only when the row says so (`Mapped`).
        terms: fields of `Offer`.
    """
    block = rule_block(item, *(f"{site}/{level}" for level in levels), **(rule or {}))
    if late:
        LATE_RULES[item] = block
    elif ruled:
        RULES.append(block)
    return Offer(item=item, name=f"The {item}", price=price, **{"option": f"5{item[-3:]}", **terms})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Staff:
    """Somebody of the staff does something for the buyer."""

    act: str
    level: int | None = None
    until: str | None = None


@dataclass(frozen=True)
class Later:
    """Nobody does anything; the sites have all that came so far."""


@dataclass(frozen=True)
class MemberGone:
    """The site's owner deletes the buyer's user."""


@dataclass(frozen=True)
class TransactionGone:
    """The site's owner deletes the buyer's transactions of a level."""

    level: int


@dataclass(frozen=True)
class OwnersGift:
    """The site's owner makes the buyer a member, with a transaction of the owner's own."""

    level: int
    until: str


@dataclass(frozen=True)
class Mapped:
    """The seller names the item in the settings and brings past sales in line."""

    item: str


@dataclass(frozen=True)
class Reconciled:
    """The seller has drift at the site mended."""


Act = Staff | Later | MemberGone | TransactionGone | OwnersGift | Mapped | Reconciled
Step = Delivery | Act


@dataclass
class Life:
    """One buyer's life in one variant of a row: fresh numbers, a fresh person."""

    name: str
    number: int
    addresses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Letters that differ from person to person come first: no address is part of another.
        self.addresses.append(f"{self.name}@table.test")
        self.buyer = Buyer(email=self.addresses[0], first_name="Ada", last_name="Row")
        self.shop = Shop(SECRET, first_order=10_000_000 + 100 * self.number)

    def buys(self, *offers: Offer, on: str, mode: str = "live") -> Order:
        """A new order at noon of a day."""
        return self.shop.order(self.buyer, *offers, at=day(on), mode=mode)

    def moves(self, on: str) -> Delivery:
        """Has another address from a day on."""
        before = self.buyer
        self.addresses.append(f"new-{before.email}")
        self.buyer = Buyer(
            email=self.addresses[-1], first_name="Ada", last_name="Row", known_as=before.known_as or before.email
        )
        return self.shop.customer_updated(before, self.addresses[-1], at=day(on))


Story = Callable[[Life], Sequence[Step]]


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes:
        story: the steps of a buyer's life, in the order in which they happened.
        held: what the site itself lets the buyer see on the day `on`, and until when. Companions are not in it.
        on: the site's date when it is looked at.
        complete: how many complete transactions the buyer has at the site, those included that are over.
        site: the site that is looked at.
        address: which of the buyer's addresses the site has; None = any.
    """

    name: str
    story: Story
    held: Held
    on: str
    complete: int
    site: str
    address: int | None


TABLE: dict[str, Row] = {}


def row(
    held: Held,
    *,
    on: str = "2023-04-01",
    complete: int | None = None,
    site: str = "academy",
    address: int | None = 0,
) -> Callable[[Story], Story]:
    """Enter a story in the table; `complete` is one transaction for each level unless said otherwise."""

    def enter(story: Story) -> Story:
        name = story.__name__.replace("_", "-")
        if name in TABLE:
            raise ValueError(f"two rows are named {name}")
        TABLE[name] = Row(name, story, held, on, len(held) if complete is None else complete, site, address)
        return story

    return enter
