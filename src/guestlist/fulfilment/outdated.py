"""Charges that would be decided otherwise today: by another rule, by other terms, or by a rule for the first time."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db import connection

from guestlist.connections.levels import terms_from_dict
from guestlist.domain.facts import Item
from guestlist.domain.periods import Period
from guestlist.domain.rules import AccessKind, Rule, Target
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.rules import rule_from_dict


class Cause(StrEnum):
    """Why a charge would be decided otherwise."""

    MAPPED = "mapped"  # it was sold before a rule named it
    RULE = "rule"  # the rule says something else by now, or another one applies
    TERMS = "terms"  # a level's own terms are others at the site by now
    REMOVED = "removed"  # no rule names it any more; it keeps what it gave until it is aligned


@dataclass(frozen=True, slots=True, kw_only=True)
class OutdatedItem:
    """So many charges for one item (and option) of one cart that would be decided otherwise."""

    cart: str
    item: str
    option: str | None
    cause: Cause
    charges: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outdated:
    """All charges in a scope that would be decided otherwise, and whose they are."""

    items: tuple[OutdatedItem, ...]
    orders: int
    people: int
    scope: _Scope

    @property
    def charges(self) -> int:
        """How many charges."""
        return sum(item.charges for item in self.items)

    def orders_after(self, order_id: int, limit: int) -> list[int]:
        """The ids of at most `limit` of their orders, smallest first, beginning after `order_id`."""
        rows = _candidates("SELECT id FROM candidate ORDER BY id LIMIT %(limit)s", self.scope, order_id, limit=limit)
        return [row[0] for row in rows]

    def count_after(self, order_id: int) -> int:
        """How many of their orders come after `order_id`."""
        rows = _candidates("SELECT count(*) FROM candidate", self.scope, order_id)
        return int(rows[0][0]) if rows else 0

    def those_among(self, order_ids: list[int]) -> set[int]:
        """Those of the orders that have such charges."""
        rows = _candidates("SELECT id FROM candidate WHERE id = ANY(%(ids)s)", self.scope, ids=order_ids)
        return {row[0] for row in rows}


def find_outdated(
    carts: Collection[str] | None = None, item: Item | None = None, in_force: InForce | None = None
) -> Outdated:
    """Charges of connected carts whose decision is not what it would be now; in a few queries, however many there are.

    Args:
        carts, item: only these carts', only this item's.
        in_force: what counts as in force; what is stored, if left out.
    """
    in_force = in_force or InForce()
    among = {"carts": None if carts is None else sorted(carts), "item": str(item) if item else None}
    decided = list(_decided(among, in_force))
    sold = list(_sold(among, in_force))
    scope = _Scope(
        decided=tuple((found.cart, found.item, found.option, rule, terms) for found, rule, terms in decided),
        sold=tuple((found.cart, found.item, found.option) for found in sold),
    )
    counted: dict[tuple[str, str, str | None, Cause], int] = {}
    for found in [*sold, *(found for found, _, _ in decided)]:
        key = (found.cart, found.item, found.option, found.cause)
        counted[key] = counted.get(key, 0) + found.charges
    items = tuple(
        OutdatedItem(cart=key[0], item=key[1], option=key[2], cause=key[3], charges=charges)
        for key, charges in sorted(counted.items(), key=lambda entry: tuple(map(str, entry[0])))
    )
    totals = _candidates("SELECT count(*), count(DISTINCT customer_id) FROM candidate", scope)
    orders, people = totals[0] if totals else (0, 0)
    return Outdated(items=items, orders=orders, people=people, scope=scope)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Decisions, and sales without one, told apart by what they say: a great many charges share a few of them."""

    decided: tuple[tuple[str, str, str | None, str, str], ...]
    sold: tuple[tuple[str, str, str | None], ...]

    def parameters(self) -> dict[str, Any]:
        """For `_CANDIDATES`: an array per column."""
        decided = [list(column) for column in zip(*self.decided, strict=True)] or [[], [], [], [], []]
        sold = [list(column) for column in zip(*self.sold, strict=True)] or [[], [], []]
        names = ("d_cart", "d_item", "d_option", "d_rule", "d_terms", "s_cart", "s_item", "s_option")
        return dict(zip(names, [*decided, *sold], strict=True))


# An order whose mode is not fulfilled keeps what it has; a disconnected cart's rules are gone without anybody's having
# wanted to end what they gave.
_FULFILLED = """
    EXISTS (SELECT 1 FROM connections_cart c
             WHERE c.id = o.cart_id AND c.active AND (c.mode = o.mode OR (c.mode = 'both' AND o.mode <> 'unknown')))
"""

