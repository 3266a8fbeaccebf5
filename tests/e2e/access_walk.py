"""Walks the access table: every row's life in every variant, all at once, through the door to the sandbox sites."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from threading import local
from typing import Any, assert_never

import httpx2

from e2e.access_rows import (
    COMPANY,
    LATE_RULES,
    TABLE,
    Life,
    Mapped,
    MemberGone,
    OwnersGift,
    Row,
    Staff,
    Step,
    TransactionGone,
    on_sale,
)
from e2e.system import System
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.site.server import SandboxSite

VARIANTS = ("forwards", "doubled", "reversed", "shuffled", "shuffled-again")
# In these the site is as it should be before the next delivery arrives; in the others they come in a burst.
STEP_BY_STEP = ("forwards", "reversed")
SENDERS = 8
SEED = 20230310
FORM, JSON = "application/x-www-form-urlencoded", "application/json"

# Our name of a site -> its name in the sandbox.
SANDBOX_NAMES = {"academy": "", "club": "club"}
# What the buyers of short rows buy besides, so that there are other orders of arrival.
COMPANIONS = {
    site: [on_sale(f"product-{number}", COMPANY, site=site, price=500) for number in numbers]
    for site, numbers in {"academy": (901, 902, 903), "club": (911, 912, 913)}.items()
}


@dataclass(frozen=True)
class Post:
    """A delivery in one of its encodings."""

    body: bytes
    content_type: str


# What happens in one life before everything has to be settled again.
Round = list[Post | Step]


@dataclass(frozen=True)
class Walk:
    """One variant of a row."""

    row: Row
    variant: str
    life: Life
    rounds: list[Round]
    companions: int


def walks() -> list[Walk]:
    """Every variant of every row."""
    pairs = [(row, variant) for row in TABLE.values() for variant in VARIANTS]
    return [_walk(row, variant, number) for number, (row, variant) in enumerate(pairs)]


def _walk(row: Row, variant: str, number: int) -> Walk:
    life = Life(f"{row.name}-{variant}", number)
    steps = list(row.story(life))
    stages = [list(stage) for _, stage in groupby(steps, key=lambda step: isinstance(step, Delivery))]
    told = next((stage for stage in stages if isinstance(stage[0], Delivery)), None)
    if told is None:
        raise ValueError(f"{row.name}: nothing is ever delivered")
    companions = 0
    while _orders_of(stages) < 1 + len(VARIANTS) - 2:
        told.append(life.buys(COMPANIONS[row.site][companions], on="2023-03-05").success())
        companions += 1
    arranged = _arranged(stages, variant, row.name)
    rounds = [each for stage in arranged for each in _rounds(stage, variant)]
    return Walk(row, variant, life, rounds, companions)


def _orders_of(stages: Sequence[list[Step]]) -> int:
    """In how many orders the deliveries may arrive; acts keep their place."""
    return math.prod(math.factorial(len(stage)) for stage in stages if isinstance(stage[0], Delivery))


def _arranged(stages: list[list[Step]], variant: str, name: str) -> list[list[Step]]:
    """The stages with their deliveries in the variant's order: permuted within their stage."""
    forwards = tuple(tuple(range(len(stage))) for stage in stages)
    backwards = tuple(
        places[::-1] if isinstance(stage[0], Delivery) else places
        for places, stage in zip(forwards, stages, strict=True)
    )
    match variant:
        case "forwards" | "doubled":
            chosen = forwards
        case "reversed":
            chosen = backwards
        case _:
            others = _shuffles(stages, (forwards, backwards), name)
            chosen = others[VARIANTS.index(variant) - VARIANTS.index("shuffled")]
    return [[stage[place] for place in places] for places, stage in zip(chosen, stages, strict=True)]


Places = tuple[tuple[int, ...], ...]


def _shuffles(stages: list[list[Step]], taken: tuple[Places, ...], name: str) -> list[Places]:
    """Other orders of arrival, each different from those taken and from one another."""
    dice = random.Random(f"{SEED} {name}")
    found = list(taken)
    while len(found) < len(VARIANTS) - 1:
        places = tuple(
            tuple(dice.sample(range(len(stage)), len(stage)))
            if isinstance(stage[0], Delivery)
            else tuple(range(len(stage)))
            for stage in stages
        )
        if places not in found:
            found.append(places)
    return found[len(taken) :]


def _rounds(stage: list[Step], variant: str) -> Iterator[Round]:
    """A stage's rounds; as many in every variant, so that a row's acts are done in the same round."""
    acts = [step for step in stage if not isinstance(step, Delivery)]
    if acts:
        yield from ([act] for act in acts)
        return
    posts = [_posts(step, variant) for step in stage if isinstance(step, Delivery)]
    if variant in STEP_BY_STEP:
        yield from posts
        return
    yield [post for each in posts for post in each]
    yield from ([] for _ in posts[1:])


def _posts(delivery: Delivery, variant: str) -> Round:
    form, as_json = Post(delivery.as_form(), FORM), Post(delivery.as_json(), JSON)
    match variant:
        case "doubled":
            # The same body again, and the same event in other words.
            return [form, form, as_json]
        case "reversed":
            return [as_json]
        case _:
            return [form]


