"""Who did what when: each change by staff, by tokens and by the command line, and never a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.test import RequestFactory

import guestlist
from guestlist.accounts import actor, audit
from guestlist.accounts.models import ApiToken, AuditEntry, Kind, User
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart, Site
from guestlist.fulfilment.apply import apply_settings
from guestlist.fulfilment.models import Rule
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db


# What the system itself keeps in the rows, or what follows from a field that is followed.
NOT_FOLLOWED = {
    "connections.Cart": {
        "id",
        "version",
        "created_at",
        "checked_at",
        "previous_secret_encrypted",
        "previous_secret_until",
    },
    "connections.Site": {
        "id",
        "levels",
        "levels_read_at",
        "state",
        "state_since",
        "reason",
        "remedy",
        "help",
        "probe_at",
        "probes",
        "epoch",
        "created_at",
    },
    "fulfilment.Rule": {"id", "cart"},
    "accounts.User": {"id", "last_login", "created_at"},
    "accounts.Invitation": {"id", "digest", "created_by", "created_at"},
    "accounts.ApiToken": {"id", "digest", "created_at", "last_used_at"},
}


@pytest.mark.parametrize("name", audit.TRACKED)
def test_each_field_is_followed_or_left_out_on_purpose(name):
    shown, masked = audit.TRACKED[name]
    fields = {field.name for field in apps.get_model(name)._meta.concrete_fields}

    assert fields - NOT_FOLLOWED[name] == {*shown, *masked}
    assert {field for field in fields if "encrypted" in field or field in ("password", "digest")} <= {
        *masked,
        *NOT_FOLLOWED[name],
    }


def test_what_is_done_is_told_in_words_that_are_translated():
    sources = {path.name: path.read_text() for path in Path(guestlist.__file__).parent.rglob("*.py")}
    assert [name for name, text in sources.items() if re.search(r'\brecord\((request|None), "', text)] == []


def entries(kind: Kind) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind=kind).order_by("id"))


@pytest.fixture
def site() -> Iterator[SandboxSite]:
    with SandboxSite() as running:
        yield running


def make_cart(**fields: object) -> Cart:
    cart = Cart(id="shop", kind="thrivecart", **fields)
    cart.secret = "WORDOFTHECART"
    cart.api_key = "KEYOFTHECART"
    cart.save()
    return cart


def test_a_cart_that_changes_is_told_with_before_and_after():
    cart = make_cart()
    cart.mode = "both"
    cart.save()

    made, changed = entries(Kind.INTEGRATIONS)
    assert (made.action, made.object_repr) == (AuditEntry.Action.CREATE, "shop")
    assert changed.changes == {"mode": ["live", "both"]}


def test_a_secret_that_changes_is_told_without_the_secret():
    cart = make_cart()
    stored = cart.secret_encrypted
    cart.secret = "ANOTHERWORD"
    cart.save()

    entry = entries(Kind.INTEGRATIONS)[-1]
    assert entry.changes == {"secret_encrypted": [audit.HIDDEN, audit.HIDDEN]}
    everything = str(list(AuditEntry.objects.values()))
    for secret in ("WORDOFTHECART", "KEYOFTHECART", "ANOTHERWORD", stored, cart.secret_encrypted):
        assert secret not in everything


def test_credentials_of_a_site_are_hidden_and_its_lane_makes_no_entry():
    site = Site(id="academy", kind="memberpress", url="https://academy.example.com")
    site.credentials = {"api_key": "KEYOFTHESITE"}
    site.save()
    site.epoch += 1
    site.state = "down"
    site.save()

    (made,) = entries(Kind.INTEGRATIONS)
    assert made.changes["credentials_encrypted"] == [audit.HIDDEN, audit.HIDDEN]
    assert "KEYOFTHESITE" not in str(made.changes)
    assert "epoch" not in made.changes
    assert "levels" not in made.changes


def test_a_rule_is_told_when_it_is_made_changed_and_removed():
    rule = Rule(cart=make_cart(), item="product-12", grants=[{"site": "academy", "level": "8"}])
    rule.save()
    rule.grace_days = 5
    rule.save()
    rule.delete()

    made, changed, removed = entries(Kind.RULES)
    assert made.changes["grants"] == [None, [{"site": "academy", "level": "8"}]]
    assert changed.changes == {"grace_days": [3, 5]}
    assert (removed.action, removed.object_repr) == (AuditEntry.Action.DELETE, "shop product-12")


def test_a_person_s_password_is_never_told():
    user = User.objects.create_user("Nora@Example.com", "a long secret password", name="Nora")
    stored = user.password
    user.role = Role.OPERATOR
    user.save()

    made, changed = entries(Kind.STAFF)
    assert made.changes["email"] == [None, "nora@example.com"]
    assert changed.changes == {"role": ["viewer", "operator"]}
    assert stored not in str(made.changes)
    assert "secret" not in str(made.changes)


def test_a_token_is_told_by_its_name_alone():
    ApiToken.objects.create(name="backup", digest="d" * 64)

    (made,) = entries(Kind.TOKENS)
    assert made.changes["name"] == [None, "backup"]
    assert "dddd" not in str(made.changes)


def test_what_a_person_does_in_a_request_is_written_under_their_address():
    user = User.objects.create_user("olive@example.com")
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.5")
    request.user = user
    with actor.acting(request):
        make_cart()

    (entry,) = entries(Kind.INTEGRATIONS)
    assert (entry.by, entry.actor, entry.remote_addr) == ("olive@example.com", user, "203.0.113.5")


def test_what_a_person_did_stays_known_when_the_account_is_gone():
    user = User.objects.create_user("olive@example.com")
    request = RequestFactory().post("/")
    request.user = user
    audit.record(request, "replayed deliveries", count=3)
    user.delete()

    (entry,) = entries(Kind.WORK)
    assert (entry.by, entry.actor, entry.did) == ("olive@example.com", None, "replayed deliveries")
    assert entry.additional_data == {"count": 3}


def test_an_address_that_is_none_is_left_out():
    request = RequestFactory().post("/", REMOTE_ADDR="a proxy's nonsense")
    with actor.acting(request):
        make_cart()

    assert entries(Kind.INTEGRATIONS)[0].remote_addr is None


def test_an_act_names_what_it_was_done_to():
    cart = make_cart()
    with actor.acting(actor.Actor(by="token backup")):
        audit.record(None, "paused the cart", cart, reason="holidays")

    (entry,) = entries(Kind.WORK)
    assert (entry.by, entry.object_repr, entry.object_pk) == ("token backup", "shop", "shop")


def test_settings_applied_from_a_file_are_told_rule_by_rule(site):
    text = f"""
[[carts]]
id = "shop"
kind = "thrivecart"
secret = "WORDOFTHECART"
[[sites]]
id = "academy"
kind = "memberpress"
url = "{site.url}"
api_key = "{site.key}"
allow_private_address = true
[[rules]]
cart = "shop"
item = "product-12"
grants = [ {{ site = "academy", level = "8" }} ]
"""
    with actor.acting(actor.Actor(by=actor.COMMAND_LINE)):
        apply_settings(text)
        apply_settings(text + "grace_days = 9")

    _made, changed = entries(Kind.RULES)
    assert changed.changes == {"grace_days": [3, 9]}
    assert changed.by == "command line"


def test_an_erased_person_s_address_is_in_no_entry_any_more():
    audit.record(None, "gave a level by hand", None, email="Nora@buyers.test", why="nora@buyers.test wrote", level="8")

    audit.erase({"nora@buyers.test"})

    (entry,) = entries(Kind.WORK)
    assert entry.additional_data == {"email": "(erased)", "why": "(erased) wrote", "level": "8"}
