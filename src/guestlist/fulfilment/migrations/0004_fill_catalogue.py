"""Fills the catalogue from the orders that are stored."""

from django.db import migrations

from guestlist.domain.facts import ItemType
from guestlist.orders.codec import fact_from_json

AT_ONCE = 2000
ADD_ONS = (ItemType.BUMP, ItemType.UPSELL, ItemType.DOWNSELL)


def fill(apps, _schema_editor):
    Fact, KnownOption, SoldWith = (
        apps.get_model("orders", "Fact"),
        apps.get_model("fulfilment", "KnownOption"),
        apps.get_model("fulfilment", "SoldWith"),
    )
    options, pairs = {}, set()
    placed = Fact.objects.filter(kind="order_placed").order_by("id").values_list("cart_id", "data")
    for cart_id, data in placed.iterator(AT_ONCE):
        fact = fact_from_json(data)
        for line in fact.lines:
            key = (cart_id, str(line.item), line.option)
            before = options.get(key)
            if before is None or before.seen_on <= fact.at.date():
                options[key] = KnownOption(
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
        products = [str(line.item) for line in fact.lines if line.item.type is ItemType.PRODUCT]
        others = [str(line.item) for line in fact.lines if line.item.type in ADD_ONS]
        pairs |= {(cart_id, product, other) for product in products for other in others}
    KnownOption.objects.bulk_create(options.values(), ignore_conflicts=True)
    SoldWith.objects.bulk_create(
        (SoldWith(cart_id=cart_id, product=product, item=item) for cart_id, product, item in sorted(pairs)),
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("fulfilment", "0003_catalogue_and_align_runs"),
        ("orders", "0001_initial"),
    ]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
