"""What changed rules would do to people who bought before, and what a rule comes to by example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import psycopg
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from guestlist.connections.models import Cart
from guestlist.dashboard.products.forms import sites_with_levels, titles_of
from guestlist.domain.facts import Billing, Item
from guestlist.domain.rules import Rule, Target
from guestlist.domain.terms import LevelTerms
from guestlist.fulfilment.align import preview
from guestlist.fulfilment.alignment import Alignment
from guestlist.fulfilment.catalogue import CatalogueItem, Option
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.levels_held import LevelChange
from guestlist.fulfilment.outlook import Lasting, Sale, outlook
from guestlist.fulfilment.rules import rules_of

# A page looks at so many orders; the counts are of all.
LOOKED_AT = 200
SHOWN = 10
# With a great many orders counting takes seconds; a page does not wait for longer than this.
COUNT_AT_MOST_MS = 20_000
SAMPLE_MONTH, SAMPLE_DAY = 3, 3


def effect(cart_id: str, item: Item, rules: Sequence[Rule] | None = None) -> Alignment | None:
    """What bringing past sales of an item in line would change; None = counting takes too long for a page.

    Args:
        rules: the item's rules as entered; those that are stored, if left out.
    """
    in_force = None
    if rules is not None:
        by_cart = {cart.pk: rules_of(cart.pk) for cart in Cart.objects.filter(active=True)}
        by_cart[cart_id] = [*(rule for rule in by_cart.get(cart_id, []) if rule.item != item), *rules]
        in_force = InForce(rules=by_cart)
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(COUNT_AT_MOST_MS)])
            found = preview(cart_id, item, at_most=LOOKED_AT, shown=SHOWN, in_force=in_force)
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return None
        raise
    titles = titles_of(sites_with_levels())
    return replace(found, shown=tuple(_by_name(change, titles) for change in found.shown))


def _by_name(change: LevelChange, titles: Mapping[Target, str]) -> LevelChange:
    return replace(change, level=titles.get(Target(change.place.site, change.level), change.level))


@dataclass(frozen=True, slots=True)
class Row:
    """What happens, and what access it leaves, level by level."""

    happens: str
    results: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Examples of one way to pay."""

    title: str
    rows: list[Row]


def examples(
    rule: Rule, entry: CatalogueItem, terms: Mapping[Target, LevelTerms], titles: Mapping[Target, str]
) -> list[Group]:
    """What buyers get and lose under a rule."""
    paid_on = date(timezone.localdate().year, SAMPLE_MONTH, SAMPLE_DAY)
    return [
        Group(
            _paid(sale),
            [Row(one.happens, _results(one.levels, titles)) for one in outlook(rule, terms, [sale], paid_on)],
        )
        for sale in _sales(entry, rule.option)
    ]


def _paid(sale: Sale) -> str:
    match sale:
        case Sale.ONCE:
            return _("Paid once")
        case Sale.SUBSCRIPTION:
            return _("A subscription")
        case Sale.PLAN:
            return _("A plan of several payments")


def _sales(entry: CatalogueItem, option: str | None) -> list[Sale]:
    """How the item is sold; all ways where that is not known."""
    billings = {known.billing for known in entry.options if _concerns(known, option) and known.billing}
    found = [Sale.ONCE] if Billing.ONE_TIME in billings else []
    found += [Sale.SUBSCRIPTION, Sale.PLAN] if Billing.RECURRING in billings else []
    return found or list(Sale)


def _concerns(known: Option, option: str | None) -> bool:
    return option is None or known.id == option


def _results(levels: Sequence[Lasting], titles: Mapping[Target, str]) -> tuple[str, ...]:
    said = [_said(level) for level in levels]
    if len(set(said)) == 1:
        return (said[0][:1].upper() + said[0][1:],)
    return tuple(
        f"{titles.get(level.target, level.target.level)}: {words}" for level, words in zip(levels, said, strict=True)
    )


def _said(level: Lasting) -> str:
    if level.unknown:
        return _("known once the site's levels are read")
    if level.ended:
        return _("access ends")
    if level.until_on is None:
        return _("access for ever")
    return _("access until %(day)s") % {"day": date_format(level.until_on, _("j F Y"))}
