"""Roles hold at every page: nobody sees or does what their role does not allow.

The pages are taken from the routes themselves, so one that is added is tested too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import get_converters

from guestlist.accounts.models import User
from guestlist.accounts.roles import Role

pytestmark = pytest.mark.django_db

# Whoever is not signed in may open these; all other pages say who may.
PUBLIC = {"account_welcome", "set_language", "favicon", "metrics"}
# django-allauth's, which decide for themselves; those in SIGNED_IN want a signed-in person of any role.
ALLAUTH = {
    "account_login",
    "account_logout",
    "account_inactive",
    "account_signup",
    "account_email",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
    "mfa_authenticate",
}
SIGNED_IN = {
    "account_reauthenticate",
    "account_change_password",
    "account_set_password",
    "mfa_index",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_download_recovery_codes",
    "usersessions_list",
}
EXAMPLES = {
    "int": "1",
    "slug": "example",
    "str": "example",
    "uuid": "00000000-0000-0000-0000-000000000001",
    "path": "a/b",
}


@dataclass(frozen=True)
class Page:
    """A route with an address that leads there."""

    name: str
    address: str
    view: Callable[..., Any] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def see(self) -> Role | None:
        return getattr(self.view, "see", None)

    @property
    def change(self) -> Role | None:
        return getattr(self.view, "change", None)


def pages() -> Iterator[Page]:
    yield from _beneath(get_resolver().url_patterns, "", "")


def _beneath(patterns: list[URLPattern | URLResolver], address: str, namespace: str) -> Iterator[Page]:
    for each in patterns:
        here = address + _example(each)
        if here.startswith("api/"):
            continue  # test_roles_of_operations
        if isinstance(each, URLResolver):
            inner = f"{namespace}{each.namespace}:" if each.namespace else namespace
            yield from _beneath(each.url_patterns, here, inner)
        else:
            yield Page(f"{namespace}{each.name}", f"/{here}", each.callback)


def _example(each: URLPattern | URLResolver) -> str:
    route = str(each.pattern)
    if route.startswith("^"):
        assert each.name == "account_reset_password_from_key", f"{route}: write an example for it"
        return "password/reset/key/1-key"
    kinds = {type(converter): name for name, converter in get_converters().items()}
    for name, converter in each.pattern.converters.items():
        kind = kinds[type(converter)]
        for written in (f"<{kind}:{name}>", f"<{name}>"):
            route = route.replace(written, EXAMPLES.get(kind, "example"))
    assert "<" not in route, f"{route}: an example is missing"
    return route


PAGES = list(pages())
GUARDED = [page for page in PAGES if page.see is not None]


def client_of(role: Role) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_user(f"{role}@example.com", role=role))
    return client


def is_sent_to_sign_in(response: Any) -> bool:
    return response.status_code in (302, 303) and response["Location"].startswith("/account/login")


def test_every_page_says_who_may_open_it():
    assert {page.name for page in PAGES if page.see is None} == PUBLIC | ALLAUTH | SIGNED_IN


def test_no_name_stands_for_two_pages():
    names = [page.name for page in PAGES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("page", GUARDED, ids=str)
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_is_not_signed_in_is_sent_to_sign_in(page, method):
    response = getattr(Client(), method)(page.address)

    if method == "post" and page.change is None:
        assert response.status_code == 405
    else:
        assert is_sent_to_sign_in(response)


@pytest.mark.parametrize("page", GUARDED, ids=str)
@pytest.mark.parametrize("role", Role, ids=str)
def test_a_page_is_seen_by_its_role_and_those_above(page, role):
    response = client_of(role).get(page.address)

    assert (response.status_code == 403) is not role.allows(page.see)
    assert not is_sent_to_sign_in(response)


@pytest.mark.parametrize("page", [page for page in GUARDED if page.change is not None], ids=str)
@pytest.mark.parametrize("role", Role, ids=str)
def test_a_change_is_made_by_its_role_and_those_above(page, role):
    response = client_of(role).post(page.address)

    assert (response.status_code == 403) is not role.allows(page.change)
    assert not is_sent_to_sign_in(response)


@pytest.mark.parametrize("page", [page for page in GUARDED if page.change is None], ids=str)
def test_a_page_that_changes_nothing_takes_no_post(page):
    assert client_of(Role.OWNER).post(page.address).status_code == 405


@pytest.mark.parametrize("page", [page for page in PAGES if page.name in SIGNED_IN], ids=str)
@pytest.mark.parametrize("method", ["get", "post"])
def test_one_s_own_account_is_open_to_whoever_is_signed_in_alone(page, method):
    assert is_sent_to_sign_in(getattr(Client(), method)(page.address))
    for role in Role:
        response = getattr(client_of(role), method)(page.address)
        assert response.status_code != 403 or page.name.endswith("reauthenticate")
        assert not is_sent_to_sign_in(response)


def test_staff_settings_tokens_and_the_log_are_the_owner_s():
    owners = {page.name for page in GUARDED if page.see == Role.OWNER}

    assert {page.name for page in GUARDED if page.name.startswith("staff:")} <= owners


def test_a_viewer_changes_nothing_but_their_own_account():
    # The simulator and a rule's examples only tell what would be.
    allowed = {"account_profile", "simulator:show", "products:outlook"}
    assert {page.name for page in GUARDED if page.change == Role.VIEWER} == allowed


@pytest.mark.parametrize("page", GUARDED, ids=str)
def test_who_may_change_may_also_see(page):
    assert page.change is None or page.change.allows(page.see)
