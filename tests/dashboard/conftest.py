"""Clients of signed-in staff, one for each role."""

from __future__ import annotations

import pytest
from django.test import Client

from guestlist.accounts.models import User
from guestlist.accounts.roles import Role


def signed_in(role: Role) -> Client:
    """A browser in which somebody with this role is signed in."""
    user, _ = User.objects.get_or_create(email=f"{role}@example.com", defaults={"role": role, "name": role.title()})
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    return signed_in(Role.VIEWER)


@pytest.fixture
def operator(db: None) -> Client:
    return signed_in(Role.OPERATOR)


@pytest.fixture
def owner(db: None) -> Client:
    return signed_in(Role.OWNER)
