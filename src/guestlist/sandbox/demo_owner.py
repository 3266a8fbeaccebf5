"""The demo's owner: made as a person would make their account, by opening the link and filling in the form."""

from __future__ import annotations

import re

import httpx2

EMAIL = "owner@demo.example"
NAME = "Demo owner"
_FIELD = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


def make(link: str, password: str) -> bool:
    """Tells whether it worked."""
    with httpx2.Client(trust_env=False, timeout=30) as browser:
        page = browser.get(link)
        token = _FIELD.search(page.text)
        if token is None:
            return False
        filled = {"csrfmiddlewaretoken": token[1], "email": EMAIL, "name": NAME, "password": password}
        return browser.post(link, data=filled).status_code in (302, 303)
