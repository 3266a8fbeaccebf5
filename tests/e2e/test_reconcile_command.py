"""Reconciling as a seller and as the night would do it: real processes, and somebody at work at the site by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import httpx2
import pytest

from e2e.system import SECRET, System, access, cart_block, rule_block, site_block
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.site.server import SandboxSite

COURSE = Offer(item="product-12", name="Course", price=9900)
RIGHT = {f"buyer{number}@buyers.test": {10: None} for number in range(3)}


@pytest.fixture
def site():
    with SandboxSite() as running:
        yield running


@pytest.fixture
def system(guestlist_env, tmp_path):
    running = System(guestlist_env, tmp_path)
    yield running
    running.close()


def sell(system: System, site: SandboxSite) -> None:
    system.apply(cart_block() + site_block(site) + rule_block("product-12", "academy/10"))
    system.web()
    shop = Shop(SECRET)
    for email in RIGHT:
        assert system.post(shop.order(Buyer(email=email), COURSE).success().as_form()) == 200


def spoil(site: SandboxSite) -> None:
    """What somebody does at the site by hand: delete a transaction, and refund another."""
    first, second, *_ = site.state()["transactions"]
    headers = {"MEMBERPRESS-API-KEY": site.key}
    url = f"{site.url}/wp-json/mp/v1/transactions"
    deleted = httpx2.delete(f"{url}/{first['id']}", headers=headers, trust_env=False)
    refunded = httpx2.put(f"{url}/{second['id']}", json={"status": "refunded"}, headers=headers, trust_env=False)
    assert (deleted.status_code, refunded.status_code) == (200, 200)


@pytest.mark.parametrize("worker_runs", [True, False])
def test_drift_is_told_and_mended_whether_or_not_a_worker_runs(system: System, site: SandboxSite, worker_runs: bool):
    sell(system, site)
    worker = system.worker()
    system.settle()
    if not worker_runs:
        worker.terminate()
        worker.wait(20)
    assert access(site) == RIGHT

    clean = system.command("reconcile")
    assert (clean.returncode, clean.stdout) == (0, "academy: 3 grants compared, nothing differs.\n"), clean.stderr

    spoil(site)
    told = system.command("reconcile", "--site", "academy")
    assert told.returncode == 3, told.stderr
    assert "somebody deleted transaction" in told.stdout
    assert "to refunded at the site" in told.stdout
    assert "guestlist reconcile --fix" in told.stdout
    assert access(site) != RIGHT

    mended = system.command("reconcile", "--fix", timeout=120)
    assert mended.returncode == 3, mended.stderr
    assert mended.stdout.count("Mended.") == 2
    assert access(site) == RIGHT

    assert system.command("reconcile").returncode == 0


def test_a_site_that_cannot_be_read_is_an_error_with_a_reason(system: System, site: SandboxSite):
    system.apply(cart_block() + site_block(site) + rule_block("product-12", "academy/10"))
    site.switch(key="An0therKey")

    done = system.command("reconcile")

    assert done.returncode == 1
    assert "credentials" in done.stdout


def test_an_unknown_site_is_an_error(system: System, site: SandboxSite):
    system.apply(cart_block() + site_block(site))

    done = system.command("reconcile", "--site", "nowhere")

    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "academy" in done.stderr


def test_the_night_finds_drift_by_itself_and_the_status_and_the_api_show_it(system: System, site: SandboxSite):
    # Within the night's three hours, also if the hour ends meanwhile.
    system.env["GUESTLIST_RECONCILE_HOUR"] = str(datetime.now(UTC).hour)
    sell(system, site)
    # The night begins as soon as there is a worker: the site's first reconciliation may find nothing yet.
    system.worker()
    system.settle()
    spoil(site)
    token = system.command("token", "create", "night").stdout.split()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    url = f"{system.url}/api/v1/reconciliations"
    deadline = time.monotonic() + 60
    while not system.json("status")["sites"][0]["check"]:
        assert time.monotonic() < deadline, system.logs()
        time.sleep(0.5)
    asked = httpx2.post(url, json={"site": "academy"}, headers=headers, trust_env=False)
    assert asked.status_code == 200, asked.text

    while True:
        (shown,) = httpx2.get(url, headers=headers, trust_env=False).json()["items"]
        if shown["found"] and shown["state"] == "done":
            break
        assert time.monotonic() < deadline, shown
        if shown["state"] == "done":
            # It was the night's own, begun before there was anything to find.
            httpx2.post(url, json={"site": "academy"}, headers=headers, trust_env=False)
        time.sleep(0.5)

    assert {drift["kind"] for drift in shown["drift"]} == {"gone", "ended"}
    assert "nothing differs" not in system.command("status").stdout
    assert "2 differences" in system.command("status").stdout
    assert access(site) != RIGHT, "the night lists and does not mend"
    refused = httpx2.post(url, json={"site": "nowhere"}, headers=headers, trust_env=False)
    assert refused.status_code == 404


def test_a_wrong_hour_is_said_when_the_worker_starts(system: System):
    system.env["GUESTLIST_RECONCILE_HOUR"] = "late"

    done = system.command("worker")

    assert done.returncode == 1
    assert "GUESTLIST_RECONCILE_HOUR" in done.stderr
