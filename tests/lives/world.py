"""A cart, two sites and a worker in one process: real deliveries, real tables, real HTTP, and nothing that waits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.db import connection
from django.utils import timezone

from db.conftest import make_cart, make_site
from guestlist.access import staff
from guestlist.access import staff_refusals as refusals
from guestlist.access.models import Member, MemberState
from guestlist.access.sitestate import close_sites
from guestlist.connections.models import Site
from guestlist.domain.staff import Act
from guestlist.engine import tasks
from guestlist.fulfilment.models import Rule
from guestlist.inbox.interpret import interpret_shard, shards_waiting
from guestlist.inbox.interpret import replay as replay_deliveries
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.sandbox.site.server import SandboxSite
from lives.oracle import EVER, Row, Terms

CART, SECRET = "shop", "WORDOFTHESHOP"
# Our name of a site -> its name in the sandbox.
SITES = {"academy": "", "club": "club"}
# Here a member's address follows the customer's.
FOLLOWS = "club"
SHARD = 0
# More than any fault needs; each round is one attempt.
ROUNDS = 8
_OWN = ("connections", "orders", "access", "fulfilment", "inbox")


class World:
    """Everything around Guestlist, and its tables."""

    def __init__(self, sandbox: SandboxSite) -> None:
        self.sandbox = sandbox

    def begin(self) -> None:
        """A new world: nothing sold, nobody at the sites."""
        close_sites()
        tables = [model._meta.db_table for app in _OWN for model in apps.get_app_config(app).get_models()]
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
        make_cart(CART)
        for site, name in SITES.items():
            self.sandbox.reset(name)
            make_site(
                site,
                self.sandbox.url_of(name) if name else self.sandbox.url,
                self.sandbox.key,
                concurrency=1,
                on_email_change="follow" if site == FOLLOWS else "leave",
            )

    def set_rule(self, item: str, terms: Terms) -> None:
        """What the seller enters in the settings."""
        fields: dict[str, Any] = {name: getattr(terms, name) for name in terms.__dataclass_fields__}
        fields["grants"] = [{"site": site, "level": level} for site, level in terms.grants]
        Rule.objects.update_or_create(cart_id=CART, item=item, option=None, defaults=fields)

    def store(self, body: bytes) -> None:
        """What the door does with a delivery: the same body again adds nothing."""
        digest = hashlib.sha256(body).digest()
        if not Delivery.objects.filter(cart_id=CART, digest=digest).exists():
            Delivery.objects.create(cart_id=CART, body=body, digest=digest, shard=SHARD)

    def replay_all(self) -> None:
        """Have every delivery read again."""
        replay_deliveries(list(Delivery.objects.values_list("id", flat=True)))

    def interpret(self) -> None:
        """Read what waits, slice by slice: on a slow machine a long replay gives its slot back more than once."""
        while SHARD in shards_waiting():
            interpret_shard(SHARD)

    def run_lane(self, site: str) -> None:
        """The site's members that are not as they should be are tried once."""
        Site.objects.filter(pk=site).exclude(probe_at=None).update(probe_at=timezone.now())
        Member.objects.filter(site=site, state=MemberState.DUE).update(due_at=timezone.now())
        if Member.objects.filter(site=site).exclude(state=MemberState.IDLE).exists():
            tasks.lane(site)

    def settle(self, site: str) -> None:
        """The site is well, and every try that is still to come is made now."""
        for _ in range(ROUNDS):
            self.run_lane(site)
            if not Member.objects.filter(site=site, state__in=(MemberState.DUE, MemberState.WORKING)).exists():
                return
        raise AssertionError(f"not settled: {list(Member.objects.values('email', 'site', 'state', 'reason'))}")

    def switch(self, site: str, **switches: Any) -> None:
        """Set switches of a sandbox site."""
        self.sandbox.switch(name=SITES[site], **switches)

    def by_hand(self, site: str, email: str, act: str, level: str, until: date, now: datetime) -> bool:
        """Somebody of the staff does something, by the story's clock; False = it was refused."""
        until_on = None if until == EVER else until
        with patch.object(staff, "timezone", StoryClock(now)), patch.object(refusals, "datetime", StoryClock(now)):
            try:
                staff.change(site, email, Act(act), level=level, until_on=until_on, who="owner", why="a favour")
            except staff.StaffRefused:
                return False
        return True

    def owner(self, what: str, sent: dict[str, Any], site: str) -> dict[str, Any]:
        """The site's owner makes a member or a transaction there."""
        made: dict[str, Any] = self.sandbox.act("POST", what, sent, name=SITES[site])
        return made

    def troubles(self, site: str) -> list[str]:
        """What Guestlist itself says is not as it should be."""
        deliveries = Delivery.objects.exclude(state__in=(DeliveryState.DONE, DeliveryState.IGNORED))
        members = Member.objects.filter(site=site).exclude(state=MemberState.IDLE)
        return [f"{row.state}: {row.summary}" for row in deliveries] + [
            f"{row.email} at {row.site_id} is {row.state}: {row.reason}" for row in members
        ]

    def given(self, site: str, buyers: Mapping[str, str]) -> Counter[Row]:
        """Guestlist's transactions at the site that give access.

        Args:
            buyers: who has which address.
        """
        state = self.sandbox.state(SITES[site])
        people = {user["id"]: buyers.get(user["email"].lower(), user["email"]) for user in state["members"]}
        ours = [row for row in state["transactions"] if row["trans_num"].startswith("gl-")]
        made = Counter(row["trans_num"] for row in ours)
        assert not [number for number, times in made.items() if times > 1], "one transaction per charge and level"
        return Counter(
            Row(
                site=site,
                buyer=people[row["user_id"]],
                level=str(row["membership_id"]),
                until=_day(row["expires_at"]),
                amount=row["amount"],
                charged_at=datetime.fromisoformat(row["created_at"]).replace(tzinfo=UTC),
            )
            for row in ours
            if row["status"] == "complete"
        )

    def owners_own(self, site: str) -> list[dict[str, Any]]:
        """The transactions that Guestlist did not make."""
        rows = self.sandbox.state(SITES[site])["transactions"]
        return [row for row in rows if not row["trans_num"].startswith("gl-")]

    def people(self, site: str) -> list[dict[str, Any]]:
        """The site's members."""
        members = self.sandbox.state(SITES[site])["members"]
        return [person for person in members if person["role"] == "subscriber"]

    def mails(self, site: str) -> Counter[tuple[str, str]]:
        """How often the site welcomed somebody, or had them set a password: (kind, address)."""
        mails = self.sandbox.state(SITES[site])["mails"]
        return Counter((mail["kind"], mail["to"]) for mail in mails if mail["kind"] in ("welcome", "password"))


def _day(expires_at: str) -> date:
    return EVER if expires_at.startswith("0000") else date.fromisoformat(expires_at[:10])


@dataclass(frozen=True)
class StoryClock:
    """Stands in for `timezone` and for `datetime`, where they are asked what time it is."""

    moment: datetime

    def now(self, zone: tzinfo | None = None) -> datetime:
        """The story's time."""
        return self.moment


class Killed(BaseException):
    """The process ended here."""


@dataclass
class Death:
    """Whether it came to it."""

    happened: bool = False


@contextmanager
def killed_at(write: int) -> Iterator[Death]:
    """The process dies before its so-manieth write to the database; what it has committed and sent stays."""
    death, left = Death(), write

    def execute(run: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        nonlocal left
        left -= sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))
        if left < 0:
            raise Killed
        return run(sql, params, many, context)

    try:
        with connection.execute_wrapper(execute):
            yield death
    except Killed:
        death.happened = True