_CANDIDATES = f"""
    WITH decided AS MATERIALIZED (
        SELECT cart, item, option, rule::jsonb AS rule, terms::jsonb AS terms
          FROM unnest(%(d_cart)s::text[], %(d_item)s::text[], %(d_option)s::text[], %(d_rule)s::text[],
                      %(d_terms)s::text[]) AS k(cart, item, option, rule, terms)
    ), sold AS MATERIALIZED (
        SELECT * FROM unnest(%(s_cart)s::text[], %(s_item)s::text[], %(s_option)s::text[]) AS k(cart, item, option)
    ), candidate AS (
        SELECT o.id, o.customer_id FROM orders_order o
         WHERE o.id > %(after)s AND {_FULFILLED}
           AND (EXISTS (SELECT 1 FROM fulfilment_decision d JOIN decided k
                            ON k.item = d.item AND k.option IS NOT DISTINCT FROM d.option
                           AND k.rule = d.rule AND k.terms = d.level_terms
                         WHERE d.order_id = o.id AND k.cart = o.cart_id)
             OR (o.unmapped <> '[]'::jsonb
                 AND EXISTS (SELECT 1 FROM jsonb_array_elements(o.unmapped) entry JOIN sold k
                                 ON k.item = entry ->> 'item' AND k.option IS NOT DISTINCT FROM entry ->> 'option'
                              WHERE k.cart = o.cart_id)))
    )
"""  # noqa: S608 - no part of it comes from outside


def _candidates(select: str, scope: _Scope, after: int = 0, **parameters: Any) -> list[tuple[Any, ...]]:
    if not (scope.decided or scope.sold):
        return []
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES + select, {**scope.parameters(), "after": after, **parameters})
        return list(cursor.fetchall())


def _decided(among: Mapping[str, Any], in_force: InForce) -> Iterator[tuple[OutdatedItem, str, str]]:
    """What is decided otherwise than now, with rule and terms as they are stored."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.cart_id, d.item, d.option, d.rule::text, d.level_terms::text, count(*)
              FROM fulfilment_decision d JOIN orders_order o ON o.id = d.order_id
             WHERE {_FULFILLED} AND (%(carts)s::text[] IS NULL OR o.cart_id = ANY(%(carts)s))
               AND (%(item)s::text IS NULL OR d.item = %(item)s)
             GROUP BY 1, 2, 3, 4, 5
            """,  # noqa: S608
            among,
        )
        rows = cursor.fetchall()
    for cart_id, item_text, option, rule, terms, charges in rows:
        cause = _cause(cart_id, Item.parse(item_text), option, json.loads(rule), json.loads(terms), in_force)
        if cause is not None:
            found = OutdatedItem(cart=cart_id, item=item_text, option=option, cause=cause, charges=charges)
            yield found, rule, terms


def _cause(
    cart: str, item: Item, option: str | None, rule: dict[str, Any], terms: dict[str, Any], in_force: InForce
) -> Cause | None:
    now = in_force.rule(cart, item, option)
    if now is None:
        return Cause.REMOVED
    if now != rule_from_dict(rule):
        return Cause.RULE
    return Cause.TERMS if _terms_matter(now) and _other_terms(now, terms, in_force) else None


def _terms_matter(rule: Rule) -> bool:
    return rule.access is not AccessKind.FOREVER and not isinstance(rule.access, Period)


def _other_terms(rule: Rule, stored: dict[str, Any], in_force: InForce) -> bool:
    """Whether a level's terms are others now; what cannot be read now counts as unchanged."""
    return any(_differs(target, stored, in_force) for target in rule.grants)


def _differs(target: Target, stored: dict[str, Any], in_force: InForce) -> bool:
    before, now = stored.get(f"{target.site}/{target.level}"), in_force.terms(target)
    return before is not None and now is not None and terms_from_dict(before) != now


def _sold(among: Mapping[str, Any], in_force: InForce) -> Iterator[OutdatedItem]:
    """What was sold before a rule named it and is named now."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.cart_id, entry ->> 'item', entry ->> 'option', count(*)
              FROM orders_order o, jsonb_array_elements(o.unmapped) entry
             WHERE o.unmapped <> '[]'::jsonb AND {_FULFILLED}
               AND (%(carts)s::text[] IS NULL OR o.cart_id = ANY(%(carts)s))
               AND (%(item)s::text IS NULL OR entry ->> 'item' = %(item)s)
             GROUP BY 1, 2, 3
            """,  # noqa: S608
            among,
        )
        rows = cursor.fetchall()
    for cart_id, item_text, option, charges in rows:
        if in_force.rule(cart_id, Item.parse(item_text), option) is not None:
            yield OutdatedItem(cart=cart_id, item=item_text, option=option, cause=Cause.MAPPED, charges=charges)
