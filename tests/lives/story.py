"""A story: what buyers, the seller, staff and sites' owners do, told to Guestlist and written in the books at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from guestlist.sandbox.cart.offers import Buyer, Offer
from guestlist.sandbox.cart.shop import Shop
from guestlist.sandbox.cart.subscriptions import underscored
from lives.oracle import EVER, ByHand, Oracle, Terms
from lives.shop import Bought, Told
from lives.world import FOLLOWS, SECRET, SITES, Death, World, killed_at

LEVEL_TERMS = {"8": relativedelta(months=1), "9": relativedelta(years=1), "10": None}
BEGIN = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
WELL: dict[str, Any] = {"down": None, "plugin_active": True, "faults": []}


class Story:
    """One life in a world of its own.

    Attributes:
        now: the story's time; it only goes on.
        addresses: who has, or had, which e-mail address.
        rooted: to whom staff gave something before they bought: nobody could know whose new address it is.
        broken: sites that do not work until they are mended.
        dies_at: the write to the database before which Guestlist dies the next time it works.
        death: whether it did, the last time that it should.
    """

    def __init__(self, world: World, rules: Mapping[Offer, Terms]) -> None:
        world.begin()
        self.world = world
        self.books = Oracle(LEVEL_TERMS)
        self.now = BEGIN
        self.shop = Shop(SECRET, clock=lambda: self.now, first_order=90_001_000)
        self.buyers: dict[str, Buyer] = {}
        self.addresses: dict[str, str] = {}
        self.rooted: set[str] = set()
        self.arrived: list[Told] = []
        self.owners: dict[str, list[dict[str, Any]]] = {site: [] for site in SITES}
        self.owners_people: set[tuple[str, int]] = set()
        self.broken: set[str] = set()
        self.dies_at: int | None = None
        self.death = Death()
        for offer, terms in rules.items():
            self.set_rule(offer, terms)

    def set_rule(self, offer: Offer, terms: Terms) -> None:
        """The seller says what an item gives from now on."""
        self.world.set_rule(offer.item, terms)
        self.books.rules[offer.item] = terms

    def wait(self, **time: int) -> datetime:
        """Time passes: `days=3`. Returns the time it is then."""
        self.now += timedelta(**time)
        return self.now

    def buys(self, who: str, *offers: Offer) -> Bought:
        """Somebody buys; Guestlist is not told yet."""
        if who not in self.buyers:
            self.buyers[who] = Buyer(email=f"{who}@buyers.test", first_name=who.title())
            self.addresses[f"{who}@buyers.test"] = who
        return Bought(self.shop.order(self.buyers[who], *offers), who)

    def moves(self, who: str, orders: list[Bought]) -> Told:
        """Somebody has another address from now on."""
        before, address = self.buyers[who], f"{who}{len(self.addresses)}@buyers.test"
        delivery = self.shop.customer_updated(before, address)
        self.buyers[who] = Buyer(email=address, first_name=before.first_name, known_as=before.known_as or before.email)
        self.addresses[address] = who
        for bought in orders:
            bought.order.buyer = self.buyers[who]
        return Told(delivery, ())

    def tell(self, *news: Told, encoding: str = "form") -> None:
        """Deliveries arrive, for the first time or again. `subscription`: as event subscriptions get them."""
        for told in news:
            match encoding:
                case "form":
                    bodies = [told.delivery.as_form()]
                case "json":
                    bodies = [told.delivery.as_json()]
                case _:
                    bodies = [delivery.as_json() for delivery in underscored(told.delivery)]
            for body in bodies:
                self.world.store(body)
            self.books.tell(*told.events)
            self.arrived.append(told)

    def replay(self) -> None:
        """Everything that ever arrived is read again."""
        self.world.replay_all()
        self.books.tell(*self.books.told)

    def staff(self, who: str, site: str, act: str, level: str = "", until: date = EVER) -> bool:
        """Somebody of the staff does something for a buyer at a site; False = it was refused."""
        self.world.interpret()
        done = self.world.by_hand(site, self.buyers[who].email, act, level, until, self.now)
        if done:
            self.books.acts.append(ByHand(buyer=who, site=site, act=act, level=level, at=self.now, until=until))
            if not self.books.has_bought_at(who, site):
                self.rooted.add(who)
        return done

    def owner_acts(self, who: str, site: str, level: str, status: str = "complete") -> None:
        """The site's owner makes a transaction by hand, and the member if need be."""
        mine = [person for person in self.world.people(site) if self.addresses[person["email"].lower()] == who]
        member = mine[0] if mine else self.world.owner("members", {"email": self.buyers[who].email}, site)
        if not mine:
            self.owners_people.add((site, member["id"]))
        self.world.owner("transactions", {"member": member["id"], "membership": int(level), "status": status}, site)
        self.owners[site] = self.world.owners_own(site)

    def spoil(self, site: str, step: str, kind: str, times: int = 1) -> None:
        """The site's next answers to such requests go wrong."""
        self.world.switch(site, faults=[{"match": step, "kind": kind, "times": times, "retry_after": 1}])

    def take_down(self, site: str, **how: Any) -> None:
        """The site does not work until it is mended."""
        self.world.switch(site, **how)
        self.broken.add(site)

    def mend(self) -> None:
        """All sites work again."""
        for site in self.broken:
            self.world.switch(site, key=self.world.sandbox.key, **WELL)
        self.broken.clear()

    def check(self) -> None:
        """Guestlist works off what there is to do; then every site that works holds what the books say."""
        if self.dies_at is not None:
            with killed_at(self.dies_at) as self.death:
                self.world.interpret()
                for site in SITES:
                    self.world.run_lane(site)
            self.dies_at = None
        self.world.interpret()
        for site in self.broken:
            self.world.run_lane(site)
        expected = self.books.expected()
        for site in sorted(SITES.keys() - self.broken):
            self.world.settle(site)
            given = self.world.given(site, self.addresses)
            wanted = Counter({row: times for row, times in expected.items() if row.site == site})
            assert given == wanted, f"missing: {sorted(wanted - given)}; too much: {sorted(given - wanted)}"
            troubles, owners = self.world.troubles(site), self.world.owners_own(site)
            assert not troubles, troubles
            assert owners == self.owners[site], f"the owner's transactions were {self.owners[site]}, now {owners}"
            assert max(self.world.mails(site).values(), default=0) <= 1, self.world.mails(site)
            self._check_addresses(site)

    def _check_addresses(self, site: str) -> None:
        """Guestlist makes each buyer at most once at a site; where addresses follow, they have the newest one."""
        made = [person["email"] for person in self.world.people(site) if (site, person["id"]) not in self.owners_people]
        who = [self.addresses[email.lower()] for email in made]
        assert len(set(who)) == len(who), made
        assert site != FOLLOWS or made == [self.buyers[name].email for name in who], made

    def has(self, who: str, site: str) -> dict[str, date]:
        """Somebody's levels at a site with their last days, after all that was told: what Guestlist gives."""
        self.check()
        found: dict[str, date] = {}
        for row in self.world.given(site, self.addresses):
            if row.buyer == who:
                found[row.level] = max(found.get(row.level, date.min), row.until)
        return found
