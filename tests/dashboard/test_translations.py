"""The dashboard in German: every page answers, in German words, with what was chosen remembered."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

import stored

pytestmark = pytest.mark.django_db

HEADINGS = {
    "/": "Übersicht",
    "/attention": "Zu klären",
    "/activity": "Aktivität",
    "/orders": "Bestellungen",
    "/people": "Personen",
    "/products": "Produkte",
    "/deliveries": "Zustellungen",
    "/simulator": "Simulator",
    "/help": "Hilfe",
    "/settings/integrations": "Verbindungen",
    "/settings/staff": "Team",
    "/settings/tokens": "API-Token",
    "/settings/audit": "Änderungsprotokoll",
}


def addresses() -> list[str]:
    """Of all pages whose address names nothing."""
    return sorted(_beneath(get_resolver().url_patterns, ""))


def _beneath(patterns: list[URLPattern | URLResolver], address: str) -> list[str]:
    found = []
    for each in patterns:
        here = address + str(each.pattern)
        if isinstance(each, URLResolver):
            found += _beneath(each.url_patterns, here)
        elif not re.search(r"[<^(]", here) and getattr(each.callback, "see", None) is not None:
            found.append(f"/{here}")
    return found


@pytest.fixture
def german(owner: Client) -> Client:
    stored.open_shop()
    stored.sell_monthly()
    owner.post("/language", {"language": "de", "next": "/"})
    return owner


def heading(html: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", html, re.DOTALL)
    return re.sub(r"<[^>]+>", "", found[1]).strip() if found else ""


@pytest.mark.parametrize("address", addresses())
def test_every_page_answers_in_german(german, address):
    answer = german.get(address)
    # Some only take a form, or want to be told whom they are about.
    assert answer.status_code in {200, 302, 303, 404, 405}
    if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
        html = answer.content.decode()
        assert '<html lang="de"' in html or "<html" not in html


@pytest.mark.parametrize(("address", "said"), HEADINGS.items())
def test_pages_are_called_by_german_names(german, address, said):
    assert heading(german.get(address).content.decode()) == said


def test_moments_and_counts_are_written_as_german_has_them(german):
    html = german.get("/orders").content.decode()
    assert re.search(r"\b10\. März 2026\b", html)
    assert re.search(r"\b58,00\sUSD", html)
    assert "Echt oder Test" in html


def test_whoever_chose_nothing_gets_what_the_browser_asks_for(owner):
    assert (
        heading(owner.get("/orders", headers={"accept-language": "de-AT,de;q=0.9"}).content.decode()) == "Bestellungen"
    )
    assert heading(owner.get("/orders", headers={"accept-language": "fr"}).content.decode()) == "Orders"
