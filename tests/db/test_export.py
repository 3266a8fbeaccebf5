"""What is exported, and that applying it changes nothing."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guestlist.connections.models import Cart, CartMode, OnEmailChange, Site
from guestlist.connections.secrets import SecretUnreadable
from guestlist.domain.facts import Item, ItemType
from guestlist.domain.periods import Period, Unit
from guestlist.domain.rules import (
    AccessKind,
    AfterLastPayment,
    OnEnd,
    OnFailedPayment,
    OnRefund,
    PasswordEmail,
    Rule,
    Target,
    WelcomeEmail,
)
from guestlist.domain.terms import FOREVER, Level
from guestlist.fulfilment.apply import apply_settings
from guestlist.fulfilment.export import export_settings
from guestlist.fulfilment.models import Rule as StoredRule
from guestlist.fulfilment.settings_changes import What
from guestlist.fulfilment.settings_store import stored_settings, write_settings
from guestlist.fulfilment.settings_values import CartSettings, RuleKey, Secret, Settings, SiteSettings
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db

NOTHING = Settings({}, {}, {}, {})


def store(wanted: Settings) -> None:
    for model in (StoredRule, Cart, Site):
        model.objects.all().delete()
    write_settings(NOTHING, wanted, wanted.levels)


def carts(*found: CartSettings) -> dict[str, CartSettings]:
    return {cart.id: cart for cart in found}


def sites(*found: SiteSettings) -> dict[str, SiteSettings]:
    return {site.id: site for site in found}


def rules(cart: str, *found: Rule) -> dict[RuleKey, Rule]:
    return {RuleKey(cart, rule.item, rule.option): rule for rule in found}


def rule(item: str, *levels: str, **fields: Any) -> Rule:
    return Rule(item=Item.parse(item), grants=tuple(Target("academy", level) for level in levels), **fields)


SHOP = CartSettings(id="shop", kind="thrivecart", secret=Secret("WORDOFTHESHOP"))
ACADEMY = SiteSettings(
    id="academy",
    kind="memberpress",
    url="https://academy.example.com",
    credentials={"api_key": Secret("K3yK3yK3y0", env="ACADEMY_KEY")},
)


def test_the_export_is_a_settings_file_in_a_fixed_order_without_secrets():
    found = rules(
        "shop",
        rule("product-12", "8", option="78572"),
        rule("upsell-3", "8", "9", access=Period(90, Unit.DAYS), grace_days=0, on_cancel=OnEnd.NOW),
        rule("product-12", "8"),
        rule("product-2", "9"),
    )
    store(Settings(carts(SHOP), sites(ACADEMY), found, {}))

    assert (
        export_settings()
        == """\
# Settings of Guestlist: `guestlist apply FILE` makes them so.
# Secrets are taken from the environment variables named here.

[[carts]]
id = "shop"
kind = "thrivecart"
secret = {env = "SHOP_SECRET"}
mode = "live"

[[sites]]
id = "academy"
kind = "memberpress"
url = "https://academy.example.com"
api_key = {env = "ACADEMY_KEY"}
concurrency = 2
allow_private_address = false
on_email_change = "leave"

[[rules]]
cart = "shop"
item = "product-2"
grants = [{site = "academy", level = "9"}]
access = "auto"
grace_days = 3
on_refund = "revoke"
on_partial_refund = "keep"
on_cancel = "period-end"
on_failed_payment = "grace"
on_pause = "period-end"
after_last_payment = "forever"
welcome_email = "new"
password_email = "new"

[[rules]]
cart = "shop"
item = "product-12"
grants = [{site = "academy", level = "8"}]
access = "auto"
grace_days = 3
on_refund = "revoke"
on_partial_refund = "keep"
on_cancel = "period-end"
on_failed_payment = "grace"
on_pause = "period-end"
after_last_payment = "forever"
welcome_email = "new"
password_email = "new"

[[rules]]
cart = "shop"
item = "product-12"
option = "78572"
grants = [{site = "academy", level = "8"}]
access = "auto"
grace_days = 3
on_refund = "revoke"
on_partial_refund = "keep"
on_cancel = "period-end"
on_failed_payment = "grace"
on_pause = "period-end"
after_last_payment = "forever"
welcome_email = "new"
password_email = "new"

