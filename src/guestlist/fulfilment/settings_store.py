"""Settings values from and into the tables."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.db.models import ProtectedError
from django.utils import timezone

from guestlist.connections.kick import kick_lane
from guestlist.connections.levels import levels_from_json, levels_to_json
from guestlist.connections.models import Cart, CartMode, OnEmailChange, Site, SiteState
from guestlist.connections.secrets import SecretUnreadable
from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule
from guestlist.domain.terms import Level
from guestlist.fulfilment.align_runs import end_runs
from guestlist.fulfilment.models import Rule as StoredRule
from guestlist.fulfilment.rules import as_row, as_rule
from guestlist.fulfilment.settings_values import CartSettings, RuleKey, Secret, Settings, SiteSettings


def stored_settings() -> Settings:
    """What is stored now."""
    sites = list(Site.objects.order_by("id"))
    rules = StoredRule.objects.order_by("id")
    return Settings(
        carts={row.id: _cart(row) for row in Cart.objects.order_by("id")},
        sites={row.id: _site(row) for row in sites},
        rules={RuleKey(row.cart_id, Item.parse(row.item), row.option): as_rule(row) for row in rules},
        levels={row.id: levels_from_json(row.levels) for row in sites if row.levels_read_at is not None},
    )


def _cart(row: Cart) -> CartSettings:
    try:
        secret = Secret(row.secret, row.secret_env)
        api_key = Secret(row.api_key, row.api_key_env) if row.api_key_encrypted else None
    except SecretUnreadable:
        secret, api_key = None, None
    return CartSettings(
        id=row.id, kind=row.kind, secret=secret, api_key=api_key, mode=CartMode(row.mode), active=row.active
    )


def _site(row: Site) -> SiteSettings:
    try:
        plain = row.credentials
    except SecretUnreadable:
        plain = {}
    return SiteSettings(
        id=row.id,
        kind=row.kind,
        url=row.url,
        credentials={name: Secret(value, row.credentials_env.get(name, "")) for name, value in plain.items()},
        concurrency=row.concurrency,
        allow_private_address=row.allow_private_address,
        on_email_change=OnEmailChange(row.on_email_change),
        active=row.active,
    )


def write_settings(before: Settings, after: Settings, levels_read: Mapping[str, tuple[Level, ...]]) -> None:
    """Store the difference. To be called inside the transaction that found `before` to be what is stored.

    Args:
        levels_read: the levels of the sites that were asked for them just now.
    """
    for cart_id, cart in after.carts.items():
        _write_cart(before.carts.get(cart_id), cart)
    for site_id, site in after.sites.items():
        _write_site(before.sites.get(site_id), site, levels_read.get(site_id))
    _write_rules(before.rules, after.rules)
    for site_id, site in after.sites.items():
        if before.sites.get(site_id, site).active and not site.active:
            _remove(Site.objects.select_for_update().get(pk=site_id))
    for cart_id, cart in after.carts.items():
        if before.carts.get(cart_id, cart).active and not cart.active:
            _remove(Cart.objects.select_for_update().get(pk=cart_id))


def _write_cart(before: CartSettings | None, after: CartSettings) -> None:
    if not after.active or (before == after and before.variables == after.variables):
        return
    if before is None:
        # Begins with the clock, so that a cart that is removed and made anew never has a version for the second time.
        row = Cart(id=after.id, kind=after.kind, version=int(time.time()))
    else:
        row = Cart.objects.select_for_update().get(pk=after.id)
        if (before.secret, before.active) != (after.secret, after.active):
            row.version += 1
    if after.secret is None:
        raise ValueError(f"cart {after.id} has no secret")
    row.active = True
    row.mode = after.mode
    if before is None or before.secret != after.secret:
        row.secret = after.secret.value
    if before is None or before.api_key != after.api_key:
        row.api_key = after.api_key.value if after.api_key else ""
    row.secret_env = after.variables.get("secret", "")
    row.api_key_env = after.variables.get("api_key", "")
    row.save()


def _write_site(before: SiteSettings | None, after: SiteSettings, levels: tuple[Level, ...] | None) -> None:
    same = before == after and before.variables == after.variables
    if not after.active or (same and levels is None):
        return
    now = timezone.now()
    row = Site(id=after.id, kind=after.kind) if before is None else Site.objects.select_for_update().get(pk=after.id)
    moved = before is None or not before.active or before.way != after.way
    if moved:
        # What the running lane still holds belongs to the former way: it claims nothing more.
        row.epoch += 1
        row.state = SiteState.NEW
    if before is None or before.credentials != after.credentials:
        row.credentials = after.plain_credentials
    if before is None or before.url != after.url:
        # Another site's levels must not decide how long access lasts.
        row.levels, row.levels_read_at = [], None
    row.url = after.url
    row.credentials_env = after.variables
    row.concurrency = after.concurrency
    row.allow_private_address = after.allow_private_address
    row.on_email_change = after.on_email_change
    row.active = True
    if levels is not None:
        row.levels, row.levels_read_at, row.state = levels_to_json(levels), now, SiteState.OK
    if moved or levels is not None:
        row.state_since, row.reason, row.remedy, row.help = now, "", "", ""
        row.probes, row.probe_at = 0, None
    row.save()
    if moved or levels is not None:
        kick_lane(after.id)


def _write_rules(before: Mapping[RuleKey, Rule], after: Mapping[RuleKey, Rule]) -> None:
    differing = {(key.cart, key.item) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    for cart_id, item in sorted(differing, key=str):
        end_runs(cart_id, item)
    for key in before.keys() - after.keys():
        StoredRule.objects.filter(cart_id=key.cart, item=str(key.item), option=key.option).delete()
    for key, rule in after.items():
        if key not in before:
            as_row(key.cart, rule).save()
        elif before[key] != rule:
            row = StoredRule.objects.get(cart_id=key.cart, item=str(key.item), option=key.option)
            changed = as_row(key.cart, rule)
            # The row itself is saved, so that the audit log knows what was before.
            for field in StoredRule._meta.concrete_fields:
                if not field.primary_key:
                    setattr(row, field.attname, getattr(changed, field.attname))
            row.save()


def _remove(row: Cart | Site) -> None:
    """Delete what nothing belongs to; what has history keeps its row, disconnected."""
    try:
        row.delete()
    except ProtectedError:
        row.active = False
        if isinstance(row, Cart):
            row.version += 1
        row.save()
