"""One embedded PostgreSQL for the test run; loaded with `-p`, because pytest-django reads the settings very early.

GUESTLIST_TEST_DATABASE_URL (a role that may create databases) runs the tests on another server instead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from guestlist.engine.postgres import EmbeddedPostgres

VARIABLE = "GUESTLIST_TEST_DATABASE_URL"


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Drop a database with whoever is still connected to it. The connection is to another one, with autocommit."""
    # WITH (FORCE) refuses while autovacuum, which runs as the superuser, is at work there; a plain DROP ends that.
    database = sql.Identifier(name)
    connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(database))
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = current_user", [name]
    )
    connection.execute(sql.SQL("DROP DATABASE {}").format(database))


def _start() -> None:
    if VARIABLE in os.environ:  # another server, or the one that the first process of a parallel run has started
        return
    home = Path(tempfile.mkdtemp(prefix="guestlist-tests-"))
    # For root the server is another account, which must pass through.
    home.chmod(0o711)
    server = EmbeddedPostgres(home)
    os.environ[VARIABLE] = server.ensure_running()

    import atexit

    def end() -> None:
        server.release()
        shutil.rmtree(home)

    atexit.unregister(server.release)
    atexit.register(end)


_start()
os.environ["DATABASE_URL"] = os.environ[VARIABLE]
os.environ["GUESTLIST_SECRET_KEY"] = "key of the test run"
