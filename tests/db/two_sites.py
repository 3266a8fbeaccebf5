"""Two sites and the people who buy at both, for tests of what trouble at one of them does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from db.conftest import make_cart, make_site
from db.test_planning import deliver, save
from factories import MONTH, line, placed, rebill, rule
from front import Front
from guestlist.access import lane as lanes
from guestlist.access.models import Grant, GrantState, Member, MemberState
from guestlist.access.sitestate import close_sites
from guestlist.connections.models import Site
from guestlist.domain.facts import Buyer, OrderPlaced
from guestlist.engine.overview import SiteStatus, overview
from guestlist.sandbox.site.server import SandboxSite

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=30)
LATER = DUE + timedelta(days=30)
SITES = {"academy": "", "club": "club"}


def until(day: date) -> str:
    return str(day + timedelta(days=3))


@contextmanager
def two_sites() -> Iterator[World]:
    """Everything running, and ended afterwards."""
    with SandboxSite() as site:
        world = World(site)
        yield world
        world.front.close()
    close_sites()


class World:
    """The academy behind its front, and the club, a site without trouble; the same people buy at both."""

    def __init__(self, site: SandboxSite) -> None:
        self.site = site
        self.front = Front(site)
        make_cart()
        make_site("academy", self.front.url, site.key, concurrency=2)
        make_site("club", site.url_of("club"), site.key)
        save(rule("product-12", "academy/8", "club/8"), rule("product-13", "academy/10", "club/10"))

    def sell_before(self) -> None:
        """Three people are members when the trouble comes."""
        for name in ("nora", "omar", "vera"):
            deliver(monthly(name), delivery=900_000 + ORDERS[name])
        self.run("academy", "club")

    def sell_meanwhile(self) -> None:
        """Five new people; Nora pays again; Omar's purchase turns out to be another one, so that one access ends."""
        for name in ("ada", "ben", "cleo", "dan", "eve"):
            deliver(placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer(name), order_id=number(name)))
        deliver(
            rebill(
                str(DUE), index=2, next_due_at=str(LATER), frequency=MONTH, buyer=buyer("nora"), order_id=number("nora")
            )
        )
        deliver(
            placed(str(TODAY), line("product-13", paid_minor=100), buyer=buyer("omar"), order_id=number("omar")),
            delivery=900_000 + ORDERS["omar"],
        )

    def run(self, *sites: str) -> None:
        for site in sites or ("academy",):
            lanes.run_lane(site)

    def access(self, site: str) -> dict[str, dict[int, str | None]]:
        return {
            person["email"].partition("@")[0]: {entry["membership"]: entry["until"] for entry in person["access"]}
            for person in self.site.state(SITES[site])["members"]
            if person["role"] == "subscriber"
        }

    def live(self, site: str) -> int:
        """Transactions that give access; proves that none was made twice."""
        rows = self.site.state(SITES[site])["transactions"]
        assert not [ref for ref, times in Counter(row["trans_num"] for row in rows).items() if times > 1]
        return sum(row["status"] == "complete" for row in rows)

    def asked(self) -> int:
        return len(self.front.asked)

    def switch(self, **switches: object) -> None:
        self.site.switch(**switches)

    def owner_sees(self, site: str = "academy") -> SiteStatus:
        [seen] = [each for each in overview().sites if each.id == site]
        return seen


ORDERS = {name: 7001 + index for index, name in enumerate(("nora", "omar", "vera", "ada", "ben", "cleo", "dan", "eve"))}
BEFORE = {name: {8: until(DUE)} for name in ("nora", "omar", "vera")}
AFTER = {
    "nora": {8: until(LATER)},
    "omar": {10: None},
    "vera": {8: until(DUE)},
    **{name: {10: None} for name in ("ada", "ben", "cleo", "dan", "eve")},
}
LIVE_AFTER = 9  # Nora has two charges


def number(name: str) -> str:
    return str(ORDERS[name])


def buyer(name: str) -> Buyer:
    return Buyer(f"{name}@buyers.test", f"91000000000000{ORDERS[name]}", name.title(), "Lind")


def monthly(name: str) -> OrderPlaced:
    bought = line("product-12", paid_minor=2900, frequency=MONTH, next_due_at=str(DUE))
    return placed(str(TODAY), bought, buyer=buyer(name), order_id=number(name))


def time_passes() -> None:
    """Until the next look at the site, and until the members are due again."""
    Site.objects.exclude(probe_at=None).update(probe_at=timezone.now())
    Member.objects.filter(state=MemberState.DUE).update(due_at=timezone.now())


def assert_all_is_right(world: World) -> None:
    for site in ("academy", "club"):
        assert world.access(site) == AFTER
        assert world.live(site) == LIVE_AFTER
        seen = world.owner_sees(site)
        assert (seen.state, seen.reason, seen.remedy, seen.asked_again_at) == ("ok", "", "", None)
    assert {(m.state, m.attempts, m.reason, m.remedy) for m in Member.objects.all()} == {(MemberState.IDLE, 0, "", "")}
    assert {(grant.state, grant.problem) for grant in Grant.objects.all()} == {(GrantState.RIGHT, "")}
