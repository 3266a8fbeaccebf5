"""What is on sale, learned from what was sold and from the rules."""

from __future__ import annotations

import importlib

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

import stored
from db.conftest import make_cart
from db.test_planning import save
from factories import MONTH, line, placed, rule
from guestlist.domain.facts import Item
from guestlist.fulfilment.catalogue import CatalogueItem, add_ons, catalogue, catalogue_item, learn
from guestlist.fulfilment.models import KnownOption, SoldWith

pytestmark = pytest.mark.django_db

COURSE = line("product-12", name="Course", option="1", option_name="Monthly", paid_minor=2900, frequency=MONTH)
COURSE_ONCE = line("product-12", name="Course", option="2", option_name="Once", paid_minor=29900)
BUMP = line("bump-3", name="Brushes")
UPSELL = line("upsell-4", name="Masterclass")


def sell(*lines: object, on: str = "2026-03-10", cart: str = "shop") -> None:
    learn(cart, [placed(on, *lines)])  # type: ignore[arg-type]


def names(found: list[CatalogueItem]) -> list[str]:
    return [f"{entry.item} {entry.name}" for entry in found]


@pytest.fixture(autouse=True)
def shop(db: None) -> None:
    make_cart("shop")


def test_products_come_by_name_each_with_what_was_sold_with_it() -> None:
    sell(COURSE, UPSELL, BUMP)
    sell(line("product-2", name="Art club"))
    assert names(catalogue()) == ["product-2 Art club", "product-12 Course", "bump-3 Brushes", "upsell-4 Masterclass"]
    found = catalogue()
    assert names(add_ons(found, found[1])) == ["bump-3 Brushes", "upsell-4 Masterclass"]
    assert add_ons(found, found[0]) == []


def test_options_are_told_apart_with_how_they_are_paid() -> None:
    sell(COURSE)
    sell(COURSE_ONCE)
    options = {option.id: option for option in catalogue()[0].named_options}
    assert (options["1"].name, options["1"].billing, options["1"].price_minor) == ("Monthly", "recurring", 2900)
    assert (options["2"].name, options["2"].billing, options["2"].price_minor) == ("Once", "one-time", 29900)


def test_the_latest_name_counts_in_whatever_order_deliveries_come() -> None:
    sell(line("product-12", name="New name"), on="2026-05-01")
    sell(line("product-12", name="Old name"), on="2026-03-01")
    assert names(catalogue()) == ["product-12 New name"]


def test_an_item_that_is_known_costs_two_reads_and_no_write() -> None:
    sell(COURSE, BUMP)
    with CaptureQueriesContext(connection) as queries:
        sell(COURSE, BUMP)
    assert [query["sql"].split()[0] for query in queries] == ["SELECT", "SELECT"]


def test_items_and_options_that_only_rules_name_are_there() -> None:
    save(rule("product-12", "academy/8", option="7"))
    (found,) = catalogue()
    assert (found.name, [option.id for option in found.options]) == ("product-12", ["7"])
    assert found.mapped


@pytest.mark.parametrize(
    ("options", "mapped"), [((), False), (("1",), False), (("1", "2"), True), ((None,), True), (("1", None), True)]
)
def test_an_item_is_mapped_once_each_option_that_was_sold_has_a_rule(
    options: tuple[str | None, ...], mapped: bool
) -> None:
    sell(COURSE)
    sell(COURSE_ONCE)
    save(*(rule("product-12", "academy/8", option=option) for option in options))
    assert catalogue()[0].mapped is mapped


def test_the_same_item_at_two_carts_is_two_items_and_a_disconnected_cart_has_none() -> None:
    other = make_cart("other")
    sell(COURSE)
    sell(COURSE, cart="other")
    assert [entry.cart for entry in catalogue()] == ["other", "shop"]
    assert [entry.cart for entry in catalogue("shop")] == ["shop"]
    other.active = False
    other.save()
    assert [entry.cart for entry in catalogue()] == ["shop"]
    assert catalogue_item("shop", Item.parse("product-99")) is None


def test_what_was_sold_before_the_catalogue_is_filled_in() -> None:
    stored.deliver(placed("2026-03-10", COURSE, BUMP))
    stored.deliver(placed("2026-03-12", COURSE_ONCE, order_id="7002"))
    fill = importlib.import_module("guestlist.fulfilment.migrations.0004_fill_catalogue").fill
    assert not KnownOption.objects.exists()
    fill(apps, None)
    fill(apps, None)
    before = _rows()
    KnownOption.objects.all().delete()
    SoldWith.objects.all().delete()
    sell(COURSE, BUMP)
    sell(COURSE_ONCE, on="2026-03-12")
    assert _rows() == before


def _rows() -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    fields = [field.name for field in KnownOption._meta.fields if field.name != "id"]
    options = KnownOption.objects.order_by("item", "option").values_list(*fields)
    return list(options), list(SoldWith.objects.order_by("item").values_list("cart", "product", "item"))
