"""Settings > Integrations: connecting proves itself, everything can be changed there, and roles hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

import stored
from db.conftest import make_cart, make_site
from guestlist.access.sitestate import close_sites
from guestlist.accounts import acts
from guestlist.accounts.models import AuditEntry
from guestlist.connections.models import Cart, Site, SiteState
from guestlist.dashboard.integrations.forms import SiteForm
from guestlist.fulfilment.rules import rules_of
from guestlist.inbox.models import Delivery
from guestlist.sandbox.site.server import SandboxSite

pytestmark = pytest.mark.django_db(transaction=True)

AT = "/settings/integrations"


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxSite]:
    with SandboxSite() as site:
        yield site


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    close_sites()


class Shown:
    """A page as it came."""

    def __init__(self, answer: HttpResponse) -> None:
        self.status = answer.status_code
        self.html = answer.content.decode()
        self.location = answer.headers.get("Location", "")
        self.errors = answer.context["form"].errors if answer.context and "form" in answer.context else {}


class Academy:
    """A site of its own on the sandbox server, and the form that connects it."""

    def __init__(self, server: SandboxSite) -> None:
        self.server, self.name = server, uuid4().hex

    def switch(self, **switches: object) -> None:
        self.server.switch(name=self.name, **switches)

    def fields(self, **changed: str) -> dict[str, str]:
        fields = {
            "kind": "memberpress",
            "url": self.server.url_of(self.name),
            "way": "key",
            "api_key": self.server.key,
            "id": "academy",
            "allow_private_address": "on",
            "on_email_change": "leave",
        }
        return {name: value for name, value in (fields | changed).items() if value}

    def by_password(self, user: str, password: str) -> dict[str, str]:
        return self.fields(way="password", api_key="", username=user, application_password=password)


@pytest.fixture
def academy(server: SandboxSite) -> Academy:
    return Academy(server)


def connect_site(owner: Client, fields: dict[str, str]) -> Shown:
    return Shown(owner.post(f"{AT}/connect/site", fields))


def test_a_site_is_connected_with_its_levels(owner: Client, academy: Academy) -> None:
    done = connect_site(owner, academy.fields())
    assert (done.status, done.location) == (303, f"{AT}/sites/academy")
    page = Shown(owner.get(done.location))
    assert "Gold monthly" in page.html
    assert "levels were read from the site" in page.html
    assert academy.server.key not in page.html
    assert Site.objects.get().state == SiteState.OK


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (" academy.test/members ", "https://academy.test/members"),
        ("http://academy.test", "http://academy.test"),
        ("ftp://academy.test", "ftp://academy.test"),  # refused later, with the remedy
    ],
)
def test_an_address_without_its_beginning_is_meant_with_https(academy: Academy, typed: str, meant: str) -> None:
    form = SiteForm(academy.fields(url=typed))
    assert form.is_valid()
    assert form.settings()["url"] == meant


OFF = [{"match": "* /", "kind": "status:403", "times": None}]
GONE = [{"match": "* /", "kind": "status:404", "times": None}]


@pytest.mark.parametrize(
    ("switches", "field", "words", "help_page"),
    [
        ({"key": "AnotherKey"}, "api_key", "refuses the credentials", "wrong-credentials"),
        ({"plugin_active": False}, "url", "Developer Tools", "developer-tools-missing"),
        ({"faults": OFF}, "url", "firewall", "rest-blocked"),
        ({"faults": GONE}, "url", "REST API", "rest-blocked"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_mended_in_the_same_form(
    owner: Client, academy: Academy, switches: dict[str, object], field: str, words: str, help_page: str
) -> None:
    academy.switch(**switches)
    refused = connect_site(owner, academy.fields())
    assert refused.status == 422
    assert list(refused.errors) == [field]
    assert words in refused.html
    assert f"/help/{help_page}" in refused.html
    assert academy.server.url_of(academy.name) in refused.html  # what was entered stays
    assert academy.server.key not in refused.html  # but for secrets
    assert not Site.objects.exists()
    academy.switch(key=academy.server.key, plugin_active=True, faults=[])
    assert connect_site(owner, academy.fields()).status == 303


@pytest.mark.parametrize(
    ("switches", "user", "words", "help_page"),
    [
        ({}, "admin wrong", "refuses the credentials", "wrong-credentials"),
        ({}, "editor", "may not manage members", "user-without-right"),
        ({"strip_authorization": True}, "admin", "removes the header Authorization", "wrong-credentials"),
        ({"application_passwords": False}, "admin", "switched off at the site", "application-passwords-disabled"),
    ],
)
def test_an_application_password_that_does_not_work_says_why(
    owner: Client, academy: Academy, switches: dict[str, object], user: str, words: str, help_page: str
) -> None:
    options = academy.server.options
    passwords = {"admin": options.application_password, "editor": options.editor_password}
    academy.switch(**switches)
    name, _, wrong = user.partition(" ")
    refused = connect_site(owner, academy.by_password(name, wrong or passwords[name]))
    assert (refused.status, list(refused.errors)) == (422, ["application_password"])
    assert words in refused.html
    assert f"/help/{help_page}" in refused.html
    academy.switch(strip_authorization=False, application_passwords=True)
    assert connect_site(owner, academy.by_password("admin", options.application_password)).status == 303


def test_plain_permalinks_are_no_obstacle(owner: Client, academy: Academy) -> None:
    academy.switch(plain_permalinks=True)
    assert connect_site(owner, academy.fields()).status == 303


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"url": "http://127.0.0.1:9"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"allow_private_address": ""}, "url"),
        ({"id": "two words"}, "id"),
        ({"api_key": ""}, "api_key"),
        ({"way": "password"}, "username"),
    ],
)
def test_each_mistake_marks_its_field(owner: Client, academy: Academy, changed: dict[str, str], field: str) -> None:
    refused = connect_site(owner, academy.fields(**changed))
    assert refused.status == 422
    assert field in refused.errors
    assert not Site.objects.exists()


def test_a_name_that_is_taken_changes_nothing_of_the_site_that_has_it(owner: Client, academy: Academy) -> None:
    make_site("academy", url="http://127.0.0.1:9")
    assert "id" in connect_site(owner, academy.fields()).errors
    assert Site.objects.get().url == "http://127.0.0.1:9"


def test_a_dead_credential_is_entered_anew_once_it_works(owner: Client, academy: Academy) -> None:
    connect_site(owner, academy.fields())
    academy.switch(key="FreshKey99")
    refused = owner.post(f"{AT}/sites/academy/way", academy.fields(api_key="StaleKey11"))
    assert refused.status_code == 422
    assert list(refused.context["way_form"].errors) == ["api_key"]
    assert "StaleKey11" not in refused.content.decode()
    assert Site.objects.get().credentials == {"api_key": academy.server.key}
    assert owner.post(f"{AT}/sites/academy/way", academy.fields(api_key="FreshKey99")).status_code == 303
    assert Site.objects.get().credentials == {"api_key": "FreshKey99"}


def test_a_site_that_moved_is_reached_with_the_credentials_it_has(owner: Client, academy: Academy) -> None:
    connect_site(owner, academy.fields())
    moved = academy.fields(way="same", api_key="", url=academy.server.url_of(uuid4().hex))
    gone = owner.post(f"{AT}/sites/academy/way", moved | {"url": "http://127.0.0.1:9"})
    assert (gone.status_code, list(gone.context["way_form"].errors)) == (422, ["url"])
    assert Site.objects.get().url == academy.server.url_of(academy.name)
    assert owner.post(f"{AT}/sites/academy/way", moved).status_code == 303
    site = Site.objects.get()
    assert (site.url, site.credentials) == (moved["url"], {"api_key": academy.server.key})
    assert len(site.levels) > 0


def test_a_site_that_was_not_asked_is_not_said_to_let_anybody_in(owner: Client) -> None:
    make_site("academy", url="http://127.0.0.1:9", state="down", reason="No answer.")
    same = {"way": "same", "url": "http://127.0.0.1:9", "allow_private_address": "on"}
    assert owner.post(f"{AT}/sites/academy/way", same).status_code == 303
    page = Shown(owner.get(f"{AT}/sites/academy"))
    assert "lets Guestlist in" not in page.html
    assert "is asked again now" in page.html


def test_levels_are_read_again_and_what_keeps_them_from_it_is_said(
    operator: Client, owner: Client, academy: Academy
) -> None:
    connect_site(owner, academy.fields())
    Site.objects.update(levels=[])
    operator.post(f"{AT}/sites/academy/levels")
    assert len(Site.objects.get().levels) > 0
    academy.switch(key="AnotherKey")
    operator.post(f"{AT}/sites/academy/levels")
    page = Shown(operator.get(f"{AT}/sites/academy"))
    assert "The levels could not be read" in page.html
    assert "/help/wrong-credentials" in page.html


def test_a_site_that_is_down_can_still_be_changed_and_paused(owner: Client) -> None:
    make_site("academy", state="down", reason="The site does not answer.", remedy="Wait.")
    owner.post(f"{AT}/sites/academy/settings", {"concurrency": "5", "on_email_change": "follow"})
    site = Site.objects.get()
    assert (site.concurrency, site.on_email_change) == (5, "follow")
    owner.post(f"{AT}/sites/academy/pause", {"do": "pause"})
    assert Site.objects.get().paused
    assert "Paused: nothing is changed at the site" in Shown(owner.get(f"{AT}/sites/academy")).html
    owner.post(f"{AT}/sites/academy/pause", {"do": "resume"})
    assert not Site.objects.get().paused


def test_too_many_requests_at_a_time_are_refused_at_that_field(owner: Client) -> None:
    make_site("academy")
    answer = owner.post(f"{AT}/sites/academy/settings", {"concurrency": "99", "on_email_change": "leave"})
    assert answer.status_code == 422
    assert "concurrency" in answer.context["settings_form"].errors


def test_disconnecting_a_site_says_first_what_becomes_of_whom(owner: Client) -> None:
    stored.open_shop()
    stored.sell_monthly()
    page = Shown(owner.get(f"{AT}/sites/club/disconnect"))
    assert "Its 1 member keeps what they have at the site" in page.html
    assert "what 1 item gives" in page.html
    assert "/products/shop/product-12" in page.html
    assert Site.objects.get(pk="club").active
    assert owner.post(f"{AT}/sites/club/disconnect").status_code == 303
    assert not Site.objects.get(pk="club").active
    assert [target.site for rule in rules_of("shop") for target in rule.grants] == ["academy"]
    assert "Connect it again" in Shown(owner.get(AT)).html


# --- carts ----------------------------------------------------------------------------------------------------------

CART = {"kind": "thrivecart", "id": "shop", "secret": "WORDOFTHESHOP", "mode": "live"}


def test_a_cart_is_connected_and_waits_for_its_first_delivery(owner: Client) -> None:
    done = owner.post(f"{AT}/connect/cart", CART)
    assert (done.status_code, done["Location"]) == (303, f"{AT}/carts/shop")
    page = Shown(owner.get(done["Location"]))
    assert "http://testserver/hooks/shop" in page.html
    assert "Waiting for the cart" in page.html
    assert "WORDOFTHESHOP" not in page.html
    Cart.objects.update(checked_at=timezone.now())
    part = Shown(owner.get(f"{AT}/carts/shop/arrivals"))
    assert "The cart has checked the address" in part.html
    assert "hx-get" in part.html
    stored.store()
    part = Shown(owner.get(f"{AT}/carts/shop/arrivals"))
    assert "The cart is connected" in part.html
    assert "hx-get" not in part.html  # nothing more is waited for


@pytest.mark.parametrize(
    ("changed", "field"), [({"id": "my shop"}, "id"), ({"secret": ""}, "secret"), ({"mode": "never"}, "mode")]
)
def test_a_carts_mistakes_mark_their_fields(owner: Client, changed: dict[str, str], field: str) -> None:
    refused = Shown(owner.post(f"{AT}/connect/cart", CART | changed))
    assert (refused.status, list(refused.errors)) == (422, [field])
    assert not Cart.objects.exists()


def test_several_carts_of_one_kind_stand_side_by_side(owner: Client) -> None:
    owner.post(f"{AT}/connect/cart", CART)
    owner.post(f"{AT}/connect/cart", CART | {"id": "second"})
    page = Shown(owner.get(AT))
    assert f"{AT}/carts/shop" in page.html
    assert f"{AT}/carts/second" in page.html
    assert "id" in Shown(owner.post(f"{AT}/connect/cart", CART)).errors


def test_the_secret_is_changed_with_both_valid_for_a_while_or_at_once(owner: Client) -> None:
    make_cart("shop")
    owner.post(f"{AT}/carts/shop/secret", {"secret": "SECONDWORD", "keep": "1h"})
    cart = Cart.objects.get()
    assert (cart.secret, cart.previous_secret) == ("SECONDWORD", "WORDOFTHESHOP")
    assert cart.previous_secret_until is not None
    assert timezone.now() < cart.previous_secret_until < timezone.now() + timedelta(hours=2)
    page = Shown(owner.get(f"{AT}/carts/shop"))
    assert "The former one counts until" in page.html
    owner.post(f"{AT}/carts/shop/secret/former")
    assert Cart.objects.get().previous_secret == ""
    assert AuditEntry.objects.filter(did=acts.FORMER_SECRET_FORGOTTEN, object_repr="shop").count() == 1
    refused = owner.post(f"{AT}/carts/shop/secret", {"secret": "", "keep": "0"})
    assert refused.status_code == 422
    assert Cart.objects.get().secret == "SECONDWORD"


def test_the_mode_is_changed_and_what_came_meanwhile_is_pointed_out(owner: Client) -> None:
    make_cart("shop")
    owner.post(f"{AT}/carts/shop/settings", {"mode": "both"})
    assert Cart.objects.get().mode == "both"


def test_a_disconnected_cart_takes_nothing_and_can_be_connected_again(owner: Client) -> None:
    stored.open_shop()
    stored.sell_monthly()
    page = Shown(owner.get(f"{AT}/carts/shop/disconnect"))
    assert "What 1 item gives is forgotten" in page.html
    assert "/products/shop/product-12" in page.html
    owner.post(f"{AT}/carts/shop/disconnect")
    assert not Cart.objects.get().active
    assert Delivery.objects.exists()
    assert "Connect it again" in Shown(owner.get(f"{AT}/carts/shop")).html
    assert owner.post(f"{AT}/connect/cart", CART).status_code == 303
    assert Cart.objects.get().active


def test_who_is_no_owner_sees_how_things_stand_and_no_form(viewer: Client) -> None:
    stored.open_shop()
    for address in (f"{AT}/carts/shop", f"{AT}/sites/academy", AT):
        page = Shown(viewer.get(address))
        assert page.status == 200
        assert "Disconnect…" not in page.html
        assert "Secret word</h2>" not in page.html
    assert viewer.get(f"{AT}/connect/cart").status_code == 403
    assert viewer.post(f"{AT}/sites/academy/pause").status_code == 403


def test_an_empty_guestlist_says_what_to_connect(owner: Client) -> None:
    page = Shown(owner.get(AT))
    assert "No cart is connected yet" in page.html
    assert "No membership site is connected yet" in page.html


@pytest.mark.parametrize(
    ("state", "words"), [("done", "0 differences"), ("failed", "It was down."), ("reading", "under way")]
)
def test_a_site_says_how_its_latest_check_went(viewer: Client, state: str, words: str) -> None:
    site, now = make_site("academy", state="ok"), timezone.now()
    reason = "It was down." if state == "failed" else ""
    site.reconciliations.create(
        state=state, reason=reason, started_at=now, finished_at=None if state == "reading" else now
    )

    page = viewer.get("/settings/integrations/sites/academy").content.decode()

    said = page.partition("Nightly check")[2].partition("</dd>")[0]
    assert words in said
    assert ("differences" in said) == (state == "done")
    assert 'href="/attention/check/academy"' in said
