"""From an empty environment to a process that can work: keys, database, Django, migrations, logging."""

from __future__ import annotations

import atexit
import os
import re
import sys
import threading
from typing import TYPE_CHECKING

from guestlist.accounts.mail_settings import FORM as MAIL_FORM
from guestlist.accounts.mail_settings import MailUrlUnreadable, mail_settings
from guestlist.connections.secrets import configured_keys, derive
from guestlist.engine.errors import StartError
from guestlist.engine.home import home, secret_key
from guestlist.engine.lifeline import watch_parent
from guestlist.engine.logging import configure_logging
from guestlist.engine.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    import psycopg

OLDEST_POSTGRES = 14
# Any number that nothing else in the database uses as an advisory lock: "guestlist" in bytes, cut to 63 bits.
_MIGRATION_LOCK = int.from_bytes(b"guestlist", "big") >> 9
_CONNECT_SECONDS = 10
_FORM = "postgresql://user:password@host:5432/database"

_lock = threading.Lock()
_state = {"environment": False, "migrated": False}


class DatabaseError(StartError):
    """The database behind DATABASE_URL cannot be used."""


def boot(*, migrate: bool = True, log_level: str | None = None) -> None:
    """Make this process ready: environment, embedded PostgreSQL unless DATABASE_URL is set, Django, migrations.

    Calling it again does nothing more.

    Args:
        migrate: apply the migrations that are missing.
        log_level: for commands that are no servers; GUESTLIST_LOG_LEVEL comes first.

    Raises:
        StartError: something is missing or in the way; its words are for the user.
    """
    with _lock:
        if not _state["environment"]:
            watch_parent()
            configure_logging(log_level)
            _set_environment()
            _set_up_django()
            _state["environment"] = True
        if migrate and not _state["migrated"]:
            _migrate()
            _state["migrated"] = True


def main() -> int:
    """Boot and end: what `serve` runs before its children, so that it needs no Django itself."""
    try:
        boot()
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def set_keys() -> None:
    """Put the keys into the environment."""
    if not os.environ.get("GUESTLIST_SECRET_KEY", "").strip():
        os.environ["GUESTLIST_SECRET_KEY"] = secret_key(home())
    os.environ["GUESTLIST_DJANGO_KEY"] = derive(configured_keys()[0], "guestlist django").hex()


def _set_environment() -> None:
    set_keys()
    _refuse_unreadable_mail(os.environ.get("GUESTLIST_EMAIL_URL", "").strip())
    if not os.environ.get("DATABASE_URL", "").strip():
        os.environ["DATABASE_URL"] = EmbeddedPostgres(home()).ensure_running()
    _connect().close()


def _refuse_unreadable_mail(url: str) -> None:
    try:
        mail_settings(url)
    except MailUrlUnreadable as error:
        raise StartError(
            str(error),
            f"Write it as {MAIL_FORM} (or smtps:// or smtp://), with special characters in user and password "
            "percent-encoded (@ is %40, / is %2F).",
        ) from None


def _set_up_django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "guestlist.settings")
    import django

    django.setup()
    # Before the embedded server is released (registered earlier, so called later): its pool would report lost
    # connections at the very end.
    atexit.register(_close_pool)


def _close_pool() -> None:
    from django.db import connection

    connection.close_pool()  # type: ignore[attr-defined]


def _connect() -> psycopg.Connection:
    """A connection of its own to the configured database, whose answers are explained."""
    import psycopg

    url = os.environ["DATABASE_URL"]
    _refuse_unreadable(url)
    try:
        connection = psycopg.connect(url, connect_timeout=_CONNECT_SECONDS, autocommit=True)
    except psycopg.Error as error:
        raise DatabaseError(
            f"The database in DATABASE_URL cannot be used: {str(error).strip()}",
            f"Check that its server runs and that DATABASE_URL ({_FORM}) is right.",
        ) from error
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        found = connection.info.server_version // 10_000
        connection.close()
        raise DatabaseError(
            f"The database in DATABASE_URL is PostgreSQL {found}; Guestlist needs {OLDEST_POSTGRES} or newer.",
            "Upgrade that server, or leave DATABASE_URL empty to use the embedded PostgreSQL.",
        )
    return connection


def _refuse_unreadable(url: str) -> None:
    # libpq quotes the piece it stumbles over, which may be a part of the password ("@" or "/" in it moves everything
    # after); so nothing of such an address is shown.
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except psycopg.ProgrammingError:
        parts = {"host": "@"}
    if "@" in parts.get("host", "") or not re.fullmatch(r"[0-9,]*", parts.get("port", "")):
        raise DatabaseError(
            "DATABASE_URL cannot be read.",
            f"Write it as {_FORM}, with special characters in the password percent-encoded (@ is %40, / is %2F).",
        ) from None


def _migrate() -> None:
    from django.core.management import call_command
    from django.db import Error

    try:
        if not _migrations_missing():
            return
        # Several processes may start at once; the others wait here and then find nothing left to do.
        with _connect() as lock_holder:
            lock_holder.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
            if _migrations_missing():
                call_command("migrate", interactive=False, verbosity=0)
    except Error as error:
        raise DatabaseError(
            f"The tables could not be made: {str(error).strip()}",
            "The user in DATABASE_URL must own the database, or be allowed to create tables in its schema public.",
        ) from error


def _migrations_missing() -> bool:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    finally:
        connection.close()
