"""The `guestlist` command as its users run it: a process, with its output, its errors and its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError
from psycopg import sql

from embedded_database import VARIABLE, drop_database
from guestlist.cli.deliveries import State
from guestlist.cli.errors import explain
from guestlist.connections.secrets import SecretUnreadable
from guestlist.inbox.models import DeliveryState

TESTS = Path(__file__).resolve().parents[1]
HISTORY = """
from db.conftest import make_cart
from factories import line, placed
from guestlist.access.models import Member
from guestlist.inbox.models import DeliveryState
stored.open_shop()
make_cart("annex")
order = stored.sell_monthly("7001")
stored.confirm("academy")
stored.note_requests(Member.objects.get(site="academy"), 3)
stored.sell_monthly(str(order.pk), stored.OMAR)
stored.deliver(placed("2026-03-10", line("bump-3", name="\\x1b[31mWorkbook"), order_id="7003", buyer=stored.OMAR))
stored.store(state=DeliveryState.UNREADABLE, summary="order.charges: it names no item", remedy="Report it.")
"""


def seed(env: dict[str, str], history: str) -> None:
    """Store something, in a process of its own: this one works on another database."""
    program = f"from guestlist.engine.boot import boot\nboot()\nimport stored\n{history}"
    subprocess.run([sys.executable, "-c", program], env={**env, "PYTHONPATH": str(TESTS)}, check=True, timeout=120)


def run(env: dict[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "guestlist", *arguments],
        env=env,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def document(env: dict[str, str], *arguments: str, stdin: str = "") -> Any:
    """What a command prints with --json, which must be all that it prints."""
    done = run(env, *arguments, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(env: dict[str, str], *arguments: str, stdin: str = "") -> str:
    """The words of an error that is the user's to mend: on stderr only, exit code 1, no traceback."""
    done = run(env, *arguments, stdin=stdin)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("guestlist: ")
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def shop(migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a Guestlist with some history. The tests that use it only look."""
    name = f"shop_{uuid4().hex[:12]}"
    server = os.environ[VARIABLE]
    with psycopg.connect(urlsplit(server)._replace(path="/postgres").geturl(), autocommit=True) as connection:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Identifier(migrated_template)))
        env = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("GUESTLIST_", "PYTEST_"))},
            "GUESTLIST_HOME": str(tmp_path_factory.mktemp("home")),
            "GUESTLIST_SECRET_KEY": "key of the shop",
            "DATABASE_URL": urlsplit(server)._replace(path=f"/{name}").geturl(),
        }
        try:
            seed(env, HISTORY)
            yield env
        finally:
            drop_database(connection, name)


# --- help and usage ---------------------------------------------------------------------------------------------


def test_help_needs_neither_a_database_nor_a_home(tmp_path):
    env = {
        "PATH": os.environ["PATH"],
        "GUESTLIST_HOME": str(tmp_path / "home"),
        "DATABASE_URL": "postgresql://nowhere:1/x",
    }

    for arguments in (["--help"], ["orders", "list", "--help"], ["apply", "-h"]):
        done = run(env, *arguments)
        assert done.returncode == 0
        assert done.stdout.startswith("Usage: ")
    assert not (tmp_path / "home").exists()


def test_the_version_is_told(tmp_path):
    done = run({"PATH": os.environ["PATH"]}, "--version")

    assert done.stdout.startswith("guestlist 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["orders"],
        ["orders", "show"],
        ["orders", "list", "--limit", "0"],
        ["orders", "list", "--limti", "3"],
        ["deliveries", "show", "one"],
        ["deliveries", "list", "--state", "odd"],
        ["wait", "--timeout", "-1"],
        ["serve", "--port", "65536"],
    ],
)
def test_wrong_usage_ends_with_2_and_prints_nothing_to_stdout_but_help(arguments):
    done = run({"PATH": os.environ["PATH"]}, *arguments)

    assert done.returncode == 2
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# --- errors that are the user's to mend -------------------------------------------------------------------------


def test_a_database_that_cannot_be_reached_is_told_without_its_password(tmp_path):
    env = {
        "PATH": os.environ["PATH"],
        "GUESTLIST_HOME": str(tmp_path),
        "DATABASE_URL": "postgresql://user:TOPSECRET@127.0.0.1:1/x",
    }

    words = refused(env, "status")

    assert "DATABASE_URL" in words
    assert "TOPSECRET" not in words


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SecretUnreadable(), "GUESTLIST_SECRET_KEY"),
        (OperationalError("server closed the connection unexpectedly\n"), "server closed the connection unexpectedly"),
        (ValueError("a mistake of ours"), None),
    ],
)
def test_errors_that_are_the_users_to_mend_are_told_and_mistakes_of_ours_are_not_hidden(error, told):
    words = explain(error)

    assert words is None if told is None else told in str(words)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["orders", "show", "nothing"], 'There is no order "nothing".'),
        (["members", "show", "nobody@buyers.test"], "nobody@buyers.test"),
        (["deliveries", "show", "999999"], "There is no delivery 999999."),
        (["deliveries", "replay", "1", "999998", "999999"], "There are no deliveries 999998, 999999."),
        (["token", "revoke", "nothing"], 'There is no token named "nothing".'),
        (["apply", "nowhere.toml"], "nowhere.toml cannot be read"),
        (["simulate", "nowhere.form"], "nowhere.form cannot be read"),
        (["simulate", "-", "--cart", "nowhere"], 'There is no cart "nowhere".'),
        (["simulate", "-"], "Use --cart with one of: annex, shop."),
    ],
)
def test_what_does_not_exist_is_told_in_words(shop, arguments, told):
    assert told in refused(shop, *arguments)


def test_a_delivery_that_cannot_be_understood_is_told_with_its_field(shop):
    words = refused(shop, "simulate", "-", "--cart", "shop", stdin="event=order.success&mode=live&order_id=1")

    assert "Traceback" not in words
    assert ": " in words.removeprefix("guestlist: ")


def test_settings_that_are_no_text_are_told_with_their_line(shop, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_bytes(b"# fine\nid = '\xff'\n")

    assert "line 2" in refused(shop, "apply", str(file))


# --- looking ----------------------------------------------------------------------------------------------------


def test_status_shows_how_everything_stands(shop):
    found = document(shop, "status")

    assert found["deliveries"] == {"waiting": 0, "unreadable": 1, "failed": 0}
    assert found["members"]["waiting"] == 3
    assert [site["id"] for site in found["sites"]] == ["academy", "club"]
    assert [item["item"] for item in found["unmapped"]] == ["bump-3"]
    text = run(shop, "status").stdout
    assert "1 unreadable" in text
    assert "/hooks/shop" in text
    assert "Sold, but no rule names it" in text


def test_orders_are_listed_and_shown(shop):
    listed = document(shop, "orders", "list")
    assert [order["number"] for order in listed][::2] == ["7003", "7001"]
    first = listed[-1]
    assert [order["number"] for order in document(shop, "orders", "list", "--email", "NORA@buyers.test")] == ["7001"]
    assert len(document(shop, "orders", "list", "--limit", "1")) == 1
    assert document(shop, "orders", "list", "--cart", "annex") == []

    shown = document(shop, "orders", "show", "7001")
    assert shown["order"]["id"] == first["id"]
    assert shown["grants"][0]["until_on"] == "2026-04-13"
    text = run(shop, "orders", "show", "7001").stdout
    assert "29.00 USD paid again for product-12" in text
    assert "academy, level 8 Gold monthly: over since 2026-04-13; the site has it so" in text


def test_an_order_number_that_is_also_an_id_asks_which(shop):
    first = document(shop, "orders", "show", "7001")["order"]["id"]

    words = refused(shop, "orders", "show", str(first))

    assert f"id:{first} = order 7001" in words
    assert document(shop, "orders", "show", f"id:{first}")["order"]["number"] == "7001"


def test_a_member_is_shown_with_what_they_have_and_why(shop):
    shown = document(shop, "members", "show", "NORA@BUYERS.TEST")
    assert [member["site"] for member in shown["members"]] == ["academy", "club"]
    assert len(shown["members"][0]["requests"]) == 3

    text = run(shop, "members", "show", "nora@buyers.test").stdout
    assert "Site academy: member 41; as desired" in text
    assert "access until the next payment is due on 2026-05-10" in text
    assert "GET /wp-json/mp/v1/members?page=2" in text
    assert "7001" in text


def test_deliveries_are_listed_and_shown(shop):
    (row,) = document(shop, "deliveries", "list", "--state", "unreadable")
    shown = document(shop, "deliveries", "show", str(row["id"]))

    assert shown["delivery"]["remedy"] == "Report it."
    text = run(shop, "deliveries", "show", str(row["id"])).stdout
    assert "What to do: Report it." in text
    assert "customer.email     nora@buyers.test" in text


def test_a_table_has_one_line_per_row_without_a_terminal_and_nothing_steers_one(shop):
    lines = run(shop, "orders", "list").stdout.splitlines()

    assert len(lines) == 4
    assert lines[0].split() == ["id", "number", "cart", "mode", "placed", "customer", "items"]
    assert "Workbook" in lines[1]
    assert "\x1b" not in "".join(lines)


def test_the_states_of_a_delivery_are_known_without_a_database():
    assert [state.value for state in State] == [state.value for state in DeliveryState]


# --- changing ---------------------------------------------------------------------------------------------------


def test_an_owner_link_is_printed_alone_and_begins_with_the_public_address(guestlist_env):
    made = document({**guestlist_env, "GUESTLIST_PUBLIC_URL": "https://guests.example.com"}, "owner-link")
    assert made["link"].startswith("https://guests.example.com/account/welcome/")

    printed = run(guestlist_env, "owner-link", "--port", "8123").stdout
    assert printed.startswith("http://127.0.0.1:8123/account/welcome/")
    assert printed.count("\n") == 1


def test_what_the_command_line_does_is_in_the_audit_log(guestlist_env):
    run(guestlist_env, "deliveries", "replay", "--all")
    run(guestlist_env, "token", "create", "backup")

    with psycopg.connect(guestlist_env["DATABASE_URL"]) as connection:
        found = connection.execute("SELECT by, kind, did, object_repr FROM accounts_auditentry ORDER BY id").fetchall()
    assert found == [
        ("command line", "work", "had deliveries read again", ""),
        ("command line", "tokens", "", "backup"),
    ]


def test_a_mail_server_that_cannot_be_read_is_told_before_anything_starts(guestlist_env):
    told = refused({**guestlist_env, "GUESTLIST_EMAIL_URL": "mail.example.com:secret"}, "status")

    assert "GUESTLIST_EMAIL_URL cannot be read" in told
    assert "smtp+tls://" in told
    assert "secret" not in told


def test_a_token_is_made_once_listed_and_revoked(guestlist_env):
    made = document(guestlist_env, "token", "create", "backup")
    assert made["name"] == "backup"
    assert len(made["token"]) > 30
    assert "already" in refused(guestlist_env, "token", "create", "backup")
    listed = run(guestlist_env, "token", "list").stdout
    assert "backup" in listed
    assert made["token"] not in listed
    assert document(guestlist_env, "token", "revoke", "backup") == {"revoked": "backup"}
    assert document(guestlist_env, "token", "list") == []
    # Without --json the token stands alone, for TOKEN=$(guestlist token create NAME).
    assert run(guestlist_env, "token", "create", "backup").stdout.strip().startswith("gl_")


SETTINGS = """
[[carts]]
id = "shop"
kind = "thrivecart"
secret = "WORDOFTHESHOP"
"""


def test_settings_are_applied_from_standard_input_and_exported(guestlist_env):
    tried = document(guestlist_env, "apply", "-", "--dry-run", stdin=SETTINGS)
    assert tried["dry_run"] is True
    assert document(guestlist_env, "export") == {}
    assert "cart shop: created" in run(guestlist_env, "apply", "-", stdin=SETTINGS).stdout
    exported = run(guestlist_env, "export").stdout
    assert 'id = "shop"' in exported
    assert "WORDOFTHESHOP" not in exported
    assert document(guestlist_env, "export")["carts"][0]["id"] == "shop"
    words = refused(guestlist_env, "apply", "-", stdin=SETTINGS.replace("kind", "kidn"))
    assert "standard input" in words
    assert "line 4" in words


def test_a_delivery_is_replayed_and_waited_for(guestlist_env):
    seed(guestlist_env, "stored.open_shop(); stored.store(state='failed')")
    assert run(guestlist_env, "wait", "--timeout", "0").returncode == 0

    assert document(guestlist_env, "deliveries", "replay", "1") == {"replayed": 1}

    words = refused(guestlist_env, "wait", "--timeout", "0.3")
    assert "still open after 0.3 s: 1 delivery not interpreted" in words
    worker = subprocess.Popen(
        [sys.executable, "-m", "guestlist", "worker"], env=guestlist_env, stderr=subprocess.DEVNULL
    )
    try:
        done = run(guestlist_env, "wait", "--timeout", "60")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_waiting_is_ended_by_ctrl_c_without_a_traceback(guestlist_env):
    seed(guestlist_env, "stored.open_shop(); stored.store()")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "guestlist", "wait"], env=guestlist_env, stderr=subprocess.PIPE, text=True
    )
    at_work = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%access_member%%'"
    with psycopg.connect(guestlist_env["DATABASE_URL"], autocommit=True) as watcher:
        while watcher.execute(at_work + " AND pid <> pg_backend_pid()").fetchone() is None:
            assert waiting.poll() is None
            time.sleep(0.05)
    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=30)

    assert waiting.returncode == 130
    assert "Traceback" not in errors


# --- the sandbox ------------------------------------------------------------------------------------------------


def test_the_sandbox_site_prints_where_it_is_and_takes_its_key(tmp_path):
    site = subprocess.Popen(
        [sys.executable, "-m", "guestlist", "sandbox", "site", "--port", "0", "--key", "TESTKEY123"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert site.stdout is not None
        assert "http://127.0.0.1:" in site.stdout.readline()
        assert "TESTKEY123" in site.stdout.readline()
    finally:
        site.send_signal(signal.SIGINT)
        site.communicate(timeout=30)
    assert site.returncode in (0, 130, -signal.SIGINT)


def test_the_sandbox_cart_says_when_its_delivery_was_not_taken():
    done = run(dict(os.environ), "sandbox", "cart", "--to", "http://127.0.0.1:1/hooks/shop", "--secret", "X")

    assert done.returncode == 1
    assert "order.success" in done.stdout
    assert "Traceback" not in done.stderr
