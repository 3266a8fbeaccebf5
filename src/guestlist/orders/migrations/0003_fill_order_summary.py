"""Fills what lists of orders are searched by, from the facts that are stored."""

from collections import defaultdict

from django.db import connection, migrations

from guestlist.domain.facts import CustomerChanged
from guestlist.domain.history import fold
from guestlist.orders.codec import fact_from_json

AT_ONCE = 1000


def fill_orders(apps, _schema_editor):
    Order, Fact, OrderItem = (apps.get_model("orders", name) for name in ("Order", "Fact", "OrderItem"))
    last = 0
    while orders := list(Order.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = orders[-1].pk
        facts = defaultdict(list)
        stored = Fact.objects.filter(order__in=orders).order_by("id").values_list("order_id", "data")
        for order_id, data in stored:
            fact = fact_from_json(data)
            if not isinstance(fact, CustomerChanged):
                facts[order_id].append(fact)
        items = []
        for order in orders:
            history = fold(facts[order.pk])
            charges, bought = history.charges, history.items
            order.currency = order.currency or next((charge.currency for charge in charges), "")
            order.paid_minor = sum(charge.total_minor for charge in charges)
            order.refunded = any(charge.refund is not None for charge in charges)
            order.cancelled = any(each.standing.cancelled_at is not None for each in bought)
            order.failing = any(each.standing.failing_since is not None for each in bought)
            order.paused = any(each.standing.paused_at is not None for each in bought)
            items += [
                OrderItem(
                    order_id=order.pk,
                    cart_id=order.cart_id,
                    placed_at=order.placed_at,
                    item=str(each.item),
                    option=each.charges[-1].option,
                    name=each.name,
                )
                for each in bought
            ]
        Order.objects.bulk_update(orders, ["currency", "paid_minor", "refunded", "cancelled", "failing", "paused"])
        # A migration that was interrupted begins anew.
        OrderItem.objects.bulk_create(items, ignore_conflicts=True)


def fill_held(_apps, _schema_editor):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE orders_order o SET held = false
             WHERE unmapped <> '[]'::jsonb
                OR EXISTS (SELECT 1 FROM fulfilment_decision decided WHERE decided.order_id = o.id)
            """
        )


def fill_customers(apps, _schema_editor):
    Customer = apps.get_model("orders", "Customer")
    last = 0
    while customers := list(Customer.objects.filter(pk__gt=last).order_by("pk")[:AT_ONCE]):
        last = customers[-1].pk
        for customer in customers:
            customer.name_key = f"{customer.first_name} {customer.last_name}".strip().lower()
            customer.surname_key = customer.last_name.lower()
        Customer.objects.bulk_update(customers, ["name_key", "surname_key"])


class Migration(migrations.Migration):
    # In batches, each stored by itself: a million orders are too many for one transaction.
    atomic = False

    dependencies = [("orders", "0002_order_summary"), ("fulfilment", "0002_initial")]

    operations = [
        migrations.RunPython(fill_orders, migrations.RunPython.noop),
        migrations.RunPython(fill_held, migrations.RunPython.noop),
        migrations.RunPython(fill_customers, migrations.RunPython.noop),
    ]
