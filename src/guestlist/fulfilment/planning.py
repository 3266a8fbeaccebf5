"""Planning an order: its facts folded, its charges decided, its grants written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection, transaction

from guestlist.access.desire import desire
from guestlist.access.models import GrantState
from guestlist.connections.levels import levels_from_json, terms_from_dict, terms_to_dict
from guestlist.connections.models import CartMode, Site
from guestlist.domain.charges import Charge
from guestlist.domain.facts import OrderFact
from guestlist.domain.history import fold
from guestlist.domain.plan import Decided, Plan, plan
from guestlist.domain.rules import Rule, Target, rule_for
from guestlist.domain.terms import LevelTerms
from guestlist.fulfilment.models import Decision
from guestlist.fulfilment.rules import rule_from_dict, rule_to_dict, rules_of
from guestlist.orders.models import Order
from guestlist.orders.record import facts_of


class Decisions:
    """Decides which rule a charge is fulfilled by: the one it was decided by before, else the one in force now."""

    def __init__(self, cart_id: str, stored: Iterable[Decision], rules: Collection[Rule]) -> None:
        self._cart_id = cart_id
        self._stored = {(row.item, row.charge_key): row for row in stored}
        self._rules = rules
        self._levels: dict[str, dict[str, LevelTerms]] = {}
        self._read: set[str] = set()
        self.changed: list[Decision] = []

    def decide(self, charge: Charge) -> Decided | None:
        """The rule and terms for a charge; None = unmapped, and so undecided."""
        row = self._stored.get((str(charge.item), charge.key))
        if row is not None and row.option == charge.option:
            rule = rule_from_dict(row.rule)
            known = {key: terms_from_dict(terms) for key, terms in row.level_terms.items()}
        else:
            found = rule_for(self._rules, charge.item, charge.option)
            if found is None:
                return None
            rule, known = found, {}
            row = row or Decision(item=str(charge.item), charge_key=charge.key)
            row.option, row.rule, row.level_terms = charge.option, rule_to_dict(rule), {}
            self.changed.append(row)
        terms = {target: known.get(_key(target)) or self._terms_now(target) for target in rule.grants}
        decided = {target: found for target, found in terms.items() if found is not None}
        if len(decided) > len(known):
            row.level_terms = {_key(target): terms_to_dict(found) for target, found in decided.items()}
            if row not in self.changed:
                self.changed.append(row)
        return Decided(rule, decided)

    def is_missing(self, target: Target) -> bool:
        """Whether the site's levels were read and this is none of them."""
        return self._terms_now(target) is None and target.site in self._read

    def _terms_now(self, target: Target) -> LevelTerms | None:
        if target.site not in self._levels:
            site = Site.objects.filter(pk=target.site).only("levels", "levels_read_at").first()
            levels = levels_from_json(site.levels) if site else ()
            self._levels[target.site] = {level.id: level.terms for level in levels}
            if site is not None and site.levels_read_at is not None:
                self._read.add(target.site)
        return self._levels[target.site].get(target.level)


def _key(target: Target) -> str:
    return f"{target.site}/{target.level}"


def is_fulfilled(mode: str, cart_mode: str) -> bool:
    """Whether an order of this mode is fulfilled; an unknown mode is held."""
    return mode in (CartMode.LIVE, CartMode.TEST) and cart_mode in (mode, CartMode.BOTH)


def plan_order(order: Order, facts: Iterable[OrderFact]) -> tuple[Plan, Decisions]:
    """What should be true for an order with these facts; nothing is stored."""
    decisions = Decisions(order.cart_id, order.decisions.all() if order.pk else (), rules_of(order.cart_id))
    return plan(fold(facts), decisions.decide), decisions


def replan(order: Order) -> Plan:
    """Plan a locked order and write down its grants.

    An order whose mode is not fulfilled is left as it is; one whose customer's address is not known yet waits for it.
    """
    if not is_fulfilled(order.mode, order.cart.mode):
        return Plan((), ())
    planned, decisions = plan_order(order, facts_of(order))
    for row in decisions.changed:
        row.order = order
        row.save()
    unmapped: list[Mapping[str, Any]] = [
        {"item": str(entry.item), "option": entry.option, "name": entry.name, "charge_key": entry.charge_key}
        for entry in planned.unmapped
    ]
    if unmapped != order.unmapped:
        order.unmapped = unmapped
        order.save(update_fields=["unmapped"])
    if order.customer.email_key:
        missing = {grant.target for grant in planned.grants if grant.blocked and decisions.is_missing(grant.target)}
        desire(order, planned.grants, missing)
    return planned


def replan_blocked(site_ids: Collection[str]) -> int:
    """Plan the orders anew that waited for these sites' levels. Returns how many."""
    waiting = (
        Order.objects.filter(
            grants__state=GrantState.BLOCKED,
            grants__member__site__in=site_ids,
            grants__member__site__levels_read_at__isnull=False,
        )
        .distinct()
        .order_by("id")
        .values_list("id", flat=True)
    )
    ids = list(waiting)
    for order_id in ids:
        with transaction.atomic():
            replan(
                Order.objects.select_related("cart", "customer")
                .select_for_update(of=("self",), no_key=True)
                .get(pk=order_id)
            )
    return len(ids)


def unmapped_items() -> list[dict[str, Any]]:
    """What was sold and no rule names: item, option, name, cart and in how many orders; most sold first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.cart_id, entry ->> 'item', entry ->> 'option', max(entry ->> 'name'), count(DISTINCT o.id)
              FROM orders_order o, jsonb_array_elements(o.unmapped) entry
             WHERE o.unmapped <> '[]'::jsonb
             GROUP BY 1, 2, 3
             ORDER BY 5 DESC, 1, 2, 3
            """
        )
        return [
            {"cart": cart, "item": item, "option": option, "name": name, "orders": orders}
            for cart, item, option, name, orders in cursor.fetchall()
        ]