@dataclass
class Hands:
    """Everybody who does something: the cart that posts, staff, the site's owner, the seller."""

    system: System
    site: SandboxSite
    token: str

    def __post_init__(self) -> None:
        self._local = local()
        self._mapped: set[str] = set()

    def go(self, walked: Sequence[Walk]) -> None:
        """Walk all of them, round by round."""
        with ThreadPoolExecutor(SENDERS) as pool:
            for number in range(max(len(walk.rounds) for walk in walked)):
                under_way = [walk for walk in walked if number < len(walk.rounds) and walk.rounds[number]]
                list(pool.map(lambda walk, number=number: self._do(walk, number), under_way))
                self.system.settle(120)

    def _do(self, walk: Walk, number: int) -> None:
        for step in walk.rounds[number]:
            match step:
                case Post():
                    answer = self._client().post(
                        f"{self.system.url}/hooks/shop", content=step.body, headers={"Content-Type": step.content_type}
                    )
                    assert answer.status_code == 200, answer.text
                case Staff():
                    self._staff(walk, step)
                case MemberGone():
                    member = self._member(walk)
                    self._at_site(walk, f"members/{member['id']}/delete")
                case TransactionGone(level):
                    member = self._member(walk)
                    for made in self.site.state(SANDBOX_NAMES[walk.row.site])["transactions"]:
                        if (made["user_id"], made["membership_id"]) == (member["id"], level):
                            self._at_site(walk, f"transactions/{made['id']}/delete")
                case OwnersGift(level, until):
                    member = self._at_site(walk, "members", {"email": walk.life.addresses[0]})
                    gift = {"member": member["id"], "membership": level, "expires_at": until, "trans_num": "by-hand"}
                    self._at_site(walk, "transactions", gift | {"trans_num": f"owner-{member['id']}"})
                case Mapped(item):
                    self._map(item)
                case Delivery():
                    raise TypeError("a delivery is posted in an encoding")
                case _:
                    assert_never(step)

    def _staff(self, walk: Walk, step: Staff) -> None:
        sent: dict[str, Any] = {"email": walk.life.addresses[0], "site": walk.row.site, "why": "a row of the table"}
        if step.level is not None:
            sent["level"] = str(step.level)
        if step.act in ("grant", "extend"):
            sent["until"] = step.until
        answer = self._client().post(
            f"{self.system.url}/api/v1/members/{step.act}", json=sent, headers={"Authorization": f"Bearer {self.token}"}
        )
        assert answer.status_code == 200, f"{walk.life.name}: {answer.text}"

    def _map(self, item: str) -> None:
        if item in self._mapped:
            return
        self._mapped.add(item)
        self.system.apply(LATE_RULES[item])
        aligned = self.system.command("align", "--cart", "shop", "--item", item, "--yes")
        assert aligned.returncode == 0, aligned.stderr

    def _member(self, walk: Walk) -> dict[str, Any]:
        (member,) = members_of(walk, self.site.state(SANDBOX_NAMES[walk.row.site]))
        return member

    def _at_site(self, walk: Walk, what: str, sent: dict[str, Any] | None = None) -> Any:
        return self.site.act("POST", what, sent, name=SANDBOX_NAMES[walk.row.site])

    def _client(self) -> httpx2.Client:
        if not hasattr(self._local, "client"):
            self._local.client = httpx2.Client(trust_env=False, timeout=30)
        client: httpx2.Client = self._local.client
        return client


def members_of(walk: Walk, state: dict[str, Any]) -> list[dict[str, Any]]:
    """The buyer's users at a site."""
    return [person for person in state["members"] if person["email"] in walk.life.addresses]


class Judge:
    """Looks into the sites, on any date."""

    def __init__(self, site: SandboxSite) -> None:
        self._site = site
        self._state = cache(self._look)

    def _look(self, site: str, on: str) -> dict[str, Any]:
        name = SANDBOX_NAMES[site]
        self._site.switch(name=name, now=f"{on}T12:00:00+00:00")
        return self._site.state(name)

    def found(self, walk: Walk) -> Found:
        """What the site has for the buyer of a row, on the row's date."""
        state = self._state(walk.row.site, walk.row.on)
        members = members_of(walk, state)
        ids = {member["id"] for member in members}
        made = [each for each in state["transactions"] if each["user_id"] in ids]
        return Found(
            addresses=[member["email"] for member in members],
            held={entry["membership"]: entry["until"] for member in members for entry in member["access"]},
            complete=sum(each["status"] == "complete" and each["membership_id"] != COMPANY for each in made),
            told_twice=len(made) - len({each["trans_num"] for each in made}),
        )


@dataclass(frozen=True)
class Found:
    """A buyer at a site.

    Attributes:
        held: level -> last day.
        told_twice: transactions that have another one's reference.
    """

    addresses: list[str]
    held: dict[int, str | None]
    complete: int
    told_twice: int


def expected(walk: Walk) -> Found:
    """What the row says, with the companions' level."""
    company = {COMPANY: None} if walk.companions else {}
    someone = bool(walk.row.held or walk.row.complete or company)
    return Found(
        addresses=[walk.life.addresses[walk.row.address or 0]] if someone else [],
        held={**walk.row.held, **company},
        complete=walk.row.complete,
        told_twice=0,
    )
