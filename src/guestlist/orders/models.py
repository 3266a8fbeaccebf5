"""Customers, orders and facts.

Charges and subscriptions are what folding an order's facts gives; what lists of orders are searched by is kept with the
order (`orders.summary`).
"""

from __future__ import annotations

from typing import Any

from django.db import models

from guestlist.connections.models import Cart


def name_key(first_name: str, last_name: str) -> str:
    """A name as it is searched and sorted: lower case by Python's rules, which are the same on every database."""
    return f"{first_name} {last_name}".strip().lower()


class Customer(models.Model):
    """A cart's customer. Known by the cart's own id; by e-mail only where the cart gives no id."""

    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="customers")
    external_id = models.CharField(max_length=64, null=True)
    email = models.CharField(max_length=320)
    # Lower case; what is searched and compared.
    email_key = models.CharField(max_length=320, db_index=True)
    first_name = models.CharField(max_length=200, default="", blank=True)
    last_name = models.CharField(max_length=200, default="", blank=True)
    # Both names, and the last one, as they are searched.
    name_key = models.CharField(max_length=401, default="", blank=True)
    surname_key = models.CharField(max_length=200, default="", blank=True)
    # When the fact that these values come from happened, so that a late delivery does not bring an old address back.
    as_of = models.DateTimeField()
    # When all that told who it is was erased; what is left are orders that are nobody's.
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "external_id"], name="customer_by_cart_id"),
            models.UniqueConstraint(
                fields=["cart", "email_key"], condition=models.Q(external_id=None), name="customer_by_email"
            ),
        ]
        indexes = [
            models.Index(fields=["name_key"], name="customer_by_name", opclasses=["varchar_pattern_ops"]),
            models.Index(fields=["surname_key"], name="customer_by_surname", opclasses=["varchar_pattern_ops"]),
        ]

    def save(self, *args: Any, **values: Any) -> None:
        """Store, with the names as they are searched."""
        self.name_key, self.surname_key = name_key(self.first_name, self.last_name), self.last_name.lower()
        super().save(*args, **values)


class Order(models.Model):
    """One order at one cart; test and live orders with one number are two orders."""

    # `order_newest_of_cart` serves as this one's index.
    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="orders", db_index=False)
    external_id = models.CharField(max_length=64)
    mode = models.CharField(max_length=8)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    # The earliest moment any fact of the order tells of; the order's own date once it was delivered.
    placed_at = models.DateTimeField()
    invoice_id = models.CharField(max_length=64, default="", blank=True, db_index=True)
    currency = models.CharField(max_length=8, default="", blank=True)
    # What was bought and no rule names: [{"item", "option", "name", "charge_key"}], as of the last plan.
    unmapped = models.JSONField(default=list)
    # Nothing was ever planned for it: its mode is not fulfilled, or nobody knows the customer's address.
    held = models.BooleanField(default=True)
    # As of its facts (`orders.summary`): all that was paid, tax included and refunds not taken off; and what stands
    # against any of its items.
    paid_minor = models.BigIntegerField(default=0)
    refunded = models.BooleanField(default=False)
    cancelled = models.BooleanField(default=False)
    failing = models.BooleanField(default=False)
    paused = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "mode", "external_id"], name="order_by_number"),
        ]
        # Lists are sorted by date. What few orders have is an index of those few, in the same order.
        indexes = [
            models.Index(fields=["-id", "cart"], name="order_newest"),
            models.Index(fields=["placed_at", "id"], name="order_by_date"),
            models.Index(fields=["cart", "placed_at", "id"], name="order_newest_of_cart"),
            models.Index(fields=["id"], condition=~models.Q(unmapped=[]), name="order_unmapped"),
            models.Index(fields=["placed_at", "id"], condition=~models.Q(unmapped=[]), name="order_unmapped_by_date"),
            models.Index(fields=["placed_at", "id"], condition=~models.Q(mode="live"), name="order_not_live"),
            models.Index(fields=["placed_at", "id"], condition=models.Q(held=True), name="order_held"),
            models.Index(fields=["placed_at", "id"], condition=models.Q(refunded=True), name="order_refunded"),
            models.Index(fields=["placed_at", "id"], condition=models.Q(cancelled=True), name="order_cancelled"),
            models.Index(fields=["placed_at", "id"], condition=models.Q(failing=True), name="order_failing"),
            models.Index(fields=["placed_at", "id"], condition=models.Q(paused=True), name="order_paused"),
        ]


class OrderItem(models.Model):
    """One bought item of an order, for lists of orders and of what was ever sold."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="items", db_index=False)
    # These two are the order's own: orders are found by item, newest first.
    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="+", db_index=False)
    placed_at = models.DateTimeField()
    item = models.CharField(max_length=80)
    # The pricing option of the latest charge; null = none, or not said.
    option = models.CharField(max_length=64, null=True)
    name = models.TextField(default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "item"], name="item_once_per_order")]
        indexes = [models.Index(fields=["cart", "item", "placed_at", "id"], name="order_newest_of_item")]


class Fact(models.Model):
    """One thing that happened to an order (or, without an order, to a customer), as one delivery told it.

    Two deliveries may tell the same, in more or less detail; folding keeps one. So what a delivery told can be taken
    back when it is read again, without taking it from the other one.
    """

    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="+")
    order = models.ForeignKey(Order, on_delete=models.CASCADE, null=True, related_name="facts")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="facts")
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=300)
    at = models.DateTimeField()
    # The domain fact as JSON (orders.codec).
    data = models.JSONField()
    # The delivery that told it (inbox.Delivery.id; no foreign key, because deliveries are pruned).
    delivery_id = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["delivery_id", "order", "key"], name="fact_once_per_delivery", nulls_distinct=False
            ),
        ]
