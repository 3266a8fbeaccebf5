"""The dashboard without a mouse, on a phone, and in another language and theme."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import people, shop
from browser.addresses import Who
from browser.conftest import Shown
from browser.watched import Watched


@pytest.fixture
def page(shown: Shown, browser: Browser) -> Iterator[Page]:
    context = shown.context(browser, Who.OWNER)
    yield context.new_page()
    context.close()


def test_the_first_key_leads_past_the_menu(page: Page):
    page.goto("/orders")
    page.keyboard.press("Tab")

    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    within = "document.querySelector('main').contains(document.activeElement)"
    assert page.evaluate(within)


def test_whoever_signs_in_needs_no_mouse(shown: Shown, browser: Browser):
    context = people.context(browser, shown.installation.url)
    page = context.new_page()
    page.goto("/account/login?next=/people")
    _tab_to(page, "E-mail address")
    page.keyboard.type(people.OWNER)
    page.keyboard.press("Tab")
    page.keyboard.type(people.PASSWORD)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
    context.close()


def test_a_person_is_found_and_opened_by_keyboard(page: Page):
    page.goto("/people")
    page.get_by_label("E-mail or name").focus()
    page.keyboard.type(shop.SUBSCRIBER)
    page.keyboard.press("Enter")
    found = page.get_by_role("link", name=shop.SUBSCRIBER)
    expect(found).to_have_count(1)
    found.focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=shop.SUBSCRIBER)).to_be_visible()


def test_what_has_the_focus_can_be_seen(page: Page):
    page.goto("/orders")
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        told = page.evaluate(
            """() => {
                const on = document.activeElement, box = on.getBoundingClientRect(), style = getComputedStyle(on);
                const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
                return [on.outerHTML.slice(0, 120), on === document.body || (marked && box.width > 0)];
            }"""
        )
        if not told[1]:
            unseen.append(told[0])

    assert unseen == []


def test_a_phone_opens_the_menu_and_goes_on(page: Page, shown: Shown):
    watched = Watched(page, shown.installation.url)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    expect(page.get_by_role("link", name="Orders", exact=True)).to_be_hidden()

    menu = page.get_by_role("button", name="Menu")
    menu.click()
    expect(menu).to_have_attribute("aria-expanded", "true")
    assert watched.faults() == []
    page.get_by_role("link", name="Orders", exact=True).click()

    expect(page.get_by_role("heading", name="Orders", level=1)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_theme_that_was_chosen_stays(page: Page):
    page.emulate_media(color_scheme="light")
    page.goto("/")
    page.get_by_role("button", name="Light or dark").click()
    chosen = page.locator("html").get_attribute("data-bs-theme")
    page.goto("/help")

    assert chosen == "dark"
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def _tab_to(page: Page, label: str) -> None:
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.get_by_label(label).evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"{label} is not reached with the tab key")
