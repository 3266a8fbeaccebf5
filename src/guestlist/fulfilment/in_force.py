"""The rules and level terms in force, each read once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from guestlist.connections.levels import levels_from_json
from guestlist.connections.models import Site
from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule, Target, rule_for
from guestlist.domain.terms import Level, LevelTerms
from guestlist.fulfilment.rules import rules_of


class InForce:
    """What a charge is decided by: a cart's rules, and the terms of the levels that they name.

    Args:
        rules: by cart, in place of the stored ones (of all carts).
        levels: by site, in place of the stored ones (of these sites).
    """

    def __init__(
        self,
        rules: Mapping[str, Collection[Rule]] | None = None,
        levels: Mapping[str, Collection[Level]] | None = None,
    ) -> None:
        self._given = rules
        self._rules: dict[str, Collection[Rule]] = {}
        self._terms: dict[str, dict[str, LevelTerms] | None] = {
            site: {level.id: level.terms for level in found} for site, found in (levels or {}).items()
        }

    def rule(self, cart_id: str, item: Item, option: str | None) -> Rule | None:
        """The rule for an item and option; None = no rule names it."""
        return rule_for(self.rules(cart_id), item, option)

    def rules(self, cart_id: str) -> Collection[Rule]:
        """All rules of a cart."""
        if self._given is not None:
            return self._given.get(cart_id, ())
        if cart_id not in self._rules:
            self._rules[cart_id] = rules_of(cart_id)
        return self._rules[cart_id]

    def terms(self, target: Target) -> LevelTerms | None:
        """A level's terms; None = its site's levels were never read, or it is none of them."""
        return (self._levels(target.site) or {}).get(target.level)

    def is_missing(self, target: Target) -> bool:
        """Whether the site's levels were read and this is none of them."""
        levels = self._levels(target.site)
        return levels is not None and target.level not in levels

    def _levels(self, site_id: str) -> dict[str, LevelTerms] | None:
        if site_id not in self._terms:
            site = Site.objects.filter(pk=site_id).only("levels", "levels_read_at").first()
            found = {level.id: level.terms for level in levels_from_json(site.levels)} if site else {}
            self._terms[site_id] = found if site is not None and site.levels_read_at is not None else None
        return self._terms[site_id]
