"""Random lives: whatever happens in whichever order, the sites hold exactly what the books say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from guestlist.sandbox.cart.offers import Offer
from lives.oracle import EVER, Terms
from lives.shop import CLUB, EXTRAS, OFFERS, PRODUCTS, STUDIO, Bought, Told
from lives.story import Story
from lives.world import SITES, World

BUYERS = ("nora", "omar")
ADDRESSES = 5

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
# What staff do, and for how many days.
BY_HAND = st.sampled_from(
    [
        *(("grant", None), ("grant", 20), ("grant", 400), ("extend", 900), ("extend", None)),
        *(("revoke", None), ("revoke", None), ("hold", None), ("release", None), ("release", None)),
    ]
)
LEVEL = st.sampled_from(["", "8", "10"])

TARGETS = st.sampled_from([("academy", "8"), ("academy", "9"), ("academy", "10"), ("club", "8"), ("club", "10")])
TERMS = st.builds(
    Terms,
    grants=st.lists(TARGETS, max_size=2, unique=True).map(tuple),
    access=st.sampled_from(["auto", "auto", "auto", "paid-period", "forever", "level-terms", "90 days", "12 months"]),
    grace_days=st.sampled_from([3, 0]),
    on_refund=st.sampled_from(["revoke", "revoke", "keep"]),
    on_partial_refund=st.sampled_from(["keep", "revoke"]),
    on_cancel=st.sampled_from(["period-end", "now", "keep"]),
    on_failed_payment=st.sampled_from(["grace", "suspend", "keep"]),
    on_pause=st.sampled_from(["period-end", "now", "keep"]),
    after_last_payment=st.sampled_from(["forever", "level-terms", "period-end"]),
)

TROUBLE = st.one_of(
    st.tuples(st.just("spoil"), SITE, st.sampled_from(STEPS), st.sampled_from(SPOILT), st.integers(1, 3)),
    st.tuples(st.just("outage"), SITE, st.sampled_from(OUTAGES)),
    st.tuples(st.just("mend")),
    st.tuples(st.just("kill"), st.integers(0, 30)),
)
ASIDE = st.one_of(
    st.tuples(st.just("rule"), st.sampled_from(OFFERS), TERMS),
    st.tuples(
        st.just("owner"), WHO, SITE, st.sampled_from(["8", "9", "10"]), st.sampled_from(["complete", "refunded"])
    ),
    st.tuples(st.just("moves"), WHO, MINUTES),
)


class Life(RuleBasedStateMachine):
    """Two buyers, a shop and two sites."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world
        self.orders: list[Bought] = []
        # Orders whose funnel was left half way, and deliveries that are under way.
        self.unfinished: list[Bought] = []
        self.kept: list[Told] = []

    @initialize(
        terms=st.tuples(*(TERMS for _ in OFFERS)),
        firsts=st.lists(st.sampled_from([CLUB, STUDIO, *PRODUCTS]), min_size=1, max_size=2),
        extra=st.sampled_from(EXTRAS),
    )
    def begins(self, terms: tuple[Terms, ...], firsts: list[Offer], extra: Offer) -> None:
        self.story = Story(self.world, dict(zip(OFFERS, terms, strict=True)))
        for product in firsts:
            self.order(BUYERS[0], product, [extra], 1, False, "form")
        # Everybody is known to the shop, so that staff can do something for them.
        self.order(BUYERS[1], CLUB, [], 1, False, "kept")

    # What buyers do

    @rule(
        who=WHO,
        product=st.sampled_from(PRODUCTS),
        extras=st.lists(st.sampled_from(EXTRAS), max_size=2, unique=True),
        minutes=MINUTES,
        halfway=st.booleans(),
        arrival=ARRIVAL,
    )
    def orders_more(
        self, who: str, product: Offer, extras: list[Offer], minutes: int, halfway: bool, arrival: str
    ) -> None:
        self.order(who, product, extras, minutes, halfway, arrival)

    @precondition(lambda self: self.running())
    @rule(acts=st.lists(st.tuples(st.sampled_from(ACTS), MINUTES_OR_NONE, ARRIVAL), min_size=1, max_size=3), pick=PICK)
    def subscription(self, acts: list[tuple[str, int, str]], pick: int) -> None:
        self.act(acts, *self.picked(self.running(), pick))

    @precondition(lambda self: self.running())
    @rule(
        late=st.sampled_from([0, 62, 5 * 24 * 60]),
        acts=st.lists(st.tuples(st.sampled_from(ACTS), MINUTES_OR_NONE, ARRIVAL), min_size=1, max_size=3),
        pick=PICK,
    )
    def charge_is_due(self, late: int, acts: list[tuple[str, int, str]], pick: int) -> None:
        bought, offer = self.picked(self.running(), pick)
        self.story.now = max(self.story.now, bought.next_due(offer) + timedelta(minutes=late))
        self.act(acts, bought, offer)

    @precondition(lambda self: self.refundable())
    @rule(pick=PICK, part=st.sampled_from([1, 1, 2, 4, 0]), minutes=MINUTES, arrival=ARRIVAL)
    def refund(self, pick: int, part: int, minutes: int, arrival: str) -> None:
        bought, offer = self.picked(self.refundable(), pick)
        whole = bought.money[offer.item]
        net = min(offer.price // part, whole) if part else whole
        self.send(bought.refund(offer, net, self.story.wait(minutes=minutes)), arrival)

    # How deliveries come

    @precondition(lambda self: self.kept or self.unfinished)
    @rule(pick=PICK, encoding=st.sampled_from(["form", "json"]))
    def comes_late(self, pick: int, encoding: str) -> None:
        if self.unfinished and (pick % 2 or not self.kept):
            self.story.tell(self.unfinished.pop(pick % len(self.unfinished)).success(), encoding=encoding)
        else:
            self.story.tell(self.kept.pop(pick % len(self.kept)), encoding=encoding)

    @rule(pick=PICK, again=st.sampled_from(["form", "json", "subscription", "all"]))
    def comes_again(self, pick: int, again: str) -> None:
        told = self.story.arrived[-1 - pick % len(self.story.arrived)]
        if again == "all":
            self.story.replay()
        elif again != "subscription" or told.delivery.event != "customer_updated":
            self.story.tell(told, encoding=again)

    # What goes wrong, and what others do

    @rule(trouble=TROUBLE)
    def trouble(self, trouble: tuple[Any, ...]) -> None:
        match trouble:
            case ("spoil", site, step, kind, times):
                self.story.spoil(site, step, kind, times)
            case ("outage", site, how):
                self.story.take_down(site, **how)
            case ("mend",):
                self.story.mend()
            case ("kill", write):
                self.story.dies_at = write

    @rule(what=ASIDE)
    def aside(self, what: tuple[Any, ...]) -> None:
        match what:
            case ("rule", offer, terms):
                self.story.set_rule(offer, terms)
            case ("owner", who, site, level, status):
                self.story.owner_acts(who, site, level, status)
            case ("moves", who, minutes) if who not in self.story.rooted and len(self.story.addresses) < ADDRESSES:
                self.story.wait(minutes=minutes)
                self.story.tell(self.story.moves(who, [bought for bought in self.orders if bought.buyer == who]))

    @rule(who=WHO, site=SITE, acts=st.lists(st.tuples(BY_HAND, LEVEL, MINUTES), min_size=1, max_size=3))
    def staff(self, who: str, site: str, acts: list[tuple[tuple[str, int | None], str, int]]) -> None:
        for (act, days), level, minutes in acts:
            until = self.story.wait(minutes=minutes).date() + timedelta(days=days) if days else EVER
            gives = act in ("grant", "extend")
            level = (level or "9") if gives else level
            has_it = self.story.books.has_by_hand(who, site, level, until)
            done = self.story.staff(who, site, act, level, until)
            assert act != "grant" or done is not has_it, "a level can be given at any time, once"

    @invariant()
    def the_sites_hold_what_the_books_say(self) -> None:
        self.story.check()

    def teardown(self) -> None:
        """At the end everything has arrived, and every site works."""
        if hasattr(self, "story"):
            self.story.mend()
            self.story.tell(*reversed(self.kept))
            self.story.check()

    def order(self, who: str, product: Offer, extras: list[Offer], minutes: int, halfway: bool, arrival: str) -> None:
        self.story.wait(minutes=minutes)
        bought = self.story.buys(who, product, *extras)
        self.orders.append(bought)
        if halfway and extras:
            self.unfinished.append(bought)
        self.send(bought.success([product.item] if halfway else None), arrival)

    def act(self, acts: list[tuple[str, int, str]], bought: Bought, offer: Offer) -> None:
        for act, minutes, arrival in acts:
            if act == "rebill" and not bought.can_rebill(offer):
                continue
            # No two charges in one second: which of them was first, nobody could tell.
            now = self.story.wait(minutes=minutes or (act == "rebill"))
            self.send(getattr(bought, act)(offer, now), arrival)

    def send(self, told: Told, arrival: str) -> None:
        if arrival == "kept":
            self.kept.append(told)
        else:
            self.story.tell(told, encoding=arrival)

    def running(self) -> list[tuple[Bought, Offer]]:
        return [(each, offer) for each in self.orders for offer in each.order.offers if each.can_rebill(offer)]

    def refundable(self) -> list[tuple[Bought, Offer]]:
        return [(each, o) for each in self.orders for o in each.order.offers if each.money.get(o.item, 0) > 0]

    @staticmethod
    def picked(found: list[tuple[Bought, Offer]], pick: int) -> tuple[Bought, Offer]:
        return found[-1 - pick % len(found)]
