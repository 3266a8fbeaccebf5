"""A new user's way through the dashboard: from the first start to a site that broke and was mended.

Everything is found as a person finds it, by what it is called; nothing is done behind the dashboard's back but what
customers, the cart and the site do themselves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from browser import people
from browser.installation import Installation
from browser.watched import SCREENSHOTS, Watched
from guestlist.sandbox.cart import catalogue as sold
from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.sender import send
from guestlist.sandbox.cart.shop import Shop

SECRET = "WORDOFTHESHOP"
LIFETIME, SEASON, SILVER = 10, 11, 9
# A site is asked at once when an order comes; a lane that lost its kick comes round after some seconds.
PATIENCE_MS = 30_000
FIRST = Buyer(email="nora.lind@customers.example", first_name="Nora", last_name="Lind")
SECOND = Buyer(email="ines.marlow@customers.example", first_name="Ines", last_name="Marlow")
THIRD = Buyer(email="omar.haddad@customers.example", first_name="Omar", last_name="Haddad")
LATE = Buyer(email="theo.falk@customers.example", first_name="Theo", last_name="Falk")


@pytest.fixture
def watched(browser: Browser, installation: Installation) -> Iterator[Watched]:
    context = people.context(browser, installation.url)
    watched = Watched(context.new_page(), installation.url)
    yield watched
    # Where it ended, should it have failed.
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    watched.page.screenshot(path=SCREENSHOTS / "walk-end.png", full_page=True)
    context.close()


def test_from_the_first_start_to_a_mended_site(watched: Watched, installation: Installation):
    page, shop = watched.page, Shop(SECRET)

    people.accept_welcome(page, installation.welcome, people.OWNER, "Olive Hart")
    connect_cart(page)
    connect_site(page, installation)

    buy(installation, shop, FIRST, sold.LIBRARY_SEASON, sold.WORKBOOK, sold.MASTERCLASS)
    buy(installation, shop, SECOND, sold.LIBRARY_LIFE)
    see_it_arrive(page, SECOND)
    choose_what_the_library_gives(page)
    choose_what_goes_with_it(page)
    has_access(installation, FIRST, SEASON, SILVER, LIFETIME)
    has_access(installation, SECOND, LIFETIME)

    buy(installation, shop, THIRD, sold.LIBRARY_SEASON, sold.WORKBOOK)
    see_it_fulfilled(page, THIRD)
    has_access(installation, THIRD, SEASON, SILVER)

    installation.site.switch(key=None)
    buy(installation, shop, LATE, sold.LIBRARY_LIFE)
    see_what_is_broken(page)
    has_access(installation, LATE)
    installation.site.switch(key=installation.site.key)
    try_again(page)
    has_access(installation, LATE, LIFETIME)

    revoke_by_hand(page, THIRD)
    has_access(installation, THIRD, SILVER)
    undo(page, THIRD)
    has_access(installation, THIRD, SEASON, SILVER)
    # The form that was refused, once.
    assert [said for said in watched.trouble if "status of 422" not in said] == []


def connect_cart(page: Page) -> None:
    _menu(page, "Integrations")
    page.get_by_role("link", name="Connect a cart").click()
    page.get_by_label("Secret word").fill(SECRET)
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_text("Waiting for the cart…")).to_be_visible()

    # The seller pastes the address into the cart, which looks whether it answers.
    address = page.locator(".copy code").first.inner_text()
    assert httpx2.get(address, trust_env=False).status_code == 200
    expect(page.get_by_text("The cart has checked the address.")).to_be_visible(timeout=PATIENCE_MS)


def connect_site(page: Page, installation: Installation) -> None:
    _menu(page, "Integrations")
    page.get_by_role("link", name="Connect a site").click()
    address, key = page.get_by_role("textbox", name="Address"), page.get_by_role("textbox", name="API key")
    address.fill(installation.site.url)
    page.get_by_label("The site is in my own network").check()
    key.fill("N0TTH3K3Y0")
    page.get_by_role("button", name="Try and connect").click()
    expect(key).to_have_attribute("aria-invalid", "true")
    expect(address).not_to_have_attribute("aria-invalid", "true")

    key.fill(installation.site.key)
    page.get_by_role("button", name="Try and connect").click()
    expect(page.get_by_text("4 levels were read from the site")).to_be_visible()


def buy(installation: Installation, shop: Shop, buyer: Buyer, *offers: Offer) -> None:
    order = shop.order(buyer, *offers)
    assert send(order.success(), f"{installation.url}/hooks/shop").taken


def see_it_arrive(page: Page, buyer: Buyer) -> None:
    """The feed brings what is new by itself."""
    _menu(page, "Activity")
    expect(page.get_by_role("main")).to_contain_text(buyer.email, timeout=PATIENCE_MS)


def choose_what_the_library_gives(page: Page) -> None:
    """Its two pricing options differently; who bought before gets it, too."""
    _menu(page, "Needs attention")
    sold_for_nothing = page.get_by_role("region", name="Sold, but gives nothing yet")
    sold_for_nothing.get_by_role("link", name="Video Library").first.click()
    page.get_by_label("Different per option").check()
    choices = page.get_by_role("form", name="Video Library")
    _part(choices, "This season ($75)").get_by_role("checkbox", name="Season pass").check()
    _part(choices, "For life ($490)").get_by_role("checkbox", name="Lifetime").check()
    choices.get_by_role("button", name="Save", exact=True).click()
    _bring_buyers_in_line(page)


def choose_what_goes_with_it(page: Page) -> None:
    """The bump beside it, and the upsell in its funnel."""
    _menu(page, "Products")
    page.get_by_role("link", name="Video Library").first.click()
    _choose(page, "Printable workbook", "Silver")
    _bring_buyers_in_line(page)
    _menu(page, "Products")
    page.get_by_role("link", name="Video Library").first.click()
    page.get_by_role("link", name="Funnel").click()
    _choose(page, "Masterclass recordings", "Lifetime")
    _bring_buyers_in_line(page)


def _part(choices: Locator, option: str) -> Locator:
    return choices.locator(".option-part").filter(has=choices.page.get_by_role("heading", name=option))


def _choose(page: Page, item: str, level: str) -> None:
    form = page.get_by_role("form", name=item)
    form.get_by_role("checkbox", name=level).check()
    form.get_by_role("button", name="Save", exact=True).click()


def _bring_buyers_in_line(page: Page) -> None:
    expect(page.get_by_text("Not saved yet: this was sold before.")).to_be_visible()
    page.get_by_role("button", name="Save and bring them in line").click()
    expect(page.get_by_text("brought in line").first).to_be_visible(timeout=PATIENCE_MS)


def see_it_fulfilled(page: Page, buyer: Buyer) -> None:
    """In the list of orders, and on the order's own page."""
    _menu(page, "Orders")
    page.get_by_label("E-mail, name, order or invoice number").fill(buyer.email)
    page.get_by_role("button", name="Show").click()
    row = page.get_by_role("row").filter(has_text=buyer.email)
    expect(row).to_contain_text("All right")
    row.get_by_role("link").first.click()
    expect(page.get_by_text("after the order arrived")).to_be_visible()


