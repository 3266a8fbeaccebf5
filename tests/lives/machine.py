"""Random lives: whatever happens in whichever order, the sites hold exactly what the books say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.cart.subscriptions import underscored
from lives.oracle import Oracle, Terms
from lives.shop import EXTRAS, OFFERS, PRODUCTS, Bought, Told
from lives.world import SECRET, SITES, World, killed_at

LEVEL_TERMS = {"8": relativedelta(months=1), "9": relativedelta(years=1), "10": None}
BEGIN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
BUYERS = ("nora", "omar", "pia")

# Faults that pass by themselves; each leaves the member to be tried again.
SPOILT = (
    "close_before_work",
    "close_after_work",
    "html_200",
    "html_200_after_work",
    "html_500",
    "html_500_after_work",
    "truncated_json_after_work",
    "status:429",
    "status:503",
)
STEPS = ("* /", "GET /members", "POST /members", "GET /transactions", "POST /transactions")

MINUTES = st.sampled_from([1, 61, 26 * 60, 9 * 24 * 60, 40 * 24 * 60])
# Also in the same second as what came before.
MINUTES_OR_NONE = st.one_of(MINUTES, st.just(0))
PICK = st.integers(0, 11)
SITE = st.sampled_from(list(SITES))
# How a delivery comes: at once in one of two encodings, or later than others.
ARRIVAL = st.sampled_from(["form", "json", "kept", "kept"])

TARGETS = st.sampled_from([("academy", "8"), ("academy", "9"), ("academy", "10"), ("club", "8"), ("club", "10")])
TERMS = st.builds(
    Terms,
    grants=st.lists(TARGETS, min_size=1, max_size=2, unique=True).map(tuple),
    access=st.sampled_from(["auto", "auto", "paid-period", "forever", "level-terms", "90 days", "12 months"]),
    grace_days=st.sampled_from([3, 0]),
    on_refund=st.sampled_from(["revoke", "revoke", "keep"]),
    on_partial_refund=st.sampled_from(["keep", "revoke"]),
    on_cancel=st.sampled_from(["period-end", "now", "keep"]),
    on_failed_payment=st.sampled_from(["grace", "suspend", "keep"]),
    on_pause=st.sampled_from(["period-end", "now", "keep"]),
    after_last_payment=st.sampled_from(["forever", "level-terms", "period-end"]),
)


class Life(RuleBasedStateMachine):
    """Some buyers, a shop and two sites."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.world.begin()
        self.books = Oracle(LEVEL_TERMS)
        self.now = BEGIN
        self.shop = Shop(SECRET, clock=lambda: self.now, first_order=90_001_000)
        self.buyers = {name: Buyer(email=f"{name}@buyers.test", first_name=name.title()) for name in BUYERS}
        self.addresses = {f"{name}@buyers.test": name for name in BUYERS}
        self.orders: list[Bought] = []
        self.unfinished: list[Bought] = []
        self.kept: list[Told] = []
        self.arrived: list[Told] = []
        self.owners: dict[str, list[dict[str, Any]]] = {site: [] for site in SITES}
        self.broken: set[str] = set()
        self.dies_at: int | None = None

    # What the seller does

    @initialize(rules=st.fixed_dictionaries({offer.item: TERMS for offer in OFFERS}))
    def open_shop(self, rules: dict[str, Terms]) -> None:
        for item, terms in rules.items():
            self.change_rule_of(item, terms)

    @rule(offer=st.sampled_from(OFFERS), terms=TERMS)
    def change_rule(self, offer: Offer, terms: Terms) -> None:
        self.change_rule_of(offer.item, terms)

    def change_rule_of(self, item: str, terms: Terms) -> None:
        self.world.set_rule(item, terms)
        self.books.rules[item] = terms

    # What buyers do

    @rule(
        who=st.sampled_from(BUYERS),
        product=st.sampled_from(PRODUCTS),
        extras=st.lists(st.sampled_from(EXTRAS), max_size=2, unique=True),
        minutes=MINUTES,
        halfway=st.booleans(),
        arrival=ARRIVAL,
    )
    def order(self, who: str, product: Offer, extras: list[Offer], minutes: int, halfway: bool, arrival: str) -> None:
        self.pass_time(minutes)
        bought = Bought(self.shop.order(self.buyers[who], product, *extras), who)
        self.orders.append(bought)
        if halfway and extras:
            self.unfinished.append(bought)
        self.send(bought.success([product.item] if halfway else None), arrival)

    @precondition(lambda self: self.unfinished)
    @rule(pick=PICK, arrival=ARRIVAL)
    def finish_funnel(self, pick: int, arrival: str) -> None:
        self.send(self.unfinished.pop(pick % len(self.unfinished)).success(), arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, late=st.sampled_from([0, 62, 5 * 24 * 60]), arrival=ARRIVAL)
    def rebill(self, pick: int, late: int, arrival: str) -> None:
        bought, offer = self.picked(self.running(), pick)
        self.now = max(self.now + timedelta(minutes=1), bought.next_due(offer) + timedelta(minutes=late))
        self.send(bought.rebill(offer, self.now), arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, at_due=st.booleans(), minutes=MINUTES_OR_NONE, arrival=ARRIVAL)
    def refuse(self, pick: int, at_due: bool, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.running(), pick)
        if at_due:
            self.now = max(self.now, bought.next_due(offer))
        self.pass_time(minutes)
        self.send(bought.refuse(offer, self.now), arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, minutes=MINUTES_OR_NONE, arrival=ARRIVAL)
    def cancel(self, pick: int, minutes: int, arrival: str) -> None:
        self.change(self.picked(self.running(), pick), Bought.cancel, minutes, arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, minutes=MINUTES_OR_NONE, arrival=ARRIVAL)
    def pause(self, pick: int, minutes: int, arrival: str) -> None:
        self.change(self.picked(self.running(), pick), Bought.pause, minutes, arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, minutes=MINUTES_OR_NONE, arrival=ARRIVAL)
    def resume(self, pick: int, minutes: int, arrival: str) -> None:
        self.change(self.picked(self.running(), pick), Bought.resume, minutes, arrival)

    @precondition(lambda self: self.refundable())
    @rule(pick=PICK, part=st.sampled_from([1, 1, 2, 4]), minutes=MINUTES, arrival=ARRIVAL)
    def refund(self, pick: int, part: int, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.refundable(), pick)
        self.pass_time(minutes)
        self.send(bought.refund(offer, min(offer.price // part, bought.money[offer.item]), self.now), arrival)

    @precondition(lambda self: self.refundable())
    @rule(pick=PICK, minutes=MINUTES, arrival=ARRIVAL)
    def refund_everything(self, pick: int, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.refundable(), pick)
        self.pass_time(minutes)
        self.send(bought.refund(offer, bought.money[offer.item], self.now), arrival)

    @rule(who=st.sampled_from(BUYERS), minutes=MINUTES)
    def rename(self, who: str, minutes: int) -> None:
        self.pass_time(minutes)
        before = self.buyers[who]
        address = f"{who}{len(self.addresses)}@buyers.test"
        delivery = self.shop.customer_updated(before, address)
        self.buyers[who] = Buyer(email=address, first_name=before.first_name, known_as=before.known_as or before.email)
        self.addresses[address] = who
        for bought in self.orders:
            if bought.buyer == who:
                bought.order.buyer = self.buyers[who]
        self.send(Told(delivery, ()), "form")

    # How deliveries come

    @precondition(lambda self: self.kept)
    @rule(pick=PICK, encoding=st.sampled_from(["form", "json"]))
    def arrive_late(self, pick: int, encoding: str) -> None:
        self.send(self.kept.pop(pick % len(self.kept)), encoding)

    @precondition(lambda self: self.arrived)
    @rule(pick=PICK, again=st.sampled_from(["form", "json", "subscription"]))
    def come_again(self, pick: int, again: str) -> None:
        told = self.arrived[pick % len(self.arrived)]
        if again != "subscription":
            self.send(told, again)
        elif told.delivery.event != "customer_updated":
            for delivery in underscored(told.delivery):
                self.world.store(delivery.as_json())
            self.books.tell(*told.events)

    @rule()
    def replay_everything(self) -> None:
        self.world.replay_all()
        self.books.tell(*self.books.told)

    # What goes wrong, and what others do

    @rule(site=SITE, step=st.sampled_from(STEPS), kind=st.sampled_from(SPOILT), times=st.integers(1, 3))
    def spoil(self, site: str, step: str, kind: str, times: int) -> None:
        self.world.switch(site, faults=[{"match": step, "kind": kind, "times": times, "retry_after": 1}])

    @rule(site=SITE, how=st.sampled_from(["refuse", "maintenance", "database"]))
    def take_down(self, site: str, how: str) -> None:
        self.world.switch(site, down=how)
        self.broken.add(site)

    @rule(site=SITE, plugin=st.booleans())
    def lock_out(self, site: str, plugin: bool) -> None:
        self.world.switch(site, **({"plugin_active": False} if plugin else {"key": None}))
        self.broken.add(site)

    @precondition(lambda self: self.broken)
    @rule()
    def mend(self) -> None:
        for site in self.broken:
            self.world.switch(site, down=None, faults=[], plugin_active=True, key=self.world.sandbox.key)
        self.broken.clear()

    @rule(statement=st.integers(0, 60))
    def kill(self, statement: int) -> None:
        self.dies_at = statement

    @rule(who=st.sampled_from(BUYERS), site=SITE, level=st.sampled_from([8, 9, 10]), status=st.booleans())
    def owner_acts(self, who: str, site: str, level: int, status: bool) -> None:
        mine = {address for address, name in self.addresses.items() if name == who}
        name = SITES[site]
        member = self.world.member_at(site, mine)
        if member is None:
            sent = {"email": self.buyers[who].email}
            member = self.world.sandbox.act("POST", "members", sent, name=name)
        sent = {"member": member["id"], "membership": level, "status": "complete" if status else "refunded"}
        self.world.sandbox.act("POST", "transactions", sent, name=name)
        self.owners[site] = self.world.owners_own(site)

    # What must be true

    @invariant()
    def the_sites_hold_what_the_books_say(self) -> None:
        self.work()
        expected = self.books.expected()
        for site in SITES.keys() - self.broken:
            self.world.settle(site)
            self.compare(site, expected)

    def work(self) -> None:
        """Guestlist at work, until it dies if it has to; then once more."""
        if self.dies_at is not None:
            with killed_at(self.dies_at):
                self.world.interpret()
                for site in SITES:
                    self.world.run_lane(site)
            self.dies_at = None
        self.world.interpret()
        for site in self.broken:
            self.world.run_lane(site)

    def compare(self, site: str, expected: Counter[Any]) -> None:
        wanted = Counter({row: times for row, times in expected.items() if row.site == site})
        given = self.world.given(site, self.addresses)
        if wanted != given:
            note(f"missing: {wanted - given}")
            note(f"too much: {given - wanted}")
        assert given == wanted
        assert self.world.troubles(site) == []
        assert self.world.owners_own(site) == self.owners[site]

    def teardown(self) -> None:
        """At the end everything has arrived, and every site works."""
        try:
            if self.broken:
                self.mend()
            while self.kept:
                self.send(self.kept.pop(), "form")
            self.the_sites_hold_what_the_books_say()
        finally:
            super().teardown()

    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    def send(self, told: Told, arrival: str) -> None:
        if arrival == "kept":
            self.kept.append(told)
            return
        self.world.store(told.delivery.as_form() if arrival == "form" else told.delivery.as_json())
        self.books.tell(*told.events)
        self.arrived.append(told)

    def change(self, subscription: tuple[Bought, Offer], act: Callable[..., Told], minutes: int, arrival: str) -> None:
        bought, offer = subscription
        self.pass_time(minutes)
        self.send(act(bought, offer, self.now), arrival)

    def running(self) -> list[tuple[Bought, Offer]]:
        return [(each, offer) for each in self.orders for offer in each.order.offers if each.can_rebill(offer)]

    def refundable(self) -> list[tuple[Bought, Offer]]:
        return [(each, o) for each in self.orders for o in each.order.offers if each.money.get(o.item, 0) > 0]

    @staticmethod
    def picked(found: list[tuple[Bought, Offer]], pick: int) -> tuple[Bought, Offer]:
        return found[pick % len(found)]
