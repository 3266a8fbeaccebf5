"""Random lives: whatever happens in whichever order, the sites hold exactly what the books say."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.cart.subscriptions import underscored
from lives.oracle import EVER, ByHand, Oracle, Row, Terms
from lives.shop import CLUB, EXTRAS, OFFERS, PRODUCTS, STUDIO, Bought, Told
from lives.world import SECRET, SITES, World, killed_at

LEVEL_TERMS = {"8": relativedelta(months=1), "9": relativedelta(years=1), "10": None}
BEGIN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
BUYERS = ("nora", "omar")

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
# Faults that last until the site is mended.
OUTAGES: tuple[dict[str, Any], ...] = (
    {"down": "refuse"},
    {"down": "maintenance"},
    {"down": "database"},
    {"key": None},
    {"plugin_active": False},
)
WELL: dict[str, Any] = {"down": None, "plugin_active": True, "faults": []}

MINUTES = st.sampled_from([1, 61, 26 * 60, 9 * 24 * 60, 40 * 24 * 60])
# Also in the same second as what came before.
MINUTES_OR_NONE = st.one_of(MINUTES, st.just(0))
# The newest first.
PICK = st.integers(0, 9)
SITE = st.sampled_from(list(SITES))
WHO = st.sampled_from(BUYERS)
# How a delivery comes: at once in one of two encodings, or later than others.
ARRIVAL = st.sampled_from(["form", "json", "kept"])
ACTS = ("rebill", "rebill", "rebill", "refuse", "refuse", "cancel", "pause", "pause", "resume")
HAND = ("grant", "grant", "extend", "revoke", "revoke", "hold", "release", "release")

TARGETS = st.sampled_from([("academy", "8"), ("academy", "9"), ("academy", "10"), ("club", "8"), ("club", "10")])
TERMS = st.builds(
    Terms,
    grants=st.lists(TARGETS, min_size=1, max_size=2, unique=True).map(tuple),
    access=st.sampled_from(["auto", "auto", "auto", "paid-period", "forever", "level-terms", "90 days", "12 months"]),
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
        # Whom staff gave something before they bought at that site: nobody could know whose new address it is.
        self.rooted: set[str] = set()
        self.orders: list[Bought] = []
        self.unfinished: list[Bought] = []
        self.kept: list[Told] = []
        self.arrived: list[Told] = []
        self.owners: dict[str, list[dict[str, Any]]] = {site: [] for site in SITES}
        self.broken: set[str] = set()
        self.dies_at: int | None = None

    @initialize(
        terms=st.tuples(*(TERMS for _ in OFFERS)),
        firsts=st.lists(st.sampled_from([CLUB, STUDIO, *PRODUCTS]), min_size=1, max_size=2),
        extra=st.sampled_from(EXTRAS),
    )
    def open_shop(self, terms: tuple[Terms, ...], firsts: list[Offer], extra: Offer) -> None:
        for offer, what in zip(OFFERS, terms, strict=True):
            self.world.set_rule(offer.item, what)
            self.books.rules[offer.item] = what
        for product in firsts:
            self.order(BUYERS[0], product, [extra], 1, False, "form")

    # What buyers do

    @rule(
        who=WHO,
        product=st.sampled_from(PRODUCTS),
        extras=st.lists(st.sampled_from(EXTRAS), max_size=2, unique=True),
        minutes=MINUTES,
        halfway=st.booleans(),
        arrival=ARRIVAL,
    )
    def orders(self, who: str, product: Offer, extras: list[Offer], minutes: int, halfway: bool, arrival: str) -> None:
        self.order(who, product, extras, minutes, halfway, arrival)

    @precondition(lambda self: self.running())
    @rule(act=st.sampled_from(ACTS), pick=PICK, minutes=MINUTES_OR_NONE, arrival=ARRIVAL)
    def subscription(self, act: str, pick: int, minutes: int, arrival: str) -> None:
        self.act(act, pick, minutes, arrival)

    @precondition(lambda self: self.running())
    @rule(pick=PICK, late=st.sampled_from([0, 62, 5 * 24 * 60]), then=st.sampled_from(ACTS), arrival=ARRIVAL)
    def due(self, pick: int, late: int, then: str, arrival: str) -> None:
        bought, offer = self.picked(self.running(), pick)
        self.now = max(self.now + timedelta(minutes=1), bought.next_due(offer) + timedelta(minutes=late))
        self.act(then, pick, 0, arrival)

    @precondition(lambda self: self.refundable())
    @rule(pick=PICK, part=st.sampled_from([1, 1, 2, 4, 0]), minutes=MINUTES, arrival=ARRIVAL)
    def refund(self, pick: int, part: int, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.refundable(), pick)
        self.now += timedelta(minutes=minutes)
        whole = bought.money[offer.item]
        self.send(bought.refund(offer, min(offer.price // part, whole) if part else whole, self.now), arrival)

    @precondition(lambda self: len(self.addresses) < 5)
    @rule(who=WHO, minutes=MINUTES)
    def rename(self, who: str, minutes: int) -> None:
        if who in self.rooted:
            return
        self.now += timedelta(minutes=minutes)
        before, address = self.buyers[who], f"{who}{len(self.addresses)}@buyers.test"
        told = Told(self.shop.customer_updated(before, address), ())
        self.buyers[who] = Buyer(email=address, first_name=before.first_name, known_as=before.known_as or before.email)
        self.addresses[address] = who
        for bought in self.orders:
            if bought.buyer == who:
                bought.order.buyer = self.buyers[who]
        self.send(told, "form")

    # How deliveries come

    @precondition(lambda self: self.kept or self.unfinished)
    @rule(pick=PICK, encoding=st.sampled_from(["form", "json"]))
    def come_late(self, pick: int, encoding: str) -> None:
        if self.unfinished and (pick % 2 or not self.kept):
            self.send(self.unfinished.pop(pick % len(self.unfinished)).success(), encoding)
        else:
            self.send(self.kept.pop(pick % len(self.kept)), encoding)

    @precondition(lambda self: self.arrived)
    @rule(pick=PICK, again=st.sampled_from(["form", "json", "subscription", "all"]))
    def come_again(self, pick: int, again: str) -> None:
        told = self.arrived[-1 - pick % len(self.arrived)]
        if again == "all":
            self.world.replay_all()
            self.books.tell(*self.books.told)
        elif again != "subscription":
            self.send(told, again)
        elif told.delivery.event != "customer_updated":
            for delivery in underscored(told.delivery):
                self.world.store(delivery.as_json())
            self.books.tell(*told.events)

    # What goes wrong, and what others do

    @rule(site=SITE, step=st.sampled_from(STEPS), kind=st.sampled_from(SPOILT), times=st.integers(1, 3))
    def spoil(self, site: str, step: str, kind: str, times: int) -> None:
        self.world.switch(site, faults=[{"match": step, "kind": kind, "times": times, "retry_after": 1}])

    @rule(site=SITE, how=st.sampled_from(OUTAGES), mend=st.booleans())
    def outage(self, site: str, how: dict[str, Any], mend: bool) -> None:
        if mend and self.broken:
            self.mend()
        else:
            self.world.switch(site, **how)
            self.broken.add(site)

    @rule(statement=st.integers(0, 60))
    def kill(self, statement: int) -> None:
        self.dies_at = statement

    @rule(offer=st.sampled_from(OFFERS), terms=TERMS)
    def change_rule(self, offer: Offer, terms: Terms) -> None:
        self.world.set_rule(offer.item, terms)
        self.books.rules[offer.item] = terms

    @rule(who=WHO, site=SITE, level=st.sampled_from([8, 9, 10]), status=st.sampled_from(["complete", "refunded"]))
    def owner_acts(self, who: str, site: str, level: int, status: str) -> None:
        mine = {address for address, name in self.addresses.items() if name == who}
        member = self.world.member_at(site, mine) or self.world.owner(
            "members", {"email": self.buyers[who].email}, site
        )
        self.world.owner("transactions", {"member": member["id"], "membership": level, "status": status}, site)
        self.owners[site] = self.world.owners_own(site)

    @rule(
        who=WHO,
        site=SITE,
        act=st.sampled_from(HAND),
        level=st.sampled_from(["8", "10", ""]),
        minutes=MINUTES,
        days=st.sampled_from([None, 20, 400]),
    )
    def staff(self, who: str, site: str, act: str, level: str, minutes: int, days: int | None) -> None:
        self.now += timedelta(minutes=minutes)
        if act in ("grant", "extend"):
            level = level or "9"
        until = self.now.date() + timedelta(days=days) if days and act in ("grant", "extend") else EVER
        self.world.interpret()
        done = self.world.by_hand(site, self.buyers[who].email, act, level, until, self.now)
        assert done or act != "grant"
        if done:
            self.books.acts.append(ByHand(buyer=who, site=site, act=act, level=level, at=self.now, until=until))
            if not self.books.has_bought_at(who, site):
                self.rooted.add(who)

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

    def compare(self, site: str, expected: Counter[Row]) -> None:
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
        self.mend()
        while self.kept:
            self.send(self.kept.pop(), "form")
        self.the_sites_hold_what_the_books_say()

    def mend(self) -> None:
        for site in self.broken:
            self.world.switch(site, key=self.world.sandbox.key, **WELL)
        self.broken.clear()

    def order(self, who: str, product: Offer, extras: list[Offer], minutes: int, halfway: bool, arrival: str) -> None:
        self.now += timedelta(minutes=minutes)
        bought = Bought(self.shop.order(self.buyers[who], product, *extras), who)
        self.orders.append(bought)
        if halfway and extras:
            self.unfinished.append(bought)
        self.send(bought.success([product.item] if halfway else None), arrival)

    def act(self, act: str, pick: int, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.running(), pick)
        # No two charges in one second: which of them was first, nobody could tell.
        self.now += timedelta(minutes=minutes or (act == "rebill"))
        self.send(getattr(bought, act)(offer, self.now), arrival)

    def send(self, told: Told, arrival: str) -> None:
        if arrival == "kept":
            self.kept.append(told)
            return
        self.world.store(told.delivery.as_form() if arrival == "form" else told.delivery.as_json())
        self.books.tell(*told.events)
        self.arrived.append(told)

    def running(self) -> list[tuple[Bought, Offer]]:
        return [(each, offer) for each in self.orders for offer in each.order.offers if each.can_rebill(offer)]

    def refundable(self) -> list[tuple[Bought, Offer]]:
        return [(each, o) for each in self.orders for o in each.order.offers if each.money.get(o.item, 0) > 0]

    @staticmethod
    def picked(found: list[tuple[Bought, Offer]], pick: int) -> tuple[Bought, Offer]:
        return found[-1 - pick % len(found)]
