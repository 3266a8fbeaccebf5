"""What the sandbox shop sells, and to whom."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from dateutil.relativedelta import relativedelta

# ThriveCart's word for a frequency, the days it names (nominal), and what it means on the calendar.
_FREQUENCIES = {
    "day": (1, relativedelta(days=1)),
    "week": (7, relativedelta(weeks=1)),
    "month": (30, relativedelta(months=1)),
    "year": (365, relativedelta(years=1)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """An item with one of its pricing options.

    Attributes:
        item: like `product-12`.
        price: net, of one charge, in minor units.
        option: pricing option; None = the item has none (as bumps).
        frequency: `day`, `week`, `month` or `year`; None = paid once.
        charges: how many charges in all (payment plan, limited subscription); None = no end.
        trial_days: the first full charge comes so much later; today costs `trial_price`.
        deferred_days: nothing is charged today at all; the first charge comes so much later.
        tax_percent: on top of the price.
    """

    item: str
    name: str
    price: int
    label: str = ""
    option: str | None = None
    option_name: str = ""
    frequency: str | None = None
    charges: int | None = None
    trial_days: int = 0
    trial_price: int = 0
    deferred_days: int = 0
    quantity: int = 1
    tax_percent: int = 0

    @property
    def type(self) -> str:
        """`product`, `bump`, `upsell` or `downsell`."""
        return self.item.partition("-")[0]

    @property
    def id(self) -> str:
        """The number without the type."""
        return self.item.partition("-")[2]

    @property
    def today(self) -> int:
        """Net amount of what is charged with the order."""
        if self.deferred_days:
            return 0
        return self.trial_price if self.trial_days else self.price * self.quantity

    @property
    def each(self) -> int:
        """Net amount of each later charge."""
        return self.price * self.quantity

    @property
    def frequency_days(self) -> int:
        """ThriveCart's nominal number of days; no calendar arithmetic can be done with it."""
        return _FREQUENCIES[self.frequency][0] if self.frequency else 0

    def tax(self, net: int) -> int:
        """The tax on a net amount."""
        return round(net * self.tax_percent / 100)

    def due(self, ordered_at: datetime, number: int) -> datetime:
        """When a later charge is due: 1 = the first after the order. Counted from the order, so the day stays."""
        start = ordered_at + timedelta(days=self.trial_days or self.deferred_days)
        # A trial's or a deferred start's end is itself the first of the later charges.
        steps = number - 1 if self.trial_days or self.deferred_days else number
        return self.after(start, steps)

    def after(self, start: datetime, periods: int) -> datetime:
        """So many periods later."""
        return start + _FREQUENCIES[self.frequency][1] * periods if self.frequency else start

    @property
    def later_charges(self) -> int | None:
        """How many charges come after the order; None = no end."""
        if self.frequency is None:
            return 1 if self.deferred_days or self.trial_days else 0
        if self.charges is None:
            return None
        return self.charges if self.trial_days or self.deferred_days else self.charges - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys. The customer id follows from the first address that the shop knew."""

    email: str
    first_name: str = ""
    last_name: str = ""
    country: str | None = "GB"
    known_as: str = ""

    @property
    def customer_id(self) -> str:
        """18 digits, as since 2025."""
        digest = hashlib.sha256((self.known_as or self.email).lower().encode()).digest()
        return str(900_000_000_000_000_000 + int.from_bytes(digest[:7], "big") % 99_999_999_999_999_999)
