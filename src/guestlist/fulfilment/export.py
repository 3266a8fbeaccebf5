"""The stored settings as a settings file; applying it changes nothing."""

from __future__ import annotations

import re
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable, Table

from guestlist.connections.secrets import SecretUnreadable
from guestlist.domain.rules import Rule
from guestlist.fulfilment.rules import rule_to_dict
from guestlist.fulfilment.settings_store import stored_settings
from guestlist.fulfilment.settings_values import CartSettings, RuleKey, Secret, Settings, SiteSettings


def export_settings() -> str:
    """The settings file of what is stored now, in a fixed order.

    Disconnected carts and sites are left out. Each rule has all its fields, also those at their default, so that
    applying it later restores them. A secret is written as `{ env = "NAME" }`: the variable that it came from, else a
    name made of the entry's id and the field.
    """
    settings = stored_settings()
    carts = [cart for _, cart in sorted(settings.carts.items()) if cart.active]
    sites = [site for _, site in sorted(settings.sites.items()) if site.active]
    if not all(site.credentials for site in sites) or not all(cart.secret for cart in carts):
        raise SecretUnreadable  # each has some; these cannot be decrypted, and half a file would lose them
    connected = {cart.id for cart in carts}
    rules = sorted((key for key in settings.rules if key.cart in connected), key=_by_number)
    variables = _Variables(settings)
    document = tomlkit.document()
    document.add(tomlkit.comment("Settings of Guestlist: `guestlist apply FILE` makes them so."))
    document.add(tomlkit.comment("Secrets are taken from the environment variables named here."))
    for name, tables in (
        ("carts", [_cart(cart, variables) for cart in carts]),
        ("sites", [_site(site, variables) for site in sites]),
        ("rules", [_rule(key, settings.rules[key]) for key in rules]),
    ):
        if tables:
            document.add(tomlkit.nl())
            document.add(name, _array(tables))
    return tomlkit.dumps(document)


def _cart(cart: CartSettings, variables: _Variables) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": cart.id,
        "kind": cart.kind,
        "secret": variables.reference(cart.id, "secret", cart.secret),
    }
    if cart.api_key is not None:
        fields["api_key"] = variables.reference(cart.id, "api_key", cart.api_key)
    return {**fields, "mode": cart.mode.value}


def _site(site: SiteSettings, variables: _Variables) -> dict[str, Any]:
    credentials = {
        # A username alone opens nothing; it stays readable unless its owner put it into a variable.
        name: secret.value if name == "username" and not secret.env else variables.reference(site.id, name, secret)
        for name, secret in site.credentials.items()
    }
    return {
        "id": site.id,
        "kind": site.kind,
        "url": site.url,
        **credentials,
        "concurrency": site.concurrency,
        "allow_private_address": site.allow_private_address,
        "on_email_change": site.on_email_change.value,
    }


def _rule(key: RuleKey, rule: Rule) -> dict[str, Any]:
    fields = rule_to_dict(rule)
    grants = tomlkit.array()
    grants.extend(_inline(grant) for grant in fields.pop("grants"))
    named: dict[str, Any] = {name: fields.pop(name) for name in ("item", "option") if name in fields}
    return {"cart": key.cart, **named, "grants": grants, **fields}


class _Variables:
    """Names for the environment variables; a made-up one is never used twice."""

    def __init__(self, settings: Settings) -> None:
        entries: list[CartSettings | SiteSettings] = [*settings.carts.values(), *settings.sites.values()]
        self._taken = {name for entry in entries for name in entry.variables.values()}

    def reference(self, id_: str, field: str, secret: Secret | None) -> InlineTable:
        """`{ env = "NAME" }`."""
        return _inline({"env": secret.env if secret is not None and secret.env else self._made_up(f"{id_}_{field}")})

    def _made_up(self, words: str) -> str:
        # A variable's name does not begin with a digit.
        name = base = re.sub(r"[^A-Z0-9]", "_", re.sub(r"^(?=[0-9])", "_", words.upper()))
        number = 1
        while name in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(name)
        return name


def _by_number(key: RuleKey) -> tuple[object, ...]:
    """Sorts product-2 before product-12, and a rule for the whole item before those for its options."""
    return key.cart, key.item.type, _digits_first(key.item.id), key.option is not None, _digits_first(key.option or "")


def _digits_first(text: str) -> tuple[bool, int, str]:
    return (False, int(text), text) if text.isdecimal() else (True, 0, text)


def _array(tables: list[dict[str, Any]]) -> AoT:
    array = tomlkit.aot()
    for fields in tables:
        table: Table = tomlkit.table()
        table.update(fields)
        array.append(table)
    return array


def _inline(fields: dict[str, str]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(fields)
    return table
