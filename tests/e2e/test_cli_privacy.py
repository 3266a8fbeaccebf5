"""`guestlist members export` and `erase` as processes: what they print, ask, refuse, and leave behind."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.test_cli import document, refused, run, seed

NORA = "nora@buyers.test"
WHY = ["--why", "asked by phone"]
TODAY = datetime.now(UTC).date()
SOLD = f"""
from factories import MONTH, line, placed
stored.open_shop()
item = line("product-12", paid_minor=2900, frequency=MONTH, next_due_at="{TODAY + timedelta(days=30)}")
stored.deliver(placed("{TODAY}", item))
stored.confirm("academy")
stored.confirm("club")
"""


@pytest.fixture
def shop(guestlist_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    seed(guestlist_env, SOLD)
    return guestlist_env


def asked(env: dict[str, str], answer: str) -> subprocess.CompletedProcess[str]:
    return run(env, "members", "erase", NORA, "--access", "keep", *WHY, stdin=answer)


def test_a_person_is_handed_out_and_then_erased_after_it_was_asked(shop):
    told = json.loads(run(shop, "members", "export", NORA.upper()).stdout)
    assert told["customers"][0]["email"].lower() == NORA
    assert told["deliveries"]

    no = asked(shop, "n\n")
    assert no.returncode == 1
    assert f"Addresses: {NORA}" in no.stdout
    assert "1 order stays counted by date" in no.stdout
    assert "This stays at the sites as it is" in no.stdout
    assert run(shop, "members", "show", NORA).returncode == 0

    yes = asked(shop, "y\n")
    assert yes.returncode == 0, yes.stderr
    assert "Erased. 1 order stays counted, of nobody; 2 grants left at the sites." in yes.stdout
    assert "Nothing is known of" in refused(shop, "members", "export", NORA)
    assert "Nobody with this address is known" in refused(
        shop, "members", "erase", NORA, "--access", "end", *WHY, "--yes"
    )


def test_access_that_is_ended_first_is_waited_for_and_can_be_taken_back(shop):
    waits = document(shop, "members", "erase", NORA, "--access", "end", *WHY, "--yes")
    assert waits["erased"] is False
    assert waits["orders"] == 0
    assert "academy has not confirmed everything yet; Guestlist is at it." in waits["waits_for"]
    assert document(shop, "members", "erase", NORA, "--withdraw") == {"withdrawn": True}
    assert "waits to be erased" in refused(shop, "members", "erase", NORA, "--withdraw")

    kept = document(shop, "members", "erase", NORA, "--access", "keep", *WHY, "--yes")
    assert (kept["erased"], kept["orders"], kept["members"], kept["waits_for"]) == (True, 1, 2, [])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--access end or"),
        (["--access", "end", "--withdraw"], "--access end or"),
        (["--access", "end"], "say why"),
    ],
)
def test_what_becomes_of_the_access_and_why_must_be_said(options, words):
    # Wrong usage is told before any database is looked for.
    found = run({"PATH": "", "TERM": "dumb"}, "members", "erase", NORA, *options)
    assert found.returncode == 2
    assert words in found.stderr
