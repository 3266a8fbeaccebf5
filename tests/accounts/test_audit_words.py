"""What the audit log's page says of rules, carts, sites and acts: names and sentences, no codes."""

from __future__ import annotations

import html
import re
from datetime import date

import pytest
from django.test import Client

import stored
from guestlist.accounts.audit import record
from guestlist.accounts.models import AuditEntry
from guestlist.fulfilment.models import KnownOption, Rule

pytestmark = pytest.mark.django_db

BECOMES = "→ becomes"


@pytest.fixture
def shop() -> None:
    stored.open_shop()


def told(client: Client, kind: str) -> str:
    """The audit log's words, without tags."""
    page = client.get(f"/settings/audit?kind={kind}").content.decode()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def test_a_rule_says_which_levels_it_gives_and_which_it_gave(shop, as_owner):
    rule = Rule.objects.get()
    rule.grants = [{"site": "academy", "level": "9"}, {"site": "club", "level": "404"}]
    rule.save()

    page = told(as_owner, "rules")

    before = "Gold monthly at academy, Lifetime at club"
    assert f"made the rule for shop product-12 gives: {before}" in page
    assert f"gives: {before} {BECOMES} Silver yearly at academy, level 404 at club" in page


def test_a_rule_that_gives_nothing_says_so(shop, as_owner):
    rule = Rule.objects.get()
    rule.grants = []
    rule.save()
    Rule.objects.create(cart_id="shop", item="bump-3", grants=[])

    page = told(as_owner, "rules")

    assert f"gives: Gold monthly at academy, Lifetime at club {BECOMES} no access, on purpose" in page
    assert "made the rule for shop bump-3 gives: no access, on purpose" in page


def test_choices_of_a_rule_are_told_in_sentences(shop, as_owner):
    rule = Rule.objects.get()
    rule.on_cancel, rule.access, rule.grace_days = "now", "90 days", 9
    rule.save()

    page = told(as_owner, "rules")

    paid = "Who cancels keeps access until the end of the period that is paid, without grace."
    assert f"when cancelled: {paid} {BECOMES} Who cancels loses access at once." in page
    assert "Every charge gives access for 90 days." in page
    assert f"days of grace: 3 {BECOMES} 9" in page
    assert "period-end" not in page


def test_a_rule_names_what_is_sold_as_deliveries_name_it(shop, as_owner):
    KnownOption.objects.create(cart_id="shop", item="product-12", name="Course", seen_on=date(2026, 3, 10))

    assert "made the rule for Course (shop product-12)" in told(as_owner, "rules")


def test_a_removed_rule_says_what_it_gave(shop, as_owner):
    Rule.objects.get().delete()

    assert "removed the rule for shop product-12 gives: Gold monthly at academy" in told(as_owner, "rules")


def test_carts_and_sites_are_told_by_their_platform_and_what_they_do(shop, as_owner):
    page = told(as_owner, "integrations")

    assert "kind: ThriveCart" in page
    assert "kind: MemberPress (WordPress)" in page
    assert "fulfils orders of mode: Live orders only" in page
    assert "when the address changes at the cart: leave the address at the site" in page


def test_an_act_for_a_person_names_the_level(shop, as_owner):
    AuditEntry.objects.all().delete()
    record(None, "gave a level by hand", site="academy", level="8", email="nora@buyers.test")
    record(None, "put access on hold", site="club", level="", email="nora@buyers.test")

    page = told(as_owner, "work")

    assert "level: Gold monthly at academy" in page
    assert "site: club" in page


def test_a_value_that_is_no_choice_any_more_is_told_as_it_was(shop, as_owner):
    Rule.objects.update(on_cancel="former")
    rule = Rule.objects.get()
    rule.on_cancel = "keep"
    rule.save()

    assert f"when cancelled: former {BECOMES} Who cancels keeps" in told(as_owner, "rules")