[[rules]]
cart = "shop"
item = "upsell-3"
grants = [{site = "academy", level = "8"}, {site = "academy", level = "9"}]
access = "90 days"
grace_days = 0
on_refund = "revoke"
on_partial_refund = "keep"
on_cancel = "now"
on_failed_payment = "grace"
on_pause = "period-end"
after_last_payment = "forever"
welcome_email = "new"
password_email = "new"
"""
    )


def test_what_is_disconnected_is_not_exported():
    store(Settings(carts(SHOP), sites(ACADEMY), {}, {}))
    Cart.objects.update(active=False)
    Site.objects.update(active=False)

    assert tomllib.loads(export_settings()) == {}


def test_made_up_variables_are_never_used_twice():
    named_alike = SiteSettings(
        id="shop", kind="memberpress", url="https://x.example", credentials={"api_key": Secret("1")}
    )
    store(
        Settings(
            carts(
                CartSettings(id="shop", kind="thrivecart", secret=Secret("a"), api_key=Secret("b")),
                CartSettings(id="SHOP", kind="thrivecart", secret=Secret("c", env="SHOP_API_KEY")),
                CartSettings(id="my-shop", kind="thrivecart", secret=Secret("d")),
                CartSettings(id="my_shop", kind="thrivecart", secret=Secret("e")),
                CartSettings(id="2shop", kind="thrivecart", secret=Secret("f")),
            ),
            sites(named_alike),
            {},
            {},
        )
    )

    exported = tomllib.loads(export_settings())

    found = {
        (kind, table["id"], field): value["env"]
        for kind in ("carts", "sites")
        for table in exported[kind]
        for field, value in table.items()
        if isinstance(value, dict)
    }
    assert found == {
        ("carts", "2shop", "secret"): "_2SHOP_SECRET",
        ("carts", "SHOP", "secret"): "SHOP_API_KEY",  # where it came from
        ("carts", "my-shop", "secret"): "MY_SHOP_SECRET",
        ("carts", "my_shop", "secret"): "MY_SHOP_SECRET_2",
        ("carts", "shop", "secret"): "SHOP_SECRET",
        ("carts", "shop", "api_key"): "SHOP_API_KEY_2",
        ("sites", "shop", "api_key"): "SHOP_API_KEY_3",
    }


def test_the_export_of_one_guestlist_sets_up_another():
    with SandboxSite() as sandbox:
        credentials = {
            "username": Secret(sandbox.username),
            "application_password": Secret(sandbox.application_password),
        }
        site = SiteSettings(
            id="academy", kind="memberpress", url=sandbox.url, credentials=credentials, allow_private_address=True
        )
        store(Settings(carts(SHOP), sites(site), rules("shop", rule("product-12", "8")), {}))
        text, before = export_settings(), stored_settings()
        store(NOTHING)
        assert f'username = "{sandbox.username}"' in text

        apply_settings(
            text,
            environ={"SHOP_SECRET": "WORDOFTHESHOP", "ACADEMY_APPLICATION_PASSWORD": sandbox.application_password},
        )

    after = stored_settings()
    assert (after.carts, after.sites, after.rules) == (before.carts, before.sites, before.rules)
    assert export_settings() == text


ids = st.from_regex(r"\A[A-Za-z0-9_-]{1,12}\Z")
words = st.text(st.characters(min_codepoint=32, exclude_categories=["C", "Z"]), min_size=1, max_size=20)
keys = st.from_regex(r"\A[A-Za-z0-9]{1,20}\Z")
numbers = st.from_regex(r"\A[0-9A-Za-z.-]{1,10}\Z")
credentials = st.one_of(
    st.fixed_dictionaries({"api_key": st.builds(Secret, keys)}),
    st.fixed_dictionaries({"username": st.builds(Secret, keys), "application_password": st.builds(Secret, keys)}),
)
accesses = st.sampled_from(AccessKind) | st.builds(Period, st.integers(1, 100), st.sampled_from(Unit))


@st.composite
def any_settings(draw: st.DrawFn) -> Settings:
    """Valid settings; each secret that comes from a variable has one of its own."""
    some_carts = [
        CartSettings(
            id=cart,
            kind="thrivecart",
            secret=Secret(draw(words), f"CART{number}" if draw(st.booleans()) else ""),
            api_key=draw(st.none() | st.builds(Secret, words)),
            mode=draw(st.sampled_from(CartMode)),
        )
        for number, cart in enumerate(draw(st.lists(ids, max_size=3, unique=True)))
    ]
    some_sites = [
        SiteSettings(
            id=site,
            kind="memberpress",
            url=draw(st.sampled_from(["https://a.example", "http://10.0.0.1:8080/blog", "https://[::1]"])),
            credentials=draw(credentials),
            concurrency=draw(st.integers(1, 16)),
            allow_private_address=draw(st.booleans()),
            on_email_change=draw(st.sampled_from(OnEmailChange)),
        )
        for site in draw(st.lists(ids, max_size=3, unique=True))
    ]
    some_rules = draw(st.lists(st.builds(_rule, *_rule_parts(some_sites)), max_size=6)) if some_sites else []
    by_key = {
        RuleKey(draw(st.sampled_from(some_carts)).id, each.item, each.option): each
        for each in (some_rules if some_carts else [])
    }
    levels = {
        site.id: tuple(
            Level(level, "Any", FOREVER)
            for level in {t.level for each in by_key.values() for t in each.grants if t.site == site.id}
        )
        for site in some_sites
    }
    return Settings(carts(*some_carts), sites(*some_sites), by_key, levels)


def _rule_parts(some_sites: list[SiteSettings]) -> list[st.SearchStrategy[Any]]:
    targets = st.builds(Target, st.sampled_from([site.id for site in some_sites]), words)
    return [
        st.builds(Item, st.sampled_from(ItemType), numbers),
        st.none() | words,
        st.lists(targets, max_size=3, unique=True),
        accesses,
        st.integers(0, 365),
        st.tuples(*map(st.sampled_from, (OnRefund, OnRefund, OnEnd, OnFailedPayment, OnEnd))),
        st.tuples(*map(st.sampled_from, (AfterLastPayment, WelcomeEmail, PasswordEmail))),
    ]


def _rule(item: Any, option: Any, targets: Any, access: Any, grace_days: Any, ends: Any, others: Any) -> Rule:
    return Rule(
        item=item,
        option=option,
        grants=tuple(targets),
        access=access,
        grace_days=grace_days,
        on_refund=ends[0],
        on_partial_refund=ends[1],
        on_cancel=ends[2],
        on_failed_payment=ends[3],
        on_pause=ends[4],
        after_last_payment=others[0],
        welcome_email=others[1],
        password_email=others[2],
    )


def environment(text: str, wanted: Settings) -> dict[str, str]:
    """The variables that an export names, with the secrets that they stand for."""
    found = {}
    for name, entries in (("carts", wanted.carts), ("sites", wanted.sites)):
        for table in tomllib.loads(text).get(name, []):
            entry = entries[table["id"]]
            secrets = {"secret": entry.secret, "api_key": entry.api_key} if name == "carts" else entry.credentials
            found |= {value["env"]: secrets[field].value for field, value in table.items() if isinstance(value, dict)}
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=any_settings(), prune=st.booleans())
def test_applying_an_export_changes_nothing(wanted: Settings, prune: bool):
    store(wanted)
    text, before = export_settings(), stored_settings()

    applied = apply_settings(text, prune=prune, environ=environment(text, wanted))

    assert {change.what for change in applied.changes} <= {What.UNCHANGED}
    assert applied.levels_read == {}
    assert stored_settings() == before == wanted
    assert export_settings() == text


def test_applying_an_export_restores_the_rules_that_were_changed_since():
    found = rules("shop", rule("product-12", "8"))
    store(Settings(carts(SHOP), sites(ACADEMY), found, {"academy": (Level("8", "Gold", FOREVER),)}))
    text = export_settings()
    StoredRule.objects.update(grace_days=30, on_refund="keep", access="forever", welcome_email="never")

    apply_settings(text, environ={"SHOP_SECRET": "WORDOFTHESHOP", "ACADEMY_KEY": "K3yK3yK3y0"})

    assert stored_settings().rules == found


def test_secrets_under_another_key_are_not_left_out_silently(monkeypatch):
    store(Settings(carts(SHOP), sites(ACADEMY), {}, {}))
    monkeypatch.setenv("GUESTLIST_SECRET_KEY", "another key")

    with pytest.raises(SecretUnreadable, match="GUESTLIST_SECRET_KEY"):
        export_settings()