def see_what_is_broken(page: Page) -> None:
    """On the overview, and with its remedy under Needs attention."""
    _menu(page, "Overview")
    sites = page.get_by_role("region", name="Sites")
    expect(sites).to_contain_text("refuses the credentials", timeout=PATIENCE_MS)
    _menu(page, "Needs attention")
    trouble = page.get_by_role("region", name="Sites")
    expect(trouble).to_contain_text("academy")
    expect(trouble).to_contain_text("1 member waits for it.")
    trouble.get_by_role("link", name="How to mend this").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("refuses the credentials")
    page.go_back()


def try_again(page: Page) -> None:
    page.get_by_role("region", name="Sites").get_by_role("button", name="Try again now").click()
    expect(page.get_by_text("is asked again now")).to_be_visible()


def revoke_by_hand(page: Page, buyer: Buyer) -> None:
    """One level of one person."""
    _open_person(page, buyer)
    _access(page, "Season pass").get_by_role("link", name="Revoke").click()
    page.get_by_label("Why").fill("Asked for it on the phone.")
    page.get_by_role("button", name="Revoke").click()
    # It is said only once the site has confirmed it.
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while "Ended" not in _access(page, "Season pass").inner_text():
        assert time.monotonic() < deadline
        page.reload()


def undo(page: Page, buyer: Buyer) -> None:
    page.get_by_role("link", name="Take it back").click()
    page.get_by_label("Why").fill("A mistake.")
    page.get_by_role("button", name="Take").click()
    expect(_access(page, "Season pass")).not_to_contain_text("Ended")


def _menu(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()


def _open_person(page: Page, buyer: Buyer) -> None:
    _menu(page, "People")
    page.get_by_label("E-mail or name").fill(buyer.email)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name=buyer.email).click()


def _access(page: Page, level: str) -> Locator:
    return page.get_by_role("region", name="academy").locator(".list-group-item").filter(has_text=level).first


def has_access(installation: Installation, buyer: Buyer, *levels: int) -> None:
    """Exactly these levels at the site, once Guestlist has done its work."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while _levels(installation, buyer) != sorted(levels):
        assert time.monotonic() < deadline, _levels(installation, buyer)
        time.sleep(0.2)


def _levels(installation: Installation, buyer: Buyer) -> list[int]:
    members = installation.site.state()["members"]
    return [each["membership"] for member in members if member["email"] == buyer.email for each in member["access"]]
