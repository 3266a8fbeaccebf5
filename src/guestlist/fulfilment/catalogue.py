"""What is on sale, as far as is known: learned from what was sold, and from the rules.

Written where deliveries are interpreted. It is read first and written only where something is new, so that popular
products do not have all interpreters wait for one row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from guestlist.connections.models import Cart
from guestlist.domain.facts import Item, ItemType, OrderPlaced
from guestlist.domain.rules import Rule
from guestlist.fulfilment.models import KnownOption, SoldWith
from guestlist.fulfilment.models import Rule as StoredRule
from guestlist.fulfilment.rules import as_rule
from guestlist.orders.codec import StoredFact

ADD_ONS = (ItemType.BUMP, ItemType.UPSELL, ItemType.DOWNSELL)
_VALUES = ("name", "option_name", "billing", "price_minor", "currency")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A pricing option; `id` None = the cart names none. `price_minor` is the first charge as last sold."""

    id: str | None
    name: str
    billing: str
    price_minor: int
    currency: str
    seen_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueItem:
    """Something on sale.

    Attributes:
        options: as sold, or as rules name them.
        rules: those that name it, the one for all options first.
        products: for a bump, upsell or downsell: the products it was sold with.
    """

    cart: str
    item: Item
    name: str
    options: tuple[Option, ...]
    rules: tuple[Rule, ...]
    products: tuple[Item, ...]

    @property
    def named_options(self) -> tuple[Option, ...]:
        """The options that the cart tells apart."""
        return tuple(option for option in self.options if option.id is not None)

    def rule_of(self, option: str | None) -> Rule | None:
        """The rule for just this option; None as the option: the one for all."""
        return next((rule for rule in self.rules if rule.option == option), None)

    @property
    def was_sold(self) -> bool:
        """Whether anybody bought it, in test mode or live."""
        return any(option.seen_on for option in self.options)

    @property
    def gives_access(self) -> bool:
        """Whether any rule gives a level; rules without levels say that there is none, on purpose."""
        return any(rule.grants for rule in self.rules)

    @property
    def mapped(self) -> bool:
        """Whether a rule applies to each option that was ever sold."""
        return self.rule_of(None) is not None or (
            bool(self.rules) and all(self.rule_of(option.id) for option in self.options)
        )


def learn(cart_id: str, facts: Iterable[StoredFact]) -> None:
    """Note what these facts tell of items. To be called within the transaction that records them."""
    wanted = {(row.item, row.option): row for row in _options(cart_id, facts)}
    if not wanted:
        return
    items = {item for item, _ in wanted}
    known = {(row.item, row.option): row for row in KnownOption.objects.filter(cart=cart_id, item__in=items)}
    new = [row for key, row in sorted(wanted.items(), key=_by_text) if key not in known]
    KnownOption.objects.bulk_create(new, ignore_conflicts=True)
    for key, row in sorted(wanted.items(), key=_by_text):
        before = known.get(key)
        if before is not None and before.seen_on <= row.seen_on and _says_more(row, before):
            row.pk = before.pk
            row.save(force_update=True)
    _learn_pairs(cart_id, facts)


def _by_text(entry: tuple[tuple[str, str | None], KnownOption]) -> tuple[str, str]:
    (item, option), _ = entry
    return item, option or ""


def _says_more(row: KnownOption, before: KnownOption) -> bool:
    return row.seen_on > before.seen_on or any(getattr(row, name) != getattr(before, name) for name in _VALUES)


def _options(cart_id: str, facts: Iterable[StoredFact]) -> Iterator[KnownOption]:
    for fact in facts:
        if isinstance(fact, OrderPlaced):
            for line in fact.lines:
                yield KnownOption(
                    cart_id=cart_id,
                    item=str(line.item),
                    option=line.option,
                    name=line.name,
                    option_name=line.option_name,
                    billing=line.billing.value,
                    price_minor=line.paid_minor,
                    currency=fact.currency,
                    seen_on=fact.at.date(),
                )


