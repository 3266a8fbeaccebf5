"""Settings files applied to the database, with a running sandbox site at the other end."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import psycopg
import pytest
from django.db import connection

from db.conftest import make_cart, make_site
from db.test_planning import deliver
from factories import line, placed, rule
from guestlist.access.models import Grant, GrantState, Member, SiteRequest
from guestlist.access.queries import person
from guestlist.connections.kick import CHANNEL
from guestlist.connections.models import Cart, Site, SiteState
from guestlist.domain.facts import Mode
from guestlist.fulfilment.apply import apply_settings
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.planning import replan
from guestlist.fulfilment.rules import as_row
from guestlist.fulfilment.settings_changes import Applied, What
from guestlist.fulfilment.settings_file import SettingsInvalid
from guestlist.orders.record import record
from guestlist.sandbox.site.server import SandboxSite

CART = '[[carts]]\nid = "shop"\nkind = "thrivecart"\nsecret = "WORDOFTHESHOP"\n'
RULE = '[[rules]]\ncart = "shop"\nitem = "product-12"\ngrants = [{ site = "academy", level = "8" }]\n'


@dataclass(frozen=True)
class Academy:
    """A site of its own on the shared sandbox server."""

    server: SandboxSite
    name: str

    @property
    def url(self) -> str:
        return self.server.url_of(self.name)

    def switch(self, **switches: object) -> None:
        self.server.switch(name=self.name, **switches)

    def requests(self) -> int:
        return len(self.server.requests(self.name))

    def block(self, **fields: str) -> str:
        """`[[sites]]`; the values are written as TOML has them, "" leaves one out."""
        said = {
            "id": '"academy"',
            "kind": '"memberpress"',
            "url": f'"{self.url}"',
            "api_key": f'"{self.server.key}"',
            "allow_private_address": "true",
            **fields,
        }
        return "[[sites]]\n" + "".join(f"{name} = {value}\n" for name, value in said.items() if value)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxSite]:
    with SandboxSite() as site:
        yield site


@pytest.fixture
def academy(db, server: SandboxSite) -> Academy:
    return Academy(server, uuid4().hex)


def whats(applied: Applied) -> dict[str, What]:
    return {f"{change.kind} {change.id}": change.what for change in applied.changes}


def changed_fields(applied: Applied) -> dict[str, list[str]]:
    return {
        f"{change.kind} {change.id}": [str(field) for field in change.fields]
        for change in applied.changes
        if change.what is What.CHANGED
    }


def refused(text: str, **options: object) -> list[tuple[int | None, str, str]]:
    """Line, place and words of each mistake of a file that cannot be applied; proves that nothing was changed."""
    before = everything()
    with pytest.raises(SettingsInvalid) as raised:
        apply_settings(text, **options)
    assert everything() == before
    return [(each.line, each.place, f"{each.problem} {each.remedy}") for each in raised.value.problems]


def everything() -> list[object]:
    return [list(model.objects.order_by("pk").values()) for model in (Cart, Site, Rule, SiteRequest)]


def test_a_first_file_makes_everything_it_names(academy: Academy):
    applied = apply_settings(CART + academy.block(concurrency="4") + RULE)

    assert whats(applied) == {
        "cart shop": What.CREATED,
        "site academy": What.CREATED,
        "rule shop product-12": What.CREATED,
    }
    assert applied.warnings == ()
    cart, site, stored = Cart.objects.get(), Site.objects.get(), Rule.objects.get()
    assert (cart.id, cart.kind, cart.secret, cart.mode, cart.active) == (
        "shop",
        "thrivecart",
        "WORDOFTHESHOP",
        "live",
        True,
    )
    assert "WORDOFTHESHOP" not in cart.secret_encrypted
    assert (site.url, site.concurrency, site.allow_private_address) == (academy.url, 4, True)
    assert site.credentials == {"api_key": academy.server.key}
    assert (stored.cart_id, stored.item, stored.option) == ("shop", "product-12", None)
    assert stored.grants == [{"site": "academy", "level": "8"}]
    assert (stored.access, stored.grace_days, stored.on_cancel) == ("auto", 3, "period-end")


def test_a_new_site_is_proved_by_reading_its_levels_and_the_requests_are_kept(academy: Academy):
    applied = apply_settings(academy.block())

    site = Site.objects.get()
    assert {"id": "9", "title": "Silver yearly", "terms": {"period": "1 year"}} in site.levels
    assert applied.levels_read == {"academy": len(site.levels)}
    assert site.levels_read_at is not None
    assert site.state == SiteState.OK
    assert academy.requests() == SiteRequest.objects.filter(site=site, member=None).count() == 1


def test_the_same_file_twice_changes_nothing_and_asks_nobody(academy: Academy):
    text = CART + academy.block() + RULE
    apply_settings(text)
    before, asked = everything(), academy.requests()

    applied = apply_settings(text)

    assert set(whats(applied).values()) == {What.UNCHANGED}
    assert everything() == before
    assert academy.requests() == asked


def test_what_a_file_leaves_out_stays(academy: Academy):
    apply_settings(
        CART + 'mode = "test"\napi_key = "tc-key"\n' + academy.block(concurrency="5") + RULE + "grace_days = 9\n"
    )
    other = RULE.replace("product-12", "bump-12")
    asked = academy.requests()

    applied = apply_settings(
        other + RULE + 'on_pause = "now"\n' + '[[carts]]\nid = "shop"\n[[sites]]\nid = "academy"\n'
    )

    assert whats(applied) == {
        "cart shop": What.UNCHANGED,
        "site academy": What.UNCHANGED,
        "rule shop product-12": What.CHANGED,
        "rule shop bump-12": What.CREATED,
    }
    assert changed_fields(applied) == {"rule shop product-12": ["on_pause: period-end -> now"]}
    assert Rule.objects.get(item="product-12").grace_days == 9
    assert academy.requests() == asked
    assert apply_settings("").as_text() == "0 changed, 4 unchanged."


def test_prune_removes_what_is_not_named_and_returns_the_rest_to_the_defaults(academy: Academy):
    apply_settings(
        CART
        + 'mode = "test"\napi_key = "tc-key"\n'
        + academy.block(concurrency="5")
        + RULE
        + "grace_days = 9\n"
        + RULE.replace("product-12", "bump-12")
        + CART.replace("shop", "stall")
    )

    applied = apply_settings(
        '[[carts]]\nid = "shop"\n[[sites]]\nid = "academy"\nallow_private_address = true\n' + RULE, prune=True
    )

    assert whats(applied) == {
        "cart shop": What.CHANGED,
        "cart stall": What.REMOVED,
        "site academy": What.CHANGED,
        "rule shop product-12": What.CHANGED,
        "rule shop bump-12": What.REMOVED,
    }
    assert changed_fields(applied) == {
        "cart shop": ["mode: test -> live", "api_key: removed"],
        "site academy": ["concurrency: 5 -> 2"],
        "rule shop product-12": ["grace_days: 9 -> 3"],
    }
    cart, site = Cart.objects.get(), Site.objects.get()
    assert (cart.secret, cart.api_key) == ("WORDOFTHESHOP", "")
    assert site.credentials == {"api_key": academy.server.key}
    assert [stored.item for stored in Rule.objects.all()] == ["product-12"]


def test_pruned_carts_and_sites_with_history_are_disconnected_and_can_be_connected_again(academy: Academy):
    text = CART + academy.block() + RULE
    apply_settings(text)
    record("shop", [placed("2026-03-10", line("product-12", paid_minor=2900))], 1)
    Member.objects.create(site_id="academy", email="nora@buyers.test", email_key="nora@buyers.test")
    version, epoch = Cart.objects.get().version, Site.objects.get().epoch

    applied = apply_settings("", prune=True)

    assert set(whats(applied).values()) == {What.REMOVED}
    cart, site = Cart.objects.get(), Site.objects.get()
    assert (cart.active, cart.version, site.active) == (False, version + 1, False)
    assert not Rule.objects.exists()
    assert apply_settings("", prune=True).changes == ()

    applied = apply_settings(text)

    assert set(whats(applied).values()) == {What.CREATED}
    cart, site = Cart.objects.get(), Site.objects.get()
    assert (cart.active, cart.version, site.active) == (True, version + 2, True)
    assert site.epoch > epoch


def test_a_cart_made_anew_never_has_a_version_for_the_second_time(db):
    apply_settings(CART)
    first = Cart.objects.get().version
    apply_settings("", prune=True)
    assert not Cart.objects.exists()

    apply_settings(CART)

    assert Cart.objects.get().version >= first > 1_000_000_000


def test_prune_keeps_a_site_that_a_rule_still_needs(academy: Academy):
    apply_settings(CART + academy.block() + RULE)

    found = refused(CART + RULE, prune=True)

    assert [(line_, place) for line_, place, _ in found] == [(8, "rules[0].grants[0].site")]
    assert 'site "academy" is not in the file, so --prune would disconnect it, but this rule needs it' in found[0][2]


def test_one_mistake_and_nothing_is_applied_and_all_mistakes_are_told(academy: Academy):
    text = (
        CART.replace("thrivecart", "nocart")
        + academy.block(api_key='"WRONG"')
        + academy.block(id='"club"', concurrency="0")
        + academy.block(id='"forum"')
        + RULE
        + RULE.replace("academy", "acadamy").replace('"shop"', '"shoop"').replace("12", "13")
        + RULE.replace("academy", "forum").replace('"8"', '"88"').replace("12", "14")
    )

    found = refused(text)

    assert [place for _, place, _ in found] == [
        "carts[0].kind",
        "sites[0].api_key",
        "sites[1].concurrency",
        "rules[1].cart",
        "rules[1].grants[0].site",
        "rules[2].grants[0].level",
    ]
    assert 'Did you mean "shop"?' in found[3][2]
    assert 'Did you mean "academy"? Known: academy, club, forum.' in found[4][2]


def test_an_unknown_level_is_refused_with_the_levels_there_are(academy: Academy):
    ((at, place, words),) = refused(CART + academy.block() + RULE.replace('"8"', '"77"'))

    assert (at, place) == (14, "rules[0].grants[0].level")
    assert 'academy has no published level "77" that can be read It has: ' in words
    assert '9 ("Silver yearly"), 8 ("Gold monthly").' in words
    apply_settings(CART + academy.block() + RULE)


def test_a_level_that_is_new_at_a_known_site_is_looked_up(academy: Academy):
    apply_settings(CART + academy.block() + RULE)
    Site.objects.update(levels=[level for level in Site.objects.get().levels if level["id"] != "10"])
    asked = academy.requests()

    apply_settings(RULE.replace('"8"', '"10"'))

    assert academy.requests() == asked + 1
    assert {level["id"] for level in Site.objects.get().levels} > {"8", "10"}


def test_a_site_outside_the_file_that_refuses_is_told_at_the_rule(academy: Academy):
    apply_settings(CART + academy.block() + RULE)
    academy.switch(key="changed")

    ((at, place, words),) = refused(RULE.replace('"8"', '"77"'))

    assert (at, place) == (4, "rules[0].grants[0]")
    assert words.startswith("academy: The site refuses the credentials")


def test_a_wrong_key_is_told_at_the_key_and_the_right_one_is_taken(academy: Academy):
    ((at, place, words),) = refused(CART + academy.block(api_key='"WRONGKEY00"') + RULE)

    assert (at, place) == (9, "sites[0].api_key")
    assert "refuses the credentials (401)" in words
    assert "MemberPress > Developer > REST API" in words
    apply_settings(CART + academy.block() + RULE)


def test_a_wrong_application_password_is_told_at_the_password_and_the_right_one_is_taken(academy: Academy):
    user = {"api_key": "", "username": f'"{academy.server.username}"'}

    ((at, place, _),) = refused(academy.block(**user, application_password='"abcd efgh ijkl mnop qrst uvwx"'))

    assert (at, place) == (7, "sites[0].application_password")
    apply_settings(academy.block(**user, application_password=f'"{academy.server.application_password}"'))
    assert set(Site.objects.get().credentials) == {"username", "application_password"}


def test_a_missing_plugin_is_told_at_the_address_until_it_is_there(academy: Academy):
    academy.switch(plugin_active=False)

    ((at, place, words),) = refused(academy.block())

    assert (at, place) == (4, "sites[0].url")
    assert "activate the plugins" in words
    academy.switch(plugin_active=True)
    apply_settings(academy.block())


def test_a_web_page_instead_of_data_is_told_at_the_address(academy: Academy):
    academy.switch(faults=[{"match": "* /", "kind": "html_200", "times": None}])

    ((_, place, words),) = refused(academy.block())

    assert place == "sites[0].url"
    assert "web page" in words


def test_a_private_address_is_refused_until_it_is_allowed(academy: Academy):
    ((at, place, words),) = refused(academy.block(allow_private_address="false"))

    assert (at, place) == (4, "sites[0].url")
    assert "private" in words
    assert "allow_private_address" in words
    assert academy.requests() == 0
    apply_settings(academy.block())


@pytest.mark.parametrize("down", ["refuse", "maintenance"])
def test_a_site_that_is_down_is_saved_with_a_warning_and_read_once_it_works(academy: Academy, down: str):
    text = CART + academy.block() + RULE.replace('"8"', '"4711"')
    academy.switch(down=down)

    applied = apply_settings(text)

    assert whats(applied)["site academy"] is What.CREATED
    assert ["line 8, sites[0].url: academy does not answer" in warning for warning in applied.warnings] == [True]
    assert (Site.objects.get().levels_read_at, Site.objects.get().state) == (None, SiteState.NEW)
    assert Rule.objects.exists()

    academy.switch(down=None)
    assert [place for _, place, _ in refused(text)] == ["rules[0].grants[0].level"]
    applied = apply_settings(CART + academy.block() + RULE)
    assert applied.levels_read["academy"] > 0
    assert Site.objects.get().state == SiteState.OK


def test_a_dry_run_tells_everything_and_saves_nothing(academy: Academy):
    text = CART + academy.block() + RULE

    tried = apply_settings(text, dry_run=True)

    assert not Cart.objects.exists()
    assert not SiteRequest.objects.exists()
    assert academy.requests() == 1
    assert "Nothing was saved" in tried.as_text()
    assert tried.changes == apply_settings(text).changes
    assert [place for _, place, _ in refused(RULE.replace('"8"', '"77"'), dry_run=True)] == ["rules[0].grants[0].level"]


def test_only_a_new_secret_gives_a_cart_a_new_version(db):
    apply_settings(CART)
    version = Cart.objects.get().version

    applied = apply_settings(CART + 'mode = "both"\napi_key = "tc-key"\n')
    assert changed_fields(applied) == {"cart shop": ["mode: live -> both", "api_key: set"]}
    assert Cart.objects.get().version == version

    applied = apply_settings(CART.replace("WORDOFTHESHOP", "ANOTHERWORD"))
    assert changed_fields(applied) == {"cart shop": ["secret: changed"]}
    cart = Cart.objects.get()
    assert (cart.version, cart.secret, cart.api_key, cart.mode) == (version + 1, "ANOTHERWORD", "tc-key", "both")


def test_the_same_secret_from_a_variable_is_no_change(academy: Academy):
    apply_settings(CART + academy.block())
    version, asked = Cart.objects.get().version, academy.requests()
    text = CART.replace('"WORDOFTHESHOP"', '{ env = "WORD" }') + academy.block(api_key='{ env = "KEY" }')

    applied = apply_settings(text, environ={"WORD": "WORDOFTHESHOP", "KEY": academy.server.key})

    assert set(whats(applied).values()) == {What.UNCHANGED}
    cart, site = Cart.objects.get(), Site.objects.get()
    assert (cart.version, cart.secret_env, site.credentials_env) == (version, "WORD", {"api_key": "KEY"})
    assert academy.requests() == asked

    applied = apply_settings(text, environ={"WORD": "ANOTHERWORD", "KEY": academy.server.key})
    assert changed_fields(applied) == {"cart shop": ["secret: changed"]}


def test_a_change_of_the_credentials_lets_a_stopped_lane_go_on(academy: Academy):
    apply_settings(academy.block())
    academy.switch(key="NEWKEY0000")
    Site.objects.update(state=SiteState.ATTENTION, reason="The site refuses the credentials", remedy="x", probes=7)
    epoch = Site.objects.get().epoch

    apply_settings('[[sites]]\nid = "academy"\napi_key = "NEWKEY0000"\n')

    site = Site.objects.get()
    assert (site.state, site.reason, site.remedy, site.probes, site.probe_at) == (SiteState.OK, "", "", 0, None)
    assert site.epoch == epoch + 1


def test_credentials_of_another_kind_take_the_place_of_the_former(academy: Academy):
    apply_settings(academy.block())

    applied = apply_settings(
        f'[[sites]]\nid = "academy"\nusername = "{academy.server.username}"\n'
        f'application_password = "{academy.server.application_password}"\n'
    )

    assert changed_fields(applied) == {
        "site academy": ["username: set", "application_password: set", "api_key: removed"]
    }
    assert set(Site.objects.get().credentials) == {"username", "application_password"}
    ((_, place, words),) = refused('[[sites]]\nid = "academy"\napi_key = "K"\nusername = "x"\n')
    assert place == "sites[0].username"
    assert "not both" in words


def test_part_of_the_credentials_is_completed_by_the_stored_ones(academy: Academy):
    user = f'username = "{academy.server.username}"\n'
    password = f'application_password = "{academy.server.application_password}"\n'
    apply_settings(academy.block(api_key="") + user + password)
    both = Site.objects.get().credentials

    apply_settings('[[sites]]\nid = "academy"\n' + user)

    assert Site.objects.get().credentials == both


def test_another_address_forgets_the_levels_of_the_former_one(academy: Academy):
    apply_settings(CART + academy.block() + RULE)
    other = Academy(academy.server, uuid4().hex)
    other.switch(down="refuse")

    applied = apply_settings(other.block())

    assert len(applied.warnings) == 1
    site = Site.objects.get()
    assert (site.url, site.levels, site.levels_read_at, site.state) == (other.url, [], None, SiteState.NEW)


def test_new_credentials_of_a_site_that_is_down_keep_its_levels(academy: Academy):
    apply_settings(academy.block())
    levels = Site.objects.get().levels
    academy.switch(down="refuse")

    apply_settings(academy.block(api_key='"NEWKEY0000"'))

    site = Site.objects.get()
    assert (site.levels, site.state) == (levels, SiteState.NEW)
    assert site.levels_read_at is not None


def test_a_stored_rule_whose_level_the_new_address_does_not_have_is_warned_of(academy: Academy):
    apply_settings(CART + academy.block() + RULE)
    Rule.objects.update(grants=[{"site": "academy", "level": "4711"}])
    other = Academy(academy.server, uuid4().hex)

    applied = apply_settings(other.block())

    assert applied.warnings == ('rule shop product-12 gives level "4711", which academy does not have.',)


def test_an_address_without_encryption_is_warned_of(db):
    site = make_site("academy", url="http://academy.example.com")
    Site.objects.update(allow_private_address=False)

    applied = apply_settings('[[sites]]\nid = "academy"\nconcurrency = 1\n')

    (warning,) = applied.warnings
    assert warning.startswith("line 1, sites[0].url: academy is reached without encryption")
    assert Site.objects.get().levels == site.levels


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('[[carts]]\nid = "new"\nsecret = "x"\n', "carts[0].kind", "is missing Add it; one of: thrivecart."),
        ('[[carts]]\nid = "new"\nkind = "thrivecart"\n', "carts[0].secret", "is missing Add it, like: secret ="),
        ('[[carts]]\nid = "old"\nkind = "thrivecart"\n', "carts[0].kind", '"old" is connected as othercart and cannot'),
        (
            '[[sites]]\nid = "new"\nkind = "memberpress"\napi_key = "x"\n',
            "sites[0].url",
            "is missing Add it, like: url =",
        ),
        (
            '[[sites]]\nid = "new"\nkind = "memberpress"\nurl = "https://x.example"\n',
            "sites[0].api_key",
            "The API key is missing.",
        ),
        (RULE, "rules[0].cart", 'there is no cart "shop" Known: old.'),
        (RULE.replace("shop", "gone"), "rules[0].cart", 'cart "gone" is disconnected Add a [[carts]] block for it'),
    ],
)
def test_what_is_missing_is_told_at_its_place(db, text: str, place: str, words: str):
    make_site("academy")
    make_cart("old", active=True)
    make_cart("gone", active=False)
    Cart.objects.filter(id="old").update(kind="othercart")

    ((_, at, told),) = refused(text)

    assert at == place
    assert words in told


def test_orders_that_came_while_their_mode_was_not_fulfilled_are_told_of_when_it_is(db):
    make_cart(mode="test")
    make_site("academy")
    as_row("shop", rule("product-12", "academy/8")).save()
    buys = line("product-12", paid_minor=100)
    for number, mode in (("7001", Mode.LIVE), ("7002", Mode.LIVE), ("7003", Mode.TEST)):
        deliver(placed("2026-03-10", buys, order_id=number, mode=mode))

    assert apply_settings('[[carts]]\nid = "shop"\nmode = "test"').warnings == ()
    applied = apply_settings('[[carts]]\nid = "shop"\nmode = "both"')

    [warning] = applied.warnings
    assert warning.startswith("cart shop: 2 live orders came while it did not fulfil live orders.")
    assert "guestlist deliveries replay --all --cart shop" in warning
    found = person("nora@buyers.test")
    assert found
    assert [note.partition(":")[0] for note in found.notes] == [
        "Order 7002 of shop gives nothing yet",
        "Order 7001 of shop gives nothing yet",
    ]


def test_levels_that_become_known_release_what_waited_for_them(academy: Academy):
    make_cart()
    make_site("academy", url=academy.url, key=academy.server.key, levels=[], levels_read_at=None)
    as_row("shop", rule("product-12", "academy/9")).save()
    for order in record("shop", [placed("2026-03-10", line("product-12", paid_minor=9900))], 1).orders:
        replan(order)
    assert Grant.objects.get().state == GrantState.BLOCKED

    apply_settings(RULE.replace('"8"', '"9"'))

    assert (Grant.objects.get().state, str(Grant.objects.get().until_on)) == (GrantState.DUE, "2027-03-10")


def test_whether_addresses_follow_at_a_site_is_set_kept_and_returns_to_its_default(academy: Academy):
    apply_settings(CART + academy.block(on_email_change='"follow"') + RULE)
    assert Site.objects.get().on_email_change == "follow"
    epoch = Site.objects.get().epoch

    apply_settings('[[sites]]\nid = "academy"\nconcurrency = 4\n')
    assert Site.objects.get().on_email_change == "follow"

    changed = apply_settings('[[sites]]\nid = "academy"\non_email_change = "leave"\n')
    assert "site academy: changed\n    on_email_change: follow -> leave\n" in changed.as_text()
    assert (Site.objects.get().on_email_change, Site.objects.get().epoch) == ("leave", epoch)

    apply_settings('[[sites]]\nid = "academy"\non_email_change = "follow"\n')
    apply_settings(CART + academy.block() + RULE, prune=True)
    assert Site.objects.get().on_email_change == "leave"


def test_what_is_told_of_the_changes_holds_no_secret(academy: Academy):
    text = CART + 'api_key = "tc-key-1"\n' + academy.block() + RULE + "grace_days = 5\n"
    created = apply_settings(text)
    changed = apply_settings(text.replace("WORDOFTHESHOP", "ANOTHERWORD").replace("grace_days = 5", "grace_days = 6"))

    assert created.as_text() == (
        "cart shop: created\n    kind: thrivecart\n    mode: live\n    secret: set\n    api_key: set\n"
        f"site academy: created\n    kind: memberpress\n    url: {academy.url}\n    api_key: set\n"
        "    concurrency: 2\n    allow_private_address: true\n    on_email_change: leave\n"
        "rule shop product-12: created\n    grants: level 8 of academy\n    grace_days: 5\n"
        f"site academy: {len(Site.objects.get().levels)} levels read\n3 changed, 0 unchanged."
    )
    assert changed.as_text() == (
        "cart shop: changed\n    secret: changed\nrule shop product-12: changed\n    grace_days: 5 -> 6\n"
        "2 changed, 1 unchanged."
    )
    for secret in ("WORDOFTHESHOP", "ANOTHERWORD", "tc-key-1", academy.server.key):
        assert secret not in json.dumps([created.as_dict(), changed.as_dict()]) + created.as_text() + repr(created)


def test_secrets_that_can_no_longer_be_decrypted_can_be_entered_again(
    academy: Academy, monkeypatch: pytest.MonkeyPatch
):
    text = CART + academy.block() + RULE
    apply_settings(text)
    monkeypatch.setenv("GUESTLIST_SECRET_KEY", "another key")

    found = refused('[[carts]]\nid = "shop"\n[[sites]]\nid = "academy"\n')
    assert [place for _, place, _ in found] == ["carts[0].secret", "sites[0].api_key"]
    assert "cannot be decrypted" in found[0][2]

    apply_settings(text)
    assert Cart.objects.get().secret == "WORDOFTHESHOP"
    assert Site.objects.get().credentials == {"api_key": academy.server.key}


@pytest.mark.django_db(transaction=True)
def test_several_at_once_are_applied_one_after_the_other(server: SandboxSite):
    academy = Academy(server, uuid4().hex)
    ready = threading.Barrier(4)
    results: list[Applied] = []

    def apply(number: int) -> None:
        try:
            ready.wait(10)
            own = CART.replace('"shop"', f'"shop-{number}"')
            results.append(apply_settings(CART + academy.block() + RULE + own))
        finally:
            connection.close()

    threads = [threading.Thread(target=apply, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    shared = [whats(applied)["rule shop product-12"] for applied in results]
    assert sorted(shared) == [What.CREATED, What.UNCHANGED, What.UNCHANGED, What.UNCHANGED]
    assert sorted(Cart.objects.values_list("id", flat=True)) == ["shop", "shop-0", "shop-1", "shop-2", "shop-3"]
    assert Rule.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_lane_of_a_site_that_moved_is_kicked_with_the_commit(server: SandboxSite):
    academy = Academy(server, uuid4().hex)
    listening = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: listening[name] for name in names if listening.get(name)}, autocommit=True) as ears:
        ears.execute(f"LISTEN {CHANNEL}")

        apply_settings(CART + academy.block() + RULE)
        apply_settings(academy.block(concurrency="3"))
        apply_settings(academy.block(api_key='"WRONGKEY00"').replace("WRONGKEY00", server.key) + CART)

        assert [note.payload for note in ears.notifies(timeout=0.5)] == ["lane:academy"]
