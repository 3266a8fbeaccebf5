"""Walks the access table: every row's life in every variant, all at once, through the door to the sandbox sites."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from threading import Lock
from typing import Any, assert_never

import httpx2

from e2e.access_rows import (
    COMPANY,
    LATE_RULES,
    TABLE,
    Act,
    Later,
    Life,
    Mapped,
    MemberGone,
    OwnersGift,
    Reconciled,
    Row,
    Staff,
    Step,
    TransactionGone,
    day,
    on_sale,
)
from e2e.system import System
from guestlist.sandbox.cart.delivery import Delivery
from guestlist.sandbox.site.server import SandboxSite

VARIANTS = ("forwards", "doubled", "reversed", "shuffled", "shuffled-again")
# In these the site is as it should be before the next delivery arrives; in the others they come in a burst.
STEP_BY_STEP = ("forwards", "reversed")
# The doubled ones come forwards; all others have an order of their own.
ORDERS = len(VARIANTS) - 1
SENDERS = 8
TRIES = 20
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
Round = Sequence[Post | Act]


@dataclass(frozen=True)
class Walk:
    """One variant of a row."""

    row: Row
    variant: str
    life: Life
    rounds: Sequence[Round]
    companions: int


def walks(names: Container[str]) -> list[Walk]:
    """Every variant of the rows with these names."""
    pairs = [(row, variant) for row in TABLE.values() if row.name in names for variant in VARIANTS]
    return [_walk(row, variant, number) for number, (row, variant) in enumerate(pairs)]


def _walk(row: Row, variant: str, number: int) -> Walk:
    life = Life(f"{row.name}-{variant}", number)
    buyer = life.buyer
    steps = list(row.story(life))
    stages = [list(stage) for _, stage in groupby(steps, key=lambda step: isinstance(step, Delivery))]
    told = next((stage for stage in stages if isinstance(stage[0], Delivery)), None)
    if told is None:
        raise ValueError(f"{row.name}: nothing is ever delivered")
    companions = 0
    while _orders_of(stages) < ORDERS:
        company = life.shop.order(buyer, COMPANIONS[row.site][companions], at=day("2023-03-05"))
        told.append(company.success())
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
    while len(found) < ORDERS:
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
        self._client = httpx2.Client(trust_env=False, timeout=30)
        self._seller = Lock()
        self._mapped: set[str] = set()
        self._reconciled: set[str] = set()

    def go(self, walked: Sequence[Walk]) -> None:
        """Walk all of them, round by round."""
        with self._client, ThreadPoolExecutor(SENDERS) as pool:
            for number in range(max(len(walk.rounds) for walk in walked)):
                under_way = [walk for walk in walked if number < len(walk.rounds) and walk.rounds[number]]
                list(pool.map(lambda walk, number=number: self._do(walk, number), under_way))
                self.system.settle(300)

    def _do(self, walk: Walk, number: int) -> None:
        for step in walk.rounds[number]:
            match step:
                case Post():
                    self._post(step)
                case Staff():
                    self._staff(walk, step)
                case Later():
                    pass
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
                    gift = {"member": member["id"], "membership": level, "expires_at": until}
                    self._at_site(walk, "transactions", gift)
                case Mapped(item):
                    self._map(item)
                case Reconciled():
                    self._reconcile(walk.row.site)
                case _:
                    assert_never(step)

    def _post(self, post: Post) -> None:
        """As the cart does: whoever is too busy to store it gets it again."""
        for _ in range(TRIES):
            answer = self._client.post(
                f"{self.system.url}/hooks/shop", content=post.body, headers={"Content-Type": post.content_type}
            )
            if answer.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
                break
            time.sleep(1)
        assert answer.status_code == httpx2.codes.OK, answer.text

    def _staff(self, walk: Walk, step: Staff) -> None:
        sent: dict[str, Any] = {"email": walk.life.addresses[0], "site": walk.row.site, "why": "a row of the table"}
        if step.level is not None:
            sent["level"] = str(step.level)
        if step.act in ("grant", "extend"):
            sent["until"] = step.until
        self._ask(f"members/{step.act}", sent)

    def _ask(self, what: str, sent: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self._client.post(f"{self.system.url}/api/v1/{what}", json=sent, headers=headers)
        assert answer.status_code == 200, f"{what} {sent}: {answer.text}"
        return answer.json()

    def _map(self, item: str) -> None:
        """Name all that was sold without a rule, once, and bring the item's past sales in line, once."""
        with self._seller:
            if not self._mapped:
                self.system.apply("".join(LATE_RULES.values()))
            if item not in self._mapped:
                self._mapped.add(item)
                aligned = self._ask("align", {"cart": "shop", "item": item})
                assert aligned["left"] == 0

    def _reconcile(self, site: str) -> None:
        """Mend drift, once for all variants of the row."""
        with self._seller:
            if site not in self._reconciled:
                self._reconciled.add(site)
                done = self.system.command("reconcile", "--fix", "--site", site)
                assert done.returncode == 3, done.stderr

    def _member(self, walk: Walk) -> dict[str, Any]:
        (member,) = members_of(walk, self.site.state(SANDBOX_NAMES[walk.row.site]))
        return member

    def _at_site(self, walk: Walk, what: str, sent: dict[str, Any] | None = None) -> Any:
        return self.site.act("POST", what, sent, name=SANDBOX_NAMES[walk.row.site])


def members_of(walk: Walk, state: dict[str, Any]) -> list[dict[str, Any]]:
    """The buyer's users at a site."""
    return [person for person in state["members"] if person["email"] in walk.life.addresses]