def _learn_pairs(cart_id: str, facts: Iterable[StoredFact]) -> None:
    pairs = set(pairs_in(facts))
    if not pairs:
        return
    products = {product for product, _ in pairs}
    known = set(SoldWith.objects.filter(cart=cart_id, product__in=products).values_list("product", "item"))
    new = [SoldWith(cart_id=cart_id, product=product, item=item) for product, item in sorted(pairs - known)]
    SoldWith.objects.bulk_create(new, ignore_conflicts=True)


def pairs_in(facts: Iterable[StoredFact]) -> Iterator[tuple[str, str]]:
    """Product and add-on, for each add-on that was in one order with a product."""
    for fact in facts:
        if isinstance(fact, OrderPlaced):
            products = [str(line.item) for line in fact.lines if line.item.type is ItemType.PRODUCT]
            others = [str(line.item) for line in fact.lines if line.item.type in ADD_ONS]
            yield from ((product, other) for product in products for other in others)


def catalogue(cart_id: str | None = None) -> list[CatalogueItem]:
    """All items of the connected carts (or of one): products by name, each followed by what was sold with it."""
    carts = Cart.objects.filter(active=True)
    if cart_id is not None:
        carts = carts.filter(pk=cart_id)
    ids = list(carts.order_by("pk").values_list("pk", flat=True))
    options: defaultdict[tuple[str, str], list[KnownOption]] = defaultdict(list)
    for row in KnownOption.objects.filter(cart__in=ids).order_by("option_name", "option"):
        options[row.cart_id, row.item].append(row)
    rules: defaultdict[tuple[str, str], list[Rule]] = defaultdict(list)
    for stored in StoredRule.objects.filter(cart__in=ids).order_by("id"):
        rules[stored.cart_id, stored.item].append(as_rule(stored))
    products: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
    for pair in SoldWith.objects.filter(cart__in=ids).order_by("product"):
        products[pair.cart_id, pair.item].append(Item.parse(pair.product))
    found = [_item(*key, options[key], rules[key], products[key]) for key in options.keys() | rules.keys()]
    return sorted(found, key=_place(found))


def catalogue_item(cart_id: str, item: Item) -> CatalogueItem | None:
    """One item; None = it was never sold and no rule names it."""
    return next((found for found in catalogue(cart_id) if found.item == item), None)


def add_ons(among: Iterable[CatalogueItem], product: CatalogueItem) -> list[CatalogueItem]:
    """What was sold with a product."""
    return [found for found in among if found.cart == product.cart and product.item in found.products]


def _item(cart: str, item: str, sold: list[KnownOption], rules: list[Rule], products: list[Item]) -> CatalogueItem:
    options = [
        Option(
            id=row.option,
            name=row.option_name,
            billing=row.billing,
            price_minor=row.price_minor,
            currency=row.currency,
            seen_on=row.seen_on,
        )
        for row in sold
    ]
    known = {option.id for option in options}
    options += [
        Option(id=rule.option, name="", billing="", price_minor=0, currency="", seen_on=None)
        for rule in rules
        if rule.option is not None and rule.option not in known
    ]
    latest = max(sold, key=lambda row: row.seen_on, default=None)
    return CatalogueItem(
        cart=cart,
        item=Item.parse(item),
        name=(latest.name if latest else "") or item,
        options=tuple(options),
        rules=tuple(sorted(rules, key=lambda rule: rule.option or "")),
        products=tuple(products),
    )


Place = tuple[str, str, str, int, str, str]


def _place(found: Iterable[CatalogueItem]) -> Callable[[CatalogueItem], Place]:
    names = {(entry.cart, entry.item): entry.name.lower() for entry in found}
    order = list(ItemType)

    def place(entry: CatalogueItem) -> Place:
        # An add-on stands behind its (first) product; one that was sold alone, at the end.
        product = entry.item if entry.item.type is ItemType.PRODUCT else next(iter(entry.products), None)
        first = names.get((entry.cart, product), "") if product else "\uffff"
        return entry.cart, first, str(product or ""), order.index(entry.item.type), entry.name.lower(), str(entry.item)

    return place
