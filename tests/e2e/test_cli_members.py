"""`guestlist members` as staff use it: processes, their output, their errors and their exit codes."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.test_cli import document, refused, run, seed

NORA = "nora@buyers.test"
AT = ["--site", "academy", "--level", "8"]
WHY = ["--why", "a call", "--by", "ada"]
IN_A_YEAR = str(datetime.now(UTC).date() + timedelta(days=365))


@pytest.fixture
def shop(guestlist_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    seed(guestlist_env, "stored.open_shop()\nstored.sell_monthly()\nstored.confirm('academy')")
    return guestlist_env


def test_a_life_by_hand_as_commands(shop):
    given = document(shop, "members", "grant", "Nora@buyers.test", *AT, "--until", IN_A_YEAR, *WHY)
    assert (given["change"]["act"], given["change"]["who"], given["change"]["why"]) == ("grant", "ada", "a call")
    assert given["change"]["until_on"] == IN_A_YEAR
    assert [member["site"] for member in given["person"]["members"]] == ["academy", "club"]

    extended = run(shop, "members", "extend", NORA, *AT, "--forever", "--why", "a gift")
    assert extended.returncode == 0, extended.stderr
    assert f"{NORA} at academy: level 8 Gold monthly extended for ever, by {getpass.getuser()}." in extended.stdout
    assert "Level 8 Gold monthly: for ever, because of 2 live grants; 2 more are over" in extended.stdout

    revoked = run(shop, "members", "revoke", NORA, "--site", "academy", *WHY)
    assert "all levels revoked, by ada" in revoked.stdout
    assert "Level 8 Gold monthly: none: revoked on" in revoked.stdout
    assert document(shop, "members", "hold", NORA, *AT, *WHY)["change"]["in_force"] is True
    shown = run(shop, "members", "show", NORA).stdout
    assert "All levels: what was given up to then revoked on" in shown
    assert "level 8 Gold monthly put on hold, by ada: a call; in force" in shown
    assert "extended by hand on" in shown

    document(shop, "members", "release", NORA, "--site", "academy", *WHY)
    shown = run(shop, "members", "show", NORA).stdout
    assert "Level 8 Gold monthly: for ever, because of 2 live grants; 2 more are over" in shown
    assert "in force" not in shown
    assert document(shop, "members", "try-again", "--site", "academy") == {"members": 0}
    assert run(shop, "members", "try-again").stdout == "Nobody is stuck.\n"


def test_what_cannot_be_done_is_refused_with_the_remedy(shop):
    assert "The sites are: academy, club." in refused(shop, "members", "hold", NORA, "--site", "nowhere", *WHY)
    assert "Name today (UTC)" in refused(shop, "members", "grant", NORA, *AT, "--until", "2020-01-01", *WHY)
    assert "nothing to release" in refused(shop, "members", "release", NORA, *AT, *WHY)
    assert "Look for a slip" in refused(shop, "members", "try-again", "new@buyers.test")
    assert "not yet a member" in refused(shop, "members", "resend-password", NORA, "--site", "club")


@pytest.mark.parametrize(
    "words",
    [
        ["grant", NORA, *AT, *WHY],
        ["grant", NORA, *AT, *WHY, "--until", IN_A_YEAR, "--forever"],
        ["grant", NORA, *AT, *WHY, "--until", "soon"],
        ["grant", NORA, *AT, "--forever"],
        ["grant", NORA, "--site", "academy", "--forever", *WHY],
        ["hold", NORA, *WHY],
        ["revoke", NORA, "--site", "academy"],
        ["resend-password", NORA],
    ],
)
def test_half_a_command_is_wrong_usage(words, guestlist_env):
    done = run(guestlist_env, "members", *words)

    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_how_long_has_to_be_chosen(guestlist_env):
    done = run(guestlist_env, "members", "grant", NORA, *AT, *WHY)

    assert "either --until YYYY-MM-DD or --forever" in done.stderr
