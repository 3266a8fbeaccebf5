"""Carts, sites and rules over HTTP; never with secrets."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from ninja import Router

from guestlist.api.problems import COMMON
from guestlist.api.roles import VIEWER
from guestlist.connections import queries
from guestlist.connections.queries import CartView, SiteView
from guestlist.domain.sentences import consequences
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.rules import as_rule, rule_to_dict

router = Router(tags=["settings"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Carts:
    """All carts."""

    items: list[CartView]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """All sites."""

    items: list[SiteView]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    """A level at a site."""

    site: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """A rule, in the words of the settings file; `consequences`: what its fields mean, each in a sentence."""

    cart: str
    item: str
    option: str | None
    grants: list[TargetView]
    access: str
    grace_days: int
    on_refund: str
    on_partial_refund: str
    on_cancel: str
    on_failed_payment: str
    on_pause: str
    after_last_payment: str
    welcome_email: str
    password_email: str
    consequences: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules."""

    items: list[RuleView]


@router.get("/carts", auth=VIEWER, response={200: Carts, **COMMON})
def list_carts(request: HttpRequest) -> Carts:
    """The carts, with their webhook addresses."""
    return Carts(items=queries.carts())


@router.get("/sites", auth=VIEWER, response={200: Sites, **COMMON})
def list_sites(request: HttpRequest) -> Sites:
    """The membership sites, with their levels as last read."""
    return Sites(items=queries.sites())


@router.get("/rules", auth=VIEWER, response={200: Rules, **COMMON})
def list_rules(request: HttpRequest) -> Rules:
    """Which levels each item gives, for how long, and what ends them."""
    return Rules(items=[_rule_view(row) for row in Rule.objects.order_by("cart_id", "id")])


def _rule_view(row: Rule) -> RuleView:
    rule = as_rule(row)
    fields = {"option": None, **rule_to_dict(rule)}
    grants = [TargetView(**grant) for grant in fields.pop("grants")]
    return RuleView(cart=row.cart_id, grants=grants, consequences=consequences(rule), **fields)
