"""One embedded PostgreSQL for the test run; loaded with `-p`, because pytest-django reads the settings very early.

GUESTLIST_TEST_DATABASE_URL (a role that may create databases) runs the tests on another server instead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from guestlist.engine.postgres import EmbeddedPostgres

VARIABLE = "GUESTLIST_TEST_DATABASE_URL"


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
