"""One web process with an empty database for the tests of a module that speak HTTP to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from embedded_database import drop_database
from web.running_door import RunningDoor


@pytest.fixture(scope="module")
def door(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    folder = tmp_path_factory.mktemp("door")
    server = os.environ["GUESTLIST_TEST_DATABASE_URL"]
    name = f"door_{uuid4().hex[:12]}"
    with psycopg.connect(urlsplit(server)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(migrated_template))
        )
        running = RunningDoor(door_env(urlsplit(server)._replace(path=f"/{name}").geturl(), folder), folder)
        try:
            yield running
        finally:
            running.close()
            drop_database(connection, name)


def door_env(database_url: str, folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "PYTEST_"))}
    # The key of this process: the tests encrypt the carts' secrets themselves.
    key = os.environ["GUESTLIST_SECRET_KEY"]
    return {**inherited, "GUESTLIST_HOME": str(folder), "DATABASE_URL": database_url, "GUESTLIST_SECRET_KEY": key}
