"""Fixtures for tests that start real processes; the database server itself is started in `embedded_database`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from embedded_database import VARIABLE, drop_database


def _url(database: str) -> str:
    return urlsplit(os.environ[VARIABLE])._replace(path=f"/{database}").geturl()


def _run(statement: str, *names: str) -> None:
    with psycopg.connect(_url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _drop(name: str) -> None:
    with psycopg.connect(_url("postgres"), autocommit=True) as connection:
        drop_database(connection, name)


@pytest.fixture(scope="session")
def migrated_template() -> Iterator[str]:
    """The name of a database with all migrations applied, to be copied."""
    name = f"template_{uuid4().hex[:12]}"
    _run("CREATE DATABASE {}", name)
    try:
        subprocess.run(
            [sys.executable, "-c", "from guestlist.engine.boot import boot; boot()"],
            env={**os.environ, "DATABASE_URL": _url(name)},
            check=True,
            timeout=120,
        )
        yield name
    finally:
        _drop(name)


@pytest.fixture
def database_url(migrated_template: str) -> Iterator[str]:
    """A database of its own, migrated and empty, for tests that start processes."""
    name = f"fresh_{uuid4().hex[:12]}"
    _run("CREATE DATABASE {} TEMPLATE {}", name, migrated_template)
    try:
        yield _url(name)
    finally:
        _drop(name)


@pytest.fixture
def guestlist_env(database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment for processes of one Guestlist of its own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "PYTEST_"))}
    return {
        **inherited,
        "GUESTLIST_HOME": str(tmp_path / "home"),
        "DATABASE_URL": database_url,
        "GUESTLIST_SECRET_KEY": "key of this one test",
    }
