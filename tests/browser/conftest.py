"""A running Guestlist, and a browser to look at it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from browser import chromium, people, shop
from browser.addresses import Who
from browser.installation import Installation


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = chromium.found()
    assert program is not None, chromium.MISSING
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=chromium.arguments())
        yield browser
        browser.close()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """A new Guestlist that nobody has used yet."""
    with Installation() as installation:
        yield installation


@dataclass(frozen=True)
class Shown:
    """A Guestlist with things to show.

    Attributes:
        states: what the browsers of those who are signed in keep.
        words: what stands for the braces in `addresses.PAGES`.
    """

    installation: Installation
    states: dict[Who, Any]
    words: dict[str, str]

    def context(self, browser: Browser, who: Who) -> BrowserContext:
        """A window of one of them."""
        return people.context(browser, self.installation.url, self.states.get(who))


@pytest.fixture(scope="session")
def shown(browser: Browser) -> Iterator[Shown]:
    with Installation() as installation:
        shop.fill(installation)
        states, invitation = _people(browser, installation)
        yield Shown(installation, states, {**_words(installation), "invitation": invitation})


def _people(browser: Browser, installation: Installation) -> tuple[dict[Who, Any], str]:
    """The owner, a viewer with two-factor sign-in, and the path of an invitation that nobody has used."""
    owners = people.context(browser, installation.url)
    page = owners.new_page()
    people.accept_welcome(page, installation.welcome, people.OWNER, "Olive Hart")
    link = people.invite(page, "Viewer")
    unused = people.invite(page, "Operator")
    people.make_token(page, "reports")

    viewers = people.context(browser, installation.url)
    page = viewers.new_page()
    people.accept_welcome(page, link, people.VIEWER, "Vera Lund")
    people.switch_two_factor_on(page)
    halfway = people.context(browser, installation.url)
    page = halfway.new_page()
    people.sign_in(page, people.VIEWER)
    page.get_by_role("heading", name="Two-factor sign-in").wait_for()
    states = {Who.OWNER: owners, Who.VIEWER: viewers, Who.HALFWAY: halfway}
    kept = {who: each.storage_state() for who, each in states.items()}
    for each in states.values():
        each.close()
    return kept, unused


def _words(installation: Installation) -> dict[str, str]:
    orders = installation.told("orders", "list")
    deliveries = installation.told("deliveries", "list")

    def first(rows: list[dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> str:
        return str(next(row["id"] for row in rows if wanted(row)))

    return {
        "subscriber": shop.SUBSCRIBER,
        "stuck": shop.STUCK,
        "order": first(orders, lambda row: row["email"] == shop.SUBSCRIBER),
        "unmapped": first(orders, lambda row: row["email"] == shop.UNMAPPED),
        "delivery": first(deliveries, lambda row: row["state"] == "done"),
        "unreadable": first(deliveries, lambda row: row["state"] == "unreadable"),
    }
