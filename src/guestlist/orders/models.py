"""Customers, orders and facts. Lines, charges and subscriptions are what folding an order's facts gives."""

from __future__ import annotations

from django.db import models

from guestlist.connections.models import Cart


class Customer(models.Model):
    """A cart's customer. Known by the cart's own id; by e-mail only where the cart gives no id."""

    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="customers")
    external_id = models.CharField(max_length=64, null=True)
    email = models.CharField(max_length=320)
    # Lower case; what is searched and compared.
    email_key = models.CharField(max_length=320, db_index=True)
    first_name = models.CharField(max_length=200, default="", blank=True)
    last_name = models.CharField(max_length=200, default="", blank=True)
    # When the fact that these values come from happened, so that a late delivery does not bring an old address back.
    as_of = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "external_id"], name="customer_by_cart_id"),
            models.UniqueConstraint(
                fields=["cart", "email_key"], condition=models.Q(external_id=None), name="customer_by_email"
            ),
        ]


class Order(models.Model):
    """One order at one cart; test and live orders with one number are two orders."""

    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="orders")
    external_id = models.CharField(max_length=64)
    mode = models.CharField(max_length=8)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    # The earliest moment any fact of the order tells of; the order's own date once it was delivered.
    placed_at = models.DateTimeField()
    invoice_id = models.CharField(max_length=64, default="", blank=True, db_index=True)
    currency = models.CharField(max_length=8, default="", blank=True)
    # What was bought and no rule names: [{"item", "option", "name", "charge_key"}], as of the last plan.
    unmapped = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "mode", "external_id"], name="order_by_number"),
        ]
        indexes = [
            models.Index(fields=["-id", "cart"], name="order_newest"),
            models.Index(fields=["id"], condition=~models.Q(unmapped=[]), name="order_unmapped"),
        ]


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
