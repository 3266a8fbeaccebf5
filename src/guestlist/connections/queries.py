"""Carts and sites as they are shown. Never with their secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from guestlist.connections.levels import levels_from_json
from guestlist.connections.models import Cart, CartMode, OnEmailChange, Site, SiteState


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A connected cart. `webhook` is the address to enter at the cart; a path where the public address is not set."""

    id: str
    kind: str
    mode: CartMode
    active: bool
    webhook: str
    has_api_key: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelView:
    """A membership level as last read from its site; `terms` in words."""

    id: str
    title: str
    terms: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """A connected membership site with its levels as last read.

    Attributes:
        paused: its lane rests until somebody resumes it.
        asked_again_at: when the next request shows whether the site works by then; None = it works as far as is known.
    """

    id: str
    kind: str
    url: str
    concurrency: int
    allow_private_address: bool
    on_email_change: OnEmailChange
    active: bool
    paused: bool
    state: SiteState
    state_since: datetime | None
    reason: str
    remedy: str
    asked_again_at: datetime | None
    levels: list[LevelView]
    levels_read_at: datetime | None
    created_at: datetime


def carts() -> list[CartView]:
    """All carts, the disconnected ones last."""
    return [_cart_view(cart) for cart in Cart.objects.order_by("-active", "id")]


def sites() -> list[SiteView]:
    """All sites, the disconnected ones last."""
    return [_site_view(site) for site in Site.objects.order_by("-active", "id")]


def asked_again_at(site: Site) -> datetime | None:
    """When a site that does not work is asked next."""
    return (
        site.probe_at
        if site.active and not site.paused and site.state in (SiteState.DOWN, SiteState.ATTENTION)
        else None
    )


def webhook_address(cart_id: str) -> str:
    """Where a cart sends its deliveries: a path, or a whole address once GUESTLIST_PUBLIC_URL is set."""
    return f"{settings.PUBLIC_URL.rstrip('/')}/hooks/{cart_id}"


def level_titles(levels: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Title by level id, from `Site.levels`."""
    return {level.id: level.title for level in levels_from_json(levels)}


def _cart_view(cart: Cart) -> CartView:
    return CartView(
        id=cart.pk,
        kind=cart.kind,
        mode=CartMode(cart.mode),
        active=cart.active,
        webhook=webhook_address(cart.pk),
        has_api_key=bool(cart.api_key_encrypted),
        created_at=cart.created_at,
    )


def _site_view(site: Site) -> SiteView:
    return SiteView(
        id=site.pk,
        kind=site.kind,
        url=site.url,
        concurrency=site.concurrency,
        allow_private_address=site.allow_private_address,
        on_email_change=OnEmailChange(site.on_email_change),
        active=site.active,
        paused=site.paused,
        state=SiteState(site.state),
        state_since=site.state_since,
        reason=site.reason,
        remedy=site.remedy,
        asked_again_at=asked_again_at(site),
        levels=[
            LevelView(id=level.id, title=level.title, terms=str(level.terms)) for level in levels_from_json(site.levels)
        ],
        levels_read_at=site.levels_read_at,
        created_at=site.created_at,
    )
