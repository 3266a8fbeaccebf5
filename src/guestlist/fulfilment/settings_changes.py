"""What applying a settings file changes, as data and in words. Secrets are never in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from guestlist.domain.rules import Rule
from guestlist.fulfilment.alignment import outdated_as_dict, outdated_in_words
from guestlist.fulfilment.outdated import Outdated
from guestlist.fulfilment.rules import RULE_DEFAULTS, rule_to_dict
from guestlist.fulfilment.settings_values import CartSettings, Secret, Settings, SiteSettings
from guestlist.fulfilment.unmapped import UnmappedSale, named


class What(StrEnum):
    """What becomes of one cart, site or rule."""

    CREATED = "created"
    CHANGED = "changed"
    REMOVED = "removed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field's value before and after; None = it was or is not there. Of a secret only "set" is told."""

    field: str
    before: Any
    after: Any
    secret: bool = False

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.field}: {_shown(self.after)}"
        if self.after is None:
            return f"{self.field}: removed"
        return (
            f"{self.field}: changed" if self.secret else f"{self.field}: {_shown(self.before)} -> {_shown(self.after)}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one entry.

    Attributes:
        kind: "cart", "site" or "rule".
        id: the entry's id; of a rule its cart, item and option: `shop product-12 option 78572`.
        fields: the fields that differ; of a new rule those that differ from the defaults; of a removed entry none.
    """

    kind: str
    id: str
    what: What
    fields: tuple[FieldChange, ...] = ()

    def __str__(self) -> str:
        return "\n    ".join([f"{self.kind} {self.id}: {self.what.value}", *map(str, self.fields)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What saving settings came to.

    Attributes:
        changes: every cart, site and rule in use, also the unchanged ones.
        warnings: what deserves a look although it was applied, each with its line.
        levels_read: how many levels each site that was asked has.
        dry_run: nothing was saved.
    """

    changes: tuple[Change, ...]
    warnings: tuple[str, ...]
    levels_read: Mapping[str, int]
    dry_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied(Saved):
    """What applying a file came to, and what was sold before.

    Attributes:
        outdated: past sales that are decided otherwise than they would be by these settings; they stay as they are.
        unmapped: what was sold and no rule of these settings names.
    """

    outdated: Outdated
    unmapped: tuple[UnmappedSale, ...]

    def as_text(self) -> str:
        """For a terminal."""
        changed = [change for change in self.changes if change.what is not What.UNCHANGED]
        lines = [str(change) for change in changed]
        lines += [f"site {site}: {count} levels read" for site, count in self.levels_read.items()]
        lines += [f"Warning: {warning}" for warning in self.warnings]
        unchanged = len(self.changes) - len(changed)
        if self.dry_run:
            lines.append(
                f"{len(changed)} would change, {unchanged} would stay as they are. Nothing was saved (dry run)."
            )
        else:
            lines.append(f"{len(changed)} changed, {unchanged} unchanged.")
        return "\n".join([*lines, *self._past_sales(), *self._unmapped()])

    def _past_sales(self) -> list[str]:
        if not self.outdated.items:
            return []
        charges = f"{self.outdated.charges:,} charge{'s' if self.outdated.charges != 1 else ''}"
        people = f"{self.outdated.people:,} {'people' if self.outdated.people != 1 else 'person'}"
        listed = [f"  {line}" for line in outdated_in_words(self.outdated.items)]
        when = "After applying it, `guestlist align`" if self.dry_run else "`guestlist align`"
        return [
            f"Past sales stay as they are: {charges} of {people} would be decided otherwise by these settings.",
            *listed,
            f"{when} shows who would gain or lose what; with --yes it brings them in line.",
        ]

    def _unmapped(self) -> list[str]:
        if not self.unmapped:
            return []
        listed = [f"  {line}" for line in named(self.unmapped)]
        return ["Sold, but no rule names it:", *listed, "`guestlist unmapped` says what to do about it."]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dry_run": self.dry_run,
            "changes": [asdict(change) for change in self.changes],
            "warnings": list(self.warnings),
            "levels_read": dict(self.levels_read),
            "align": {
                "charges": self.outdated.charges,
                "orders": self.outdated.orders,
                "people": self.outdated.people,
                "outdated": [outdated_as_dict(found) for found in self.outdated.items],
                "command": "guestlist align" if self.outdated.items else None,
            },
            "unmapped": [asdict(sale) for sale in self.unmapped],
        }


def changes_between(before: Settings, after: Settings) -> tuple[Change, ...]:
    """Every entry that is in use before or after, in the order carts, sites, rules."""
    kinds: list[tuple[str, dict[str, dict[str, Any]], dict[str, dict[str, Any]]]] = [
        ("cart", _carts(before), _carts(after)),
        ("site", _sites(before), _sites(after)),
        ("rule", _rules(before), _rules(after)),
    ]
    return tuple(
        _change(kind, id_, earlier.get(id_), later.get(id_))
        for kind, earlier, later in kinds
        for id_ in sorted(earlier.keys() | later.keys())
    )


def _change(kind: str, id_: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Change:
    if after is None:
        return Change(kind, id_, What.REMOVED)
    if before is None:
        defaults = RULE_DEFAULTS if kind == "rule" else {}
        fields = tuple(_field(name, None, value) for name, value in after.items() if value != defaults.get(name))
        return Change(kind, id_, What.CREATED, fields)
    names = [*after, *(name for name in before if name not in after)]
    fields = tuple(
        _field(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)
    )
    return Change(kind, id_, What.CHANGED if fields else What.UNCHANGED, fields)


def _field(name: str, before: Any, after: Any) -> FieldChange:
    if isinstance(before, Secret) or isinstance(after, Secret):
        return FieldChange(name, "set" if before else None, "set" if after else None, secret=True)
    return FieldChange(name, before, after)


def _carts(settings: Settings) -> dict[str, dict[str, Any]]:
    return {cart.id: _cart_fields(cart) for cart in settings.carts.values() if cart.active}


def _cart_fields(cart: CartSettings) -> dict[str, Any]:
    return {"kind": cart.kind, "mode": cart.mode.value, "secret": cart.secret, "api_key": cart.api_key}


def _sites(settings: Settings) -> dict[str, dict[str, Any]]:
    return {site.id: _site_fields(site) for site in settings.sites.values() if site.active}


def _site_fields(site: SiteSettings) -> dict[str, Any]:
    return {
        "kind": site.kind,
        "url": site.url,
        **site.credentials,
        "concurrency": site.concurrency,
        "allow_private_address": site.allow_private_address,
        "on_email_change": site.on_email_change.value,
    }


def _rules(settings: Settings) -> dict[str, dict[str, Any]]:
    active = {cart.id for cart in settings.carts.values() if cart.active}
    return {str(key): _rule_fields(rule) for key, rule in settings.rules.items() if key.cart in active}


def _rule_fields(rule: Rule) -> dict[str, Any]:
    fields = rule_to_dict(rule)
    del fields["item"]
    fields.pop("option", None)
    return fields


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(f"level {grant['level']} of {grant['site']}" for grant in value)
    return str(value)
