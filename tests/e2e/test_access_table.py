"""Every row of the access table (design section 4), end to end, judged by the sandbox site's state only.

Each row forwards, each delivery doubled, reversed, and in two seeded shuffles. Forwards and reversed, the site is as it
should be before the next delivery arrives; in the other variants a buyer's deliveries come in a burst. Rows of one or
two deliveries have companions, other orders of the same buyer, so that there always are three other orders.
Where a step is no delivery (staff, the owner at the site, the seller who names an item), the deliveries before and
after it are permuted among themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from e2e import (  # noqa: F401  each enters its rows
    access_rows_bought,
    access_rows_by_hand,
    access_rows_ended,
    access_rows_interrupted,
)
from e2e.access_judge import Judge, expected
from e2e.access_rows import COMPANY, RULES, SEASON, SEASON_ENDS, TABLE
from e2e.access_walk import VARIANTS, Hands, Walk, walks
from e2e.system import System, cart_block, site_block
from embedded_database import VARIABLE, drop_database
from guestlist.sandbox.site.server import SandboxSite
from guestlist.sandbox.site.store import Membership


@pytest.fixture(scope="module")
def site() -> Iterator[SandboxSite]:
    with SandboxSite() as running:
        for name in ("", "club"):
            running.act("POST", f"memberships/{SEASON}", {"expire_fixed": SEASON_ENDS}, name=name)
            store = running.app.site(name).store
            now = store.clock.now()
            store.memberships[COMPANY] = Membership(id=COMPANY, title="Company", price="5.00", created_at=now)
        yield running


@pytest.fixture(scope="module")
def system(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    name = f"table_{uuid4().hex[:12]}"
    server = urlsplit(os.environ[VARIABLE])
    folder: Path = tmp_path_factory.mktemp("table")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GUESTLIST_", "PYTEST_"))}
    env = {
        **inherited,
        "GUESTLIST_HOME": str(folder / "home"),
        "DATABASE_URL": server._replace(path=f"/{name}").geturl(),
        "GUESTLIST_SECRET_KEY": "key of the access table",
    }
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        names = sql.Identifier(name), sql.Identifier(migrated_template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        running = System(env, folder)
        try:
            yield running
        finally:
            running.close()
            drop_database(connection, name)


@pytest.fixture(scope="module")
def walked(request: pytest.FixtureRequest, system: System, site: SandboxSite) -> dict[tuple[str, str], Walk]:
    """Every variant of every row that is to be tested, after all of it has happened."""
    sites = site_block(site) + site_block(site, "club", "/s/club") + 'on_email_change = "follow"\n'
    quick = sites.replace("allow_private", "concurrency = 2\nallow_private")
    system.apply(cart_block() + quick + "".join(RULES))
    system.web()
    system.worker()
    system.worker()
    token = system.command("token", "create", "table").stdout.split()[-1]
    tested = {item.name for item in request.session.items}
    own = test_a_row_of_the_table.__name__
    every = walks({name for name in TABLE if any(f"{own}[{name}-{variant}]" in tested for variant in VARIANTS)})
    Hands(system, site, token).go(every)
    return {(walk.row.name, walk.variant): walk for walk in every}


@pytest.fixture(scope="module")
def judge(walked: dict[tuple[str, str], Walk], site: SandboxSite) -> Judge:
    return Judge(site)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", TABLE)
def test_a_row_of_the_table(name: str, variant: str, walked: dict[tuple[str, str], Walk], judge: Judge, system: System):
    walk = walked[name, variant]

    found = judge.found(walk)

    assert found == expected(walk, found), system.command("members", "show", walk.life.addresses[0]).stdout
