"""Aligning, listing what is unmapped, and replaying, as commands."""

from __future__ import annotations

import pytest

from e2e.test_cli import document, refused, run, seed

HISTORY = """
from datetime import date
from factories import line, placed, rule
from guestlist.domain.facts import Buyer
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.rules import as_row
from guestlist.inbox.models import Delivery
stored.open_shop()
stored.sell_monthly("7001")
for number in range(3):
    buyer = Buyer(f"buyer{number}@buyers.test", str(number))
    stored.deliver(placed("2026-03-10", line("bump-3", name="Workbook"), order_id=f"800{number}", buyer=buyer))
stored.deliver(placed("2026-03-10", line("bump-4", name="Poster"), order_id="8009", buyer=stored.OMAR))
as_row("shop", rule("bump-3", "club/10")).save()
Rule.objects.filter(item="product-12").delete()
Delivery.objects.filter(order_id=1).update(received_at="2026-03-10T05:00:00Z")
"""

SETTINGS = """
[[rules]]
cart = "shop"
item = "bump-4"
grants = [ { site = "club", level = "10" } ]
"""


def test_past_sales_are_shown_first_and_aligned_then(guestlist_env):
    seed(guestlist_env, HISTORY)

    text = run(guestlist_env, "unmapped").stdout
    assert 'Add a [[rules]] block with cart = "shop", item = "bump-4"' in text
    assert "A rule names it by now" in text
    found = document(guestlist_env, "unmapped")
    assert {(sale["item"], sale["orders"], sale["mapped"]) for sale in found} == {
        ("bump-3", 3, True),
        ("bump-4", 1, False),
    }

    shown = run(guestlist_env, "align")
    assert shown.returncode == 0
    assert "buyer0@buyers.test gains level 10 at club for ever" in shown.stdout
    assert shown.stdout.endswith("Nothing was changed. To do it: guestlist align --yes\n")
    assert document(guestlist_env, "align", "--item", "bump-3")["gains"] == 3

    done = document(guestlist_env, "align", "--yes", "--cart", "shop", "--item", "bump-3")
    assert (done["done"], done["gains"], done["left"]) == (True, 3, 0)
    assert run(guestlist_env, "align", "--yes", "--item", "bump-3").stdout.startswith("Nothing to align")
    assert document(guestlist_env, "align")["outdated"][0]["cause"] == "removed"

    told = run(guestlist_env, "apply", "-", "--dry-run", stdin=SETTINGS).stdout
    assert "bump-4 of cart shop: 1 charge from before a rule named it" in told
    assert "whose rule was removed: what they give would end" in told
    assert "After applying it, `guestlist align` shows who would gain or lose what" in told
    applied = document(guestlist_env, "apply", "-", stdin=SETTINGS)
    assert {(entry["item"], entry["cause"]) for entry in applied["align"]["outdated"]} == {
        ("bump-4", "mapped"),
        ("product-12", "removed"),
    }
    assert [sale["item"] for sale in applied["unmapped"]] == []

    assert 'There is no cart "nowhere".' in refused(guestlist_env, "align", "--cart", "nowhere")
    assert 'There is no cart "nowhere".' in refused(guestlist_env, "orders", "list", "--cart", "nowhere")
    assert document(guestlist_env, "deliveries", "replay", "--all") == {"replayed": 6}
    assert document(guestlist_env, "deliveries", "replay", "--day", "2026-03-10", "--cart", "shop") == {"replayed": 2}
    assert document(guestlist_env, "deliveries", "replay", "--day", "2020-01-01") == {"replayed": 0}
    assert 'There is no cart "nowhere".' in refused(guestlist_env, "deliveries", "replay", "--all", "--cart", "nowhere")


@pytest.mark.parametrize(
    "arguments",
    [
        ["align", "--item", "12"],
        ["align", "--item", "product_12"],
        ["deliveries", "replay"],
        ["deliveries", "replay", "1", "--all"],
        ["deliveries", "replay", "--all", "--day", "2026-03-10"],
        ["deliveries", "replay", "1", "--day", "2026-03-10"],
        ["deliveries", "replay", "1", "--cart", "shop"],
        ["deliveries", "replay", "--cart", "shop"],
        ["deliveries", "replay", "--day", "10.3.2026"],
    ],
)
def test_wrong_usage_ends_with_2(arguments, tmp_path):
    done = run({"PATH": "/usr/bin", "GUESTLIST_HOME": str(tmp_path / "home")}, *arguments)

    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "home").exists()
