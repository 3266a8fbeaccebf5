"""Who looks at pages: accounts as people make them, and a browser for each."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
import time
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

PASSWORD = "three sheep and a ladder"
PATIENCE_MS = 15_000
OWNER, VIEWER = "owner@example.com", "viewer@example.com"


def context(browser: Browser, url: str, state: str | None = None) -> BrowserContext:
    """A window with an empty cache."""
    window = browser.new_context(base_url=url, storage_state=state, locale="en-GB", timezone_id="Europe/Berlin")
    window.set_default_timeout(PATIENCE_MS)
    return window


def accept_welcome(page: Page, link: str, email: str, name: str) -> None:
    """Make an account by a link."""
    page.goto(link)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account and sign in").click()
    page.get_by_role("heading", name="Overview").wait_for()


def sign_in(page: Page, email: str) -> None:
    """Fill in the sign-in form and send it."""
    page.goto("/account/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def one_time_code(secret: str) -> str:
    """The code that an authenticator app shows now (RFC 6238)."""
    key = base64.b32decode(secret.replace(" ", "").upper() + "=" * (-len(secret.replace(" ", "")) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), hashlib.sha1)
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def invite(page: Page, role: str) -> str:
    """Invite somebody; returns the link's path."""
    page.goto("/settings/staff/invite")
    page.get_by_role("radio", name=role).check()
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("heading", name="Invitation made").wait_for()
    return _path(page.locator(".copy code").inner_text())


def make_token(page: Page, name: str) -> None:
    """Make a token of the API."""
    page.goto("/settings/tokens")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make it").click()
    page.get_by_text("shown this once").first.wait_for()


def switch_two_factor_on(page: Page) -> None:
    """As with an authenticator app."""
    page.goto("/account/2fa")
    page.get_by_role("link", name="Switch on").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    code = one_time_code(page.locator(".copy code").inner_text())
    page.get_by_label("Authenticator code").fill(code)
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("heading", name="Recovery codes").first.wait_for()


def _path(link: str) -> str:
    return urlsplit(link.strip()).path
