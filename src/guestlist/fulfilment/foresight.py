"""What orders' grants would become: the same as `access.desire` would write, but nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from guestlist.access.denied import changes_of, despite_denial
from guestlist.access.desire import NOT_PLANNED, GrantKey, key_of, planned_key
from guestlist.access.models import Grant, GrantState, Member
from guestlist.domain.plan import PlannedGrant
from guestlist.domain.rules import Target
from guestlist.orders.models import Order

NOT_KNOWN = "the level's terms are not known yet"


@dataclass(frozen=True, slots=True)
class Given:
    """What a grant gives, or would give.

    Attributes:
        until_on: last day of access; None = for ever.
        live: False = it was taken away.
        reason: why, in words.
        blocked: what has to be known before `until_on` can be said; "" = nothing.
        missing: the site does not have the level, so that nobody can have it.
    """

    live: bool
    until_on: date | None
    reason: str
    blocked: str = ""
    missing: bool = False

    @property
    def effect(self) -> tuple[bool, date | None, bool]:
        """What of it matters for access; the words alone do not."""
        return self.live, self.until_on if self.live else None, self.live and bool(self.blocked)


@dataclass(frozen=True, slots=True)
class Place:
    """A person at a site: a member, or an address that would become one."""

    site: str
    member: int | None
    email: str

    @property
    def key(self) -> tuple[str, int | None, str]:
        """The same for the same person, however the address is written."""
        return self.site, self.member, "" if self.member else self.email.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """One grant as it is and as it would become.

    Attributes:
        grant: its id; None = it would be new.
        planned: False = it is no longer part of what was bought.
        was: None = it would be new.
    """

    order: Order
    place: Place
    item: str
    charge: str
    level: str
    grant: int | None
    planned: bool
    was: Given | None
    becomes: Given

    @property
    def changes(self) -> bool:
        """Whether access from this grant would be another."""
        return self.was is None or self.was.effect != self.becomes.effect


@dataclass(frozen=True, slots=True)
class Intended:
    """An order with all grants that it should have; `missing`: levels that their sites do not have."""

    order: Order
    planned: Sequence[PlannedGrant]
    missing: Collection[Target] = ()


def foresee(intended: Sequence[Intended]) -> list[list[Foreseen]]:
    """What each order's grants would become, each order's in a list of its own.

    An order whose customer's address is not known waits for it: nothing of it would change.
    """
    known = _Known([one.order for one in intended])
    return [_of_order(one, known) if one.order.customer.email_key else [] for one in intended]


def given_by(grant: Grant) -> Given:
    """What a stored grant gives."""
    if not grant.blocked:
        return Given(grant.live, grant.until_on, grant.reason)
    return Given(grant.live, grant.until_on, grant.reason, NOT_KNOWN, missing=grant.state == GrantState.ATTENTION)


class _Known:
    """What is stored about some orders' grants and about the people they belong to."""

    def __init__(self, orders: Sequence[Order]) -> None:
        stored = Grant.objects.filter(order__in=[order.pk for order in orders if order.pk]).select_related("member")
        self.grants: defaultdict[int | None, dict[GrantKey, Grant]] = defaultdict(dict)
        for grant in stored.order_by("id"):
            self.grants[grant.order_id][key_of(grant)] = grant
        customers = {order.customer.pk for order in orders if order.customer.pk}
        self._by_order = {
            (grant.order_id, grant.member.site_id): grant.member
            for of_order in self.grants.values()
            for grant in of_order.values()
        }
        self._by_customer = {
            (grant.customer_id, grant.member.site_id): grant.member
            for grant in Grant.objects.filter(customer__in=customers).select_related("member").order_by("id")
        }
        keys = {order.customer.email_key for order in orders}
        self._by_address = {(row.site_id, row.email_key): row for row in Member.objects.filter(email_key__in=keys)}

        members = {grant.member_id for of_order in self.grants.values() for grant in of_order.values()}
        members |= {member.pk for member in (*self._by_customer.values(), *self._by_address.values())}
        self._staff = changes_of(members)

    def denied(self, order: Order, place: Place, level: str, given: Given) -> Given:
        """The same once what staff decided stands above it."""
        changes = self._staff.get(place.member, ()) if place.member else ()
        live, reason = despite_denial(given.live, given.reason, level, order.placed_at, given.until_on, changes)
        return replace(given, live=live, reason=reason)

    def place(self, order: Order, site: str) -> Place:
        """Whose grant a new one of the order would be: history follows order and customer, not the address."""
        customer = order.customer
        member = self._by_order.get((order.pk, site)) if order.pk else None
        member = member or (self._by_customer.get((customer.pk, site)) if customer.pk else None)
        member = member or self._by_address.get((site, customer.email_key))
        return place_of(member) if member else Place(site, None, customer.email)


def place_of(member: Member) -> Place:
    """A member as a place."""
    return Place(member.site_id, member.pk, member.email)


def _of_order(intended: Intended, known: _Known) -> list[Foreseen]:
    order = intended.order
    existing = dict(known.grants[order.pk]) if order.pk else {}
    found = []
    for wanted in intended.planned:
        key = planned_key(wanted)
        grant = existing.pop(key, None)
        place = place_of(grant.member) if grant else known.place(order, wanted.target.site)
        missing = wanted.target in intended.missing
        becomes = Given(wanted.live, wanted.until_on, wanted.reason, wanted.blocked, missing=missing)
        found.append(_foreseen(order, place, key, grant, known.denied(order, place, key.level, becomes)))
    for key, grant in existing.items():
        becomes = given_by(grant)
        if grant.planned_live:
            becomes = replace(becomes, live=False, reason=NOT_PLANNED, blocked="", missing=False)
        found.append(_foreseen(order, place_of(grant.member), key, grant, becomes, planned=False))
    return found


def _foreseen(
    order: Order, place: Place, key: GrantKey, grant: Grant | None, becomes: Given, *, planned: bool = True
) -> Foreseen:
    return Foreseen(
        order=order,
        place=place,
        item=key.item,
        charge=key.charge_key,
        level=key.level,
        grant=grant.pk if grant else None,
        planned=planned,
        was=given_by(grant) if grant else None,
        becomes=becomes,
    )
