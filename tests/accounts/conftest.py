"""People of each role, signed in, and a clean throttle."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from guestlist.accounts.models import User
from guestlist.accounts.roles import Role

PASSWORD = "a password of nobody"


@pytest.fixture(autouse=True)
def no_tries_yet(request: pytest.FixtureRequest) -> None:
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("db")
        cache.clear()


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    def make(role: Role = Role.VIEWER, email: str = "", password: str | None = None, **fields: object) -> User:
        return User.objects.create_user(email or f"{role}@example.com", password, role=role, **fields)

    return make


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    return make_user(Role.OWNER, name="Olive")


@pytest.fixture
def as_owner(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client
