"""Which item a part of the body is about. Ids count only together with their type (reference thrivecart 0.4)."""

from __future__ import annotations

from collections.abc import Mapping

from guestlist.carts.contract import Unreadable
from guestlist.carts.thrivecart.values import REPORT, Fields, quoted
from guestlist.domain.facts import Item, ItemType

# The product last: offers name the product they hang on as well.
_BY_OWN_ID = (ItemType.BUMP, ItemType.UPSELL, ItemType.DOWNSELL, ItemType.PRODUCT)


def joined(word: str) -> Item | None:
    """The item of a word like `product-12` or `product_12`; None if it names none."""
    try:
        return Item.parse(word.lower().replace("_", "-"))
    except ValueError:
        return None


def numbered(kind: ItemType, number: str | None) -> Item | None:
    """The item of a number, which may already carry its type (`product-12`); None where there is none."""
    return (joined(number) or joined(f"{kind}-{number}")) if number else None


def item_type(word: str) -> ItemType | None:
    """The type that a word names."""
    try:
        return ItemType(word.lower())
    except ValueError:
        return None


def subject(fields: Fields, expected: ItemType | None = None) -> Item:
    """The item that a `subscription` or `refund` is about. Its `id` is the item's id (reference thrivecart 0.3).

    Args:
        fields: the part of the body.
        expected: the type, where the event's name says it.

    Raises:
        Unreadable: no type, or no id.
    """
    item = joined(fields.text("item_identifier")) or _by_type(fields, expected) or _by_own_id(fields)
    if item is None:
        said = fields.text("item_type", "type")
        if said and item_type(said) is None:
            place = fields.place("type")
            raise Unreadable(place, f"{quoted(said)} is none of product, bump, upsell and downsell", REPORT)
        raise Unreadable(fields.place("id"), "it does not say which item it is about", REPORT)
    return item


def _by_type(fields: Fields, expected: ItemType | None) -> Item | None:
    known = item_type(fields.text("item_type")) or item_type(fields.text("type")) or expected
    return numbered(known, fields.identifier("id", "item_id", f"{known}_id", "reference")) if known else None


def _by_own_id(fields: Fields) -> Item | None:
    if fields.text("item_type", "type"):
        return None
    for known in _BY_OWN_ID:
        if item := numbered(known, fields.identifier(f"{known}_id")):
            return item
    return None


def of_charge(row: Fields, named: Mapping[Item, str]) -> Item | None:
    """The item of a charge row. There `type` is single or recurring, never the item's type.

    Args:
        row: the charge.
        named: the order's items with their names. Rows of 2018 carry a bare number, which belongs to the item of
            that number in the order; where several types share it, to the one of the same name.
    """
    number = row.identifier("reference", "item_id") or ""
    known = item_type(row.text("item_type"))
    item = joined(row.text("item_identifier")) or joined(number) or (numbered(known, number) if known else None)
    if item is not None or row.text("item_type") or not number:
        return item
    candidates = [item for item in named if item.id == number]
    same_name = [item for item in candidates if named[item] == row.text("name")]
    return next(iter([*same_name, *candidates]), None) or numbered(ItemType.PRODUCT, number)


def purchase_map(body: Fields) -> dict[Item, str]:
    """The order's items with their names ("" where not said).

    `accessible_...` may leave out what was refunded or declined, so it stands in only where the others are missing.
    """
    for name in ("purchase_map", "purchase_map_flat", "accessible_purchase_map", "accessible_purchase_map_flat"):
        words = body.words(name)
        if words:
            names = body.words("purchases")
            aligned = len(names) == len(words)
            pairs = zip(words, names if aligned else [""] * len(words), strict=True)
            return {item: label for word, label in pairs if (item := joined(word))}
    return {}
