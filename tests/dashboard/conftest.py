"""Clients of signed-in staff, one for each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import translation

from guestlist.accounts.models import User
from guestlist.accounts.roles import Role


def signed_in(role: Role) -> Client:
    """A browser in which somebody with this role is signed in."""
    user, _ = User.objects.get_or_create(email=f"{role}@example.com", defaults={"role": role, "name": role.title()})
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture(autouse=True)
def _language_of_each_test() -> Iterator[None]:
    """A page asked for in German leaves it active in the process."""
    yield
    translation.deactivate()


@pytest.fixture
def viewer(db: None) -> Client:
    return signed_in(Role.VIEWER)


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def owner(db: None) -> Client:
    return signed_in(Role.OWNER)
