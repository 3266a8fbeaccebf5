"""A running sandbox site, new for each test, and a client that speaks to it as Guestlist does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from guestlist.sandbox.site.server import SandboxSite

NOW = "2026-11-22T12:00:00+00:00"


class Api:
    """Requests to the plugin's API; `member` and `grant` are the usual first steps."""

    def __init__(self, site: SandboxSite) -> None:
        self.site = site
        self.client = httpx2.Client(base_url=site.url, headers={"MEMBERPRESS-API-KEY": site.key}, timeout=10)

    def get(self, route: str, **query: str) -> httpx2.Response:
        return self.client.get(f"/wp-json/mp/v1{route}", params=query)

    def raw(self, path: str) -> httpx2.Response:
        return self.client.get(path)

    def post(self, route: str, body: Any) -> httpx2.Response:
        return self.send("POST", route, body)

    def send(self, method: str, route: str, body: Any = None) -> httpx2.Response:
        return self.client.request(method, f"/wp-json/mp/v1{route}", json=body)

    def member(self, name: str, **fields: Any) -> int:
        """A member `name@x.test`, made through the API; its id."""
        made = self.post("/members", {"email": f"{name}@x.test", "username": name, **fields})
        assert made.status_code == 200, made.text
        return int(made.json()["id"])

    def grant(self, member: int, membership: int = 8, **fields: Any) -> dict[str, Any]:
        """A complete transaction."""
        made = self.post("/transactions", {"member": member, "membership": membership, "status": "complete", **fields})
        assert made.status_code == 200, made.text
        return dict(made.json())

    def access(self, member: int) -> dict[int, str | None]:
        """Membership id -> last day of what the member can see now."""
        person = next(each for each in self.site.state()["members"] if each["id"] == member)
        return {each["membership"]: each["until"] for each in person["access"]}

    def mails(self) -> list[str]:
        """Kinds of the mails sent, in order."""
        return [mail["kind"] for mail in self.site.state()["mails"]]


@pytest.fixture(scope="module")
def running() -> Iterator[SandboxSite]:
    with SandboxSite(race_window_ms=0) as site:
        yield site


@pytest.fixture
def site(running: SandboxSite) -> SandboxSite:
    running.reset()
    running.switch(now=NOW)
    return running


@pytest.fixture
def api(site: SandboxSite) -> Iterator[Api]:
    api = Api(site)
    yield api
    api.client.close()
