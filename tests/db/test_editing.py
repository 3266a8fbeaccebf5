"""Single settings changed from a form, with a running sandbox site at the other end."""

from __future__ import annotations

import pytest

import stored
from db.conftest import make_cart
from db.test_apply import Academy, academy, server
from factories import rule
from guestlist.connections.models import Cart, Site, SiteState
from guestlist.domain.facts import Item
from guestlist.domain.help_topics import HelpTopic
from guestlist.fulfilment.editing import (
    EditRefused,
    FieldProblem,
    disconnect_cart,
    disconnect_site,
    save_cart,
    save_rules,
    save_site,
)
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.rules import rules_of
from guestlist.fulfilment.settings_values import RuleKey

__all__ = ["academy", "server"]  # fixtures

PRODUCT = Item.parse("product-12")

pytestmark = pytest.mark.django_db(transaction=True)


def fields(academy: Academy, **changed: object) -> dict[str, object]:
    plain = {
        "id": "academy",
        "kind": "memberpress",
        "url": academy.url,
        "api_key": academy.server.key,
        "allow_private_address": True,
    }
    return {name: value for name, value in (plain | changed).items() if value is not None}


def refused(save: object, *args: object, **values: object) -> list[FieldProblem]:
    with pytest.raises(EditRefused) as caught:
        save(*args, **values)  # type: ignore[operator]
    return list(caught.value.problems)


def test_a_site_that_lets_us_in_is_saved_with_its_levels(academy: Academy) -> None:
    applied = save_site(fields(academy))
    site = Site.objects.get()
    assert applied.levels_read["academy"] == len(site.levels) > 0
    assert site.state == SiteState.OK


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"api_key": "WRONGWRONG"}, "api_key"),
        ({"api_key": None, "username": "somebody", "application_password": "abcd efgh"}, "application_password"),
        ({"url": "http://127.0.0.1:9"}, "url"),
        ({"url": "not an address"}, "url"),
        ({"allow_private_address": False}, "url"),
        ({"id": "with blank"}, "id"),
        ({"api_key": None}, "api_key"),
    ],
)
def test_what_is_wrong_with_a_site_is_said_at_its_field_and_mended_there(
    academy: Academy, changed: dict[str, object], field: str
) -> None:
    (problem,) = refused(save_site, fields(academy, **changed))
    assert problem.field == field
    assert str(problem).endswith(".")
    assert not Site.objects.exists()
    save_site(fields(academy))
    assert Site.objects.get().state == SiteState.OK


def test_a_site_that_does_not_answer_leads_to_its_page_of_help(academy: Academy) -> None:
    (problem,) = refused(save_site, fields(academy, url="http://127.0.0.1:9"))
    assert problem.help == HelpTopic.SITE_UNREACHABLE


def test_a_cart_with_a_secret_that_is_empty_is_refused_at_that_field() -> None:
    (problem,) = refused(save_cart, {"id": "shop", "kind": "thrivecart", "secret": ""})
    assert (problem.field, problem.entry) == ("secret", 0)
    save_cart({"id": "shop", "kind": "thrivecart", "secret": "WORDOFTHESHOP"})
    assert Cart.objects.get().secret == "WORDOFTHESHOP"


def test_rules_of_an_item_are_replaced_by_one_for_each_option() -> None:
    stored.open_shop()
    options = [rule("product-12", "academy/8", option="1"), rule("product-12", "academy/9", option="2")]
    save_rules("shop", options, instead_of=[RuleKey("shop", PRODUCT, None)])
    assert [found.option for found in rules_of("shop")] == ["1", "2"]
    save_rules("shop", [rule("product-12", "academy/8")], instead_of=[RuleKey("shop", PRODUCT, n) for n in ("1", "2")])
    assert [(found.option, str(found.grants[0].level)) for found in rules_of("shop")] == [(None, "8")]


def test_rules_are_removed_and_others_stay() -> None:
    stored.open_shop()
    save_rules("shop", [rule("bump-3", "club/10")])
    save_rules("shop", [], instead_of=[RuleKey("shop", PRODUCT, None)])
    assert [str(found.item) for found in rules_of("shop")] == ["bump-3"]


def test_only_checking_saves_nothing() -> None:
    stored.open_shop()
    applied = save_rules("shop", [rule("bump-3", "club/10")], dry_run=True)
    assert applied.dry_run
    assert Rule.objects.count() == 1


def test_a_level_that_the_site_does_not_have_is_said_with_the_rule_that_names_it(academy: Academy) -> None:
    make_cart("shop")
    save_site(fields(academy))
    level = Site.objects.get().levels[0]["id"]
    problems = refused(save_rules, "shop", [rule("product-12", f"academy/{level}"), rule("bump-3", "academy/424242")])
    assert [(problem.entry, problem.field) for problem in problems] == [(1, "grants")]
    assert not Rule.objects.exists()


def test_a_disconnected_site_is_named_by_no_rule_and_a_disconnected_cart_has_none() -> None:
    stored.open_shop()
    stored.sell_monthly()
    save_rules("shop", [rule("bump-3", "club/10"), rule("bump-4")])
    disconnect_site("club")
    # What gave the club's levels alone is asked about again; what gives nothing on purpose goes on giving nothing.
    left = {str(found.item): [target.site for target in found.grants] for found in rules_of("shop")}
    assert left == {"product-12": ["academy"], "bump-4": []}
    disconnect_cart("shop")
    assert not Rule.objects.exists()
    assert not Cart.objects.get().active
    assert Site.objects.get(pk="academy").active


def test_a_change_that_needs_no_proof_asks_the_site_nothing(academy: Academy) -> None:
    save_site(fields(academy))
    before = academy.requests()
    save_site({"id": "academy", "concurrency": 4})
    assert academy.requests() == before
    assert Site.objects.get().concurrency == 4
