"""Each page as a browser shows it: accessible, on a desk and on a phone, light and dark; nobody else is asked."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page, expect

from browser.addresses import NO_PAGES, PAGES, Visit, page_names, visits
from browser.conftest import Shown
from browser.watched import COLOURS, SCREENSHOTS, Watched

MOST_BYTES = 300_000
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
# Colours that are on their way from one theme to the other belong to neither.
_AT_ONCE = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("*, *::before, *::after { transition: none !important; animation: none !important }");
    document.adoptedStyleSheets.push(sheet);
}"""


def test_every_page_has_an_example():
    assert {*PAGES, *NO_PAGES} - {"no such page"} == set(page_names())


@pytest.mark.parametrize("visit", visits(), ids=str)
def test_a_page_is_accessible_small_and_asks_nobody_else(visit: Visit, shown: Shown, browser: Browser):
    context = shown.context(browser, visit.who)
    page = context.new_page()
    watched = Watched(page, shown.installation.url)

    response = page.goto(visit.address.format(**shown.words))
    assert response is not None
    assert response.status == visit.status
    _wait_for_parts(page)
    size = watched.bytes_sent()
    faults = _faults(watched, visit)
    context.close()

    assert not faults
    assert watched.trouble == ([] if visit.status == 200 else [_document_said(visit.status)])
    assert size < MOST_BYTES


def _faults(watched: Watched, visit: Visit) -> dict[str, list[str]]:
    """By size and theme; each is kept as a picture, too."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found = {}
    watched.page.evaluate(_AT_ONCE)
    for size, (width, height) in SIZES.items():
        watched.page.set_viewport_size({"width": width, "height": height})
        for theme in ("light", "dark"):
            watched.page.emulate_media(color_scheme=theme)
            watched.page.screenshot(path=SCREENSHOTS / f"{visit.name}-{size}-{theme}.png", full_page=True)
            if faults := watched.faults(None if theme == "light" else COLOURS):
                found[f"{size} {theme}"] = faults
    return found


def _wait_for_parts(page: Page) -> None:
    """Until what the page fetches by itself is there."""
    expect(page.locator(".htmx-request")).to_have_count(0)


def _document_said(status: int) -> str:
    words = {403: "Forbidden", 404: "Not Found", 410: "Gone"}
    return f"console: Failed to load resource: the server responded with a status of {status} ({words[status]})"
