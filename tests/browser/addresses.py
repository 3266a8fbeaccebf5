"""Every page of the dashboard with an example of its address, and what is no page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from django.urls import URLPattern, URLResolver, get_resolver


class Who(Enum):
    """Who looks at a page."""

    NOBODY = "signed out"
    HALFWAY = "asked for the second factor"
    OWNER = "owner"
    VIEWER = "viewer with two-factor sign-in"


@dataclass(frozen=True)
class Visit:
    """Somebody opens an address; what is in braces is found in the running shop (`conftest.Shown`)."""

    address: str
    who: Who = Who.OWNER
    status: int = 200

    def __str__(self) -> str:
        return f"{self.address} {self.who.value}"

    @property
    def name(self) -> str:
        """For the screenshots' files."""
        words = self.address.translate(str.maketrans("/?=&@:", "      ", "{}")).split()
        return "-".join([*(words or ["overview"]), *([] if self.who == Who.OWNER else [self.who.name.lower()])])


PAGES = {
    "overview:show": [Visit("/"), Visit("/", Who.VIEWER)],
    "attention:list": [Visit("/attention")],
    "attention:members": [Visit("/attention/members")],
    "attention:alerts": [Visit("/attention/notes")],
    "attention:deliveries": [Visit("/attention/deliveries")],
    "attention:check": [Visit("/attention/check/academy")],
    "activity:list": [Visit("/activity")],
    "orders:list": [Visit("/orders"), Visit("/orders", Who.VIEWER), Visit("/orders?text=nobody@example.org")],
    "orders:show": [Visit("/orders/{order}"), Visit("/orders/{unmapped}")],
    "people:list": [Visit("/people")],
    "people:show": [Visit("/people/show?email={subscriber}"), Visit("/people/show?email={stuck}")],
    "people:act": [
        Visit("/people/grant"),
        *(Visit(f"/people/{act}?email={{subscriber}}&site=academy&level=8") for act in ("extend", "revoke", "release")),
    ],
    "people:erase": [Visit("/people/erase?email={subscriber}")],
    "products:list": [Visit("/products")],
    "products:show": [Visit("/products/shop/product-104"), Visit("/products/shop/product-106")],
    "products:remove": [Visit("/products/shop/product-104/remove")],
    "products:align": [Visit("/products/shop/product-106/align")],
    "deliveries:list": [Visit("/deliveries")],
    "deliveries:show": [Visit("/deliveries/{delivery}"), Visit("/deliveries/{unreadable}")],
    "simulator:show": [Visit("/simulator")],
    "help:index": [Visit("/help")],
    "help:page": [Visit("/help/no-mail")],
    "integrations:connect_cart": [Visit("/settings/integrations/connect/cart")],
    "integrations:connect_site": [Visit("/settings/integrations/connect/site")],
    "integrations:cart_disconnect": [Visit("/settings/integrations/carts/shop/disconnect")],
    "integrations:site_disconnect": [Visit("/settings/integrations/sites/academy/disconnect")],
    "integrations:list": [Visit("/settings/integrations")],
    "integrations:cart": [Visit("/settings/integrations/carts/shop")],
    "integrations:site": [Visit("/settings/integrations/sites/academy"), Visit("/settings/integrations/sites/studio")],
    "staff:list": [Visit("/settings/staff"), Visit("/settings/staff", Who.VIEWER, 403)],
    "staff:invite": [Visit("/settings/staff/invite")],
    "staff:person": [Visit("/settings/staff/1"), Visit("/settings/staff/2")],
    "staff:tokens": [Visit("/settings/tokens")],
    "staff:switch": [Visit("/settings/staff/2/switch")],
    "staff:remove": [Visit("/settings/staff/2/remove")],
    "staff:two_factor_off": [Visit("/settings/staff/2/two-factor-off")],
    "staff:revoke_token": [Visit("/settings/tokens/1/revoke")],
    "staff:audit": [Visit("/settings/audit")],
    "account_profile": [Visit("/account/profile")],
    "account_login": [Visit("/account/login", Who.NOBODY)],
    "account_logout": [Visit("/account/logout")],
    "account_inactive": [Visit("/account/inactive", Who.NOBODY)],
    "account_welcome": [Visit("{invitation}", Who.NOBODY), Visit("/account/welcome/used", Who.NOBODY, 410)],
    "account_reauthenticate": [Visit("/account/reauthenticate")],
    "account_change_password": [Visit("/account/password/change")],
    "account_reset_password": [Visit("/account/password/reset", Who.NOBODY)],
    "account_reset_password_done": [Visit("/account/password/reset/done", Who.NOBODY)],
    "account_reset_password_from_key": [Visit("/account/password/reset/key/1-used", Who.NOBODY)],
    "account_reset_password_from_key_done": [Visit("/account/password/reset/key/done", Who.NOBODY)],
    "mfa_index": [Visit("/account/2fa"), Visit("/account/2fa", Who.VIEWER)],
    "mfa_authenticate": [Visit("/account/2fa/authenticate", Who.HALFWAY)],
    "mfa_reauthenticate": [Visit("/account/2fa/reauthenticate", Who.VIEWER)],
    "mfa_activate_totp": [Visit("/account/2fa/totp/activate")],
    "mfa_deactivate_totp": [Visit("/account/2fa/totp/deactivate", Who.VIEWER)],
    "mfa_view_recovery_codes": [Visit("/account/2fa/recovery-codes", Who.VIEWER)],
    "mfa_generate_recovery_codes": [Visit("/account/2fa/recovery-codes/generate", Who.VIEWER)],
    "usersessions_list": [Visit("/account/sessions")],
    "no such page": [Visit("/nothing/here", status=404)],
}
# Parts of pages, files, what only takes a form, and what leads elsewhere.
NO_PAGES = {
    "attention:count": "part of the menu",
    "attention:site_again": "takes a form",
    "orders:export": "a file",
    "people:export": "a file",
    "people:data": "a file",
    "people:password": "takes a form",
    "people:look_anew": "takes a form",
    "people:again": "takes a form",
    "products:map": "takes a form",
    "products:outlook": "part of a product's page",
    "products:align_run": "part of a page",
    "products:count": "part of a page",
    "products:count_entered": "part of a page",
    "integrations:cart_arrivals": "part of a cart's page",
    "integrations:cart_forget_former": "takes a form",
    "integrations:cart_secret": "takes a form",
    "integrations:cart_settings": "takes a form",
    "integrations:cart_api_key": "takes a form",
    "integrations:site_way": "takes a form",
    "integrations:site_levels": "takes a form",
    "integrations:site_now": "part of a site's page",
    "integrations:site_pause": "takes a form",
    "integrations:site_settings": "takes a form",
    "deliveries:export": "a file",
    "deliveries:body": "a file",
    "staff:withdraw": "takes a form",
    "staff:end_sessions": "takes a form",
    "staff:reset_link": "takes a form",
    "account_set_password": "leads to changing it, since everybody has one",
    "mfa_download_recovery_codes": "a file",
    "account_signup": "leads to signing in",
    "account_email": "leads to the profile",
    "set_language": "takes a form",
    "favicon": "a picture",
    "metrics": "for machines",
}


def visits() -> list[Visit]:
    """All examples."""
    return [visit for examples in PAGES.values() for visit in examples]


def page_names() -> Iterator[str]:
    """The names of all routes but the API's, as the code has them."""
    yield from _names(get_resolver().url_patterns, "")


def _names(patterns: list[URLPattern | URLResolver], namespace: str) -> Iterator[str]:
    for each in patterns:
        if isinstance(each, URLPattern):
            yield f"{namespace}{each.name}"
        elif str(each.pattern) != "api/v1/":
            yield from _names(each.url_patterns, f"{namespace}{each.namespace}:" if each.namespace else namespace)
