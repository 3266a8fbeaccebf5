"""A page that is watched: what its console says, whom it asks, and how much comes over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import CDPSession, ConsoleMessage, Page, Request

AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1" / "axe.min.js"
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SERIOUS = ("serious", "critical")
# What another theme can change.
COLOURS = ("color-contrast", "link-in-text-block")
_RUN_AXE = """async rules => (await axe.run(document, {
    resultTypes: ["violations"], ...(rules && {runOnly: {type: "rule", values: rules}}),
})).violations.map(fault => ({
    id: fault.id, impact: fault.impact, help: fault.help,
    nodes: fault.nodes.map(node => `${node.target.join(" ")}  ${node.failureSummary}`),
}))"""


class Watched:
    """Watches a page from its making on.

    Attributes:
        page: the page.
        trouble: errors in the console (a breach of the content security policy is one), scripts' errors, failed
            requests, and requests to other hosts.
    """

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.trouble: list[str] = []
        self._host = urlsplit(url).netloc
        self._bytes = 0
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.trouble.append(f"script: {error}"))
        page.on("request", self._asked)
        page.on("requestfailed", self._failed)
        session: CDPSession = page.context.new_cdp_session(page)
        session.send("Network.enable")
        session.on("Network.loadingFinished", self._loaded)

    def bytes_sent(self) -> int:
        """What came over the wire since the last call, headers included."""
        count, self._bytes = self._bytes, 0
        return count

    def faults(self, rules: Sequence[str] | None = None) -> list[str]:
        """What the accessibility checker finds on the page that is serious; None = by all of its rules."""
        # Evaluated through the browser's own protocol, to which the page's content security policy does not apply.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[dict[str, Any]] = self.page.evaluate(_RUN_AXE, rules)
        return [
            f"{fault['impact']} {fault['id']}: {fault['help']}\n    " + "\n    ".join(fault["nodes"])
            for fault in found
            if fault["impact"] in SERIOUS
        ]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.trouble.append(f"asks another host: {request.url}")

    def _failed(self, request: Request) -> None:
        # Who leaves a page breaks off what it was still asking for.
        if request.failure != "net::ERR_ABORTED":
            self.trouble.append(f"failed: {request.url} {request.failure}")

    def _loaded(self, event: dict[str, Any]) -> None:
        self._bytes += int(event["encodedDataLength"])
