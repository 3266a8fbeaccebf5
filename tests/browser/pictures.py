"""The pictures of the README, of a shop where everything is well: `python -m browser.pictures`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from browser import chromium, people, shop
from browser.installation import Installation

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 800}
PAGES = {
    "overview": "/",
    "product": "/products/shop/product-101",
    "person": "/people/show?email=paula%2Bart@customers.example",
}
MOST_BYTES = 150_000


def main() -> None:
    """Write them."""
    with Installation() as installation, sync_playwright() as playwright:
        shop.sell(installation)
        browser = playwright.chromium.launch(executable_path=chromium.found(), args=chromium.arguments())
        context = people.context(browser, installation.url)
        page = context.new_page()
        page.set_viewport_size(SIZE)
        people.accept_welcome(page, installation.welcome, people.OWNER, "Olive Hart")
        for name, address in PAGES.items():
            page.goto(address)
            page.wait_for_load_state("networkidle")
            picture = page.screenshot()
            assert len(picture) < MOST_BYTES, f"{name}: {len(picture)} bytes"
            (IMAGES / f"{name}.png").write_bytes(picture)
        browser.close()


if __name__ == "__main__":
    main()
