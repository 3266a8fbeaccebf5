"""Planning an order: its facts folded, its charges decided, its grants written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from guestlist.access.desire import desire
from guestlist.access.models import GrantState
from guestlist.connections.levels import terms_from_dict, terms_to_dict
from guestlist.connections.modes import is_fulfilled
from guestlist.domain.charges import Charge
from guestlist.domain.facts import Item, OrderFact
from guestlist.domain.history import OrderHistory, fold
from guestlist.domain.plan import Decided, Plan, plan
from guestlist.domain.rules import Rule, Target
from guestlist.domain.terms import LevelTerms
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.models import Decision
from guestlist.fulfilment.rules import rule_from_dict, rule_to_dict
from guestlist.orders.models import Order
from guestlist.orders.record import facts_of


class Anew:
    """Which charges are decided anew by what is in force now: those of one item, or (None) all."""

    def __init__(self, item: Item | None = None) -> None:
        self._item = item

    def __contains__(self, charge: Charge) -> bool:
        return self._item is None or charge.item == self._item

    def covers(self, row: Decision) -> bool:
        """Whether a stored decision is about one of these charges."""
        return self._item is None or row.item == str(self._item)


class Decisions:
    """Decides which rule a charge is fulfilled by: the one it was decided by before, else the one in force now.

    Args:
        anew: charges that are decided by what is in force now, whatever was decided before.
    """

    def __init__(self, cart_id: str, stored: Iterable[Decision], in_force: InForce, anew: Anew | None = None) -> None:
        self._cart_id = cart_id
        self._stored = {(row.item, row.charge_key): row for row in stored}
        self._in_force = in_force
        self._anew = anew
        self.changed: list[Decision] = []
        self.void: list[Decision] = []

    def forget_what_is_no_more(self, history: OrderHistory) -> None:
        """Void what is decided anew and was decided for a charge that the history does not have (any more)."""
        if self._anew is None:
            return
        charged = {(str(charge.item), charge.key) for charge in history.charges}
        self.void += [row for key, row in self._stored.items() if key not in charged and self._anew.covers(row)]

    def decide(self, charge: Charge) -> Decided | None:
        """The rule and terms for a charge; None = unmapped, and so undecided."""
        row = self._stored.get((str(charge.item), charge.key))
        anew = self._anew is not None and charge in self._anew
        if row is not None and row.option == charge.option and not anew:
            return self._decided(row, rule_from_dict(row.rule))
        rule = self._in_force.rule(self._cart_id, charge.item, charge.option)
        if rule is None:
            if row is not None and anew:
                self.void.append(row)
            return None
        return self._newly_decided(row, charge, rule)

    def _decided(self, row: Decision, rule: Rule) -> Decided:
        known = _terms(row)
        terms = self._completed(rule, known)
        if len(terms) > len(known):
            row.level_terms = _as_stored(terms)
            self.changed.append(row)
        return Decided(rule, terms)

    def _newly_decided(self, row: Decision | None, charge: Charge, rule: Rule) -> Decided:
        # Terms that cannot be read now (the site does not answer, the level is gone) stay as they were decided.
        known = _terms(row) if row is not None and row.option == charge.option else {}
        now = {target: self._in_force.terms(target) or known.get(target) for target in rule.grants}
        terms = {target: found for target, found in now.items() if found is not None}
        decision = row or Decision(item=str(charge.item), charge_key=charge.key)
        before = (decision.option, decision.rule, decision.level_terms)
        decision.option, decision.rule, decision.level_terms = charge.option, rule_to_dict(rule), _as_stored(terms)
        if row is None or before != (decision.option, decision.rule, decision.level_terms):
            self.changed.append(decision)
        return Decided(rule, terms)

    def _completed(self, rule: Rule, known: Mapping[Target, LevelTerms]) -> dict[Target, LevelTerms]:
        found = {target: known.get(target) or self._in_force.terms(target) for target in rule.grants}
        return {target: terms for target, terms in found.items() if terms is not None}


def _terms(row: Decision) -> dict[Target, LevelTerms]:
    return {Target(*key.split("/", 1)): terms_from_dict(terms) for key, terms in row.level_terms.items()}


def _as_stored(terms: Mapping[Target, LevelTerms]) -> dict[str, dict[str, str]]:
    return {f"{target.site}/{target.level}": terms_to_dict(found) for target, found in terms.items()}


def plan_order(
    order: Order,
    facts: Iterable[OrderFact],
    *,
    in_force: InForce | None = None,
    anew: Anew | None = None,
) -> tuple[Plan, Decisions]:
    """What should be true for an order with these facts; nothing is stored."""
    return plan_history(order, fold(facts), in_force=in_force, anew=anew)


def plan_history(
    order: Order, history: OrderHistory, *, in_force: InForce | None = None, anew: Anew | None = None
) -> tuple[Plan, Decisions]:
    """What should be true for an order with this history; nothing is stored."""
    stored = order.decisions.all() if order.pk else ()
    decisions = Decisions(order.cart_id, stored, in_force or InForce(), anew)
    decisions.forget_what_is_no_more(history)
    return plan(history, decisions.decide), decisions


def replan(order: Order, *, in_force: InForce | None = None, anew: Anew | None = None) -> Plan:
    """Plan a locked order and write down its grants.

    An order whose mode is not fulfilled is left as it is; one whose customer's address is not known yet waits for it.

    Args:
        in_force: what is in force now, if the caller knows; else it is read.
        anew: charges to decide anew; the others keep the rule that they were decided by.
    """
    if not is_fulfilled(order.mode, order.cart.mode):
        return Plan((), ())
    in_force = in_force or InForce()
    planned, decisions = plan_order(order, facts_of(order), in_force=in_force, anew=anew)
    for row in decisions.changed:
        row.order = order
        row.save()
    for row in decisions.void:
        row.delete()
    unmapped: list[Mapping[str, Any]] = [
        {"item": str(entry.item), "option": entry.option, "name": entry.name, "charge_key": entry.charge_key}
        for entry in planned.unmapped
    ]
    held = order.held and not order.customer.email_key
    if (unmapped, held) != (order.unmapped, order.held):
        order.unmapped, order.held = unmapped, held
        order.save(update_fields=["unmapped", "held"])
    if order.customer.email_key:
        desire(order, planned.grants, missing_levels(planned, in_force))
    return planned


def missing_levels(planned: Plan, in_force: InForce) -> set[Target]:
    """Levels that grants wait for and their sites do not have, so that it will never be known how long they last."""
    return {grant.target for grant in planned.grants if grant.blocked and in_force.is_missing(grant.target)}


def lockable_orders() -> QuerySet[Order]:
    """Orders to be planned; each row that is read is locked until the transaction ends."""
    return Order.objects.select_related("cart", "customer").select_for_update(of=("self",), no_key=True)


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
            replan(lockable_orders().get(pk=order_id))
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
