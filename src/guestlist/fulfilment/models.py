"""Rules as stored, and the rule each charge was decided by."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from guestlist.connections.models import Cart
from guestlist.orders.models import Order


class Rule(models.Model):
    """What an item gives; the fields are those of `[[rules]]` in the settings file (docs/reference)."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="rules")
    item = models.CharField(max_length=80)
    option = models.CharField(max_length=64, null=True)
    # [{"site": "academy", "level": "8"}], in the seller's order: the first level carries the charge's amount.
    grants = models.JSONField()
    access = models.CharField(max_length=24, default="auto")
    grace_days = models.PositiveSmallIntegerField(default=3)
    on_refund = models.CharField(max_length=16, default="revoke")
    on_partial_refund = models.CharField(max_length=16, default="keep")
    on_cancel = models.CharField(max_length=16, default="period-end")
    on_failed_payment = models.CharField(max_length=16, default="grace")
    on_pause = models.CharField(max_length=16, default="period-end")
    after_last_payment = models.CharField(max_length=16, default="forever")
    welcome_email = models.CharField(max_length=16, default="new")
    password_email = models.CharField(max_length=16, default="new")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["cart", "item", "option"], name="rule_once_per_item_and_option", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cart_id} {self.item}" + (f" option {self.option}" if self.option else "")


class Decision(models.Model):
    """The rule and level terms that were in force when a charge was first planned.

    A rule that is changed later does not silently change what people already have: their charges keep the decision.
    """

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="decisions")
    item = models.CharField(max_length=80)
    charge_key = models.CharField(max_length=120)
    # The pricing option that the charge was known to have; once another is known, the charge is decided anew.
    option = models.CharField(max_length=64, null=True)
    # The rule in the shape of the settings file, and {"site/level": terms} for the levels it names.
    rule = models.JSONField()
    level_terms = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "item", "charge_key"], name="decision_once_per_charge"),
        ]


class KnownOption(models.Model):
    """An item in one of its pricing options, as deliveries named it last; for choosing what it gives."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="known_options")
    item = models.CharField(max_length=80)
    # Null = the cart named no option.
    option = models.CharField(max_length=64, null=True)
    name = models.TextField(default="", blank=True)
    option_name = models.TextField(default="", blank=True)
    billing = models.CharField(max_length=12, default="", blank=True)
    # The first charge, tax left out.
    price_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=8, default="", blank=True)
    # When it was sold last, to the day.
    seen_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["cart", "item", "option"], name="known_option_once", nulls_distinct=False),
        ]


class SoldWith(models.Model):
    """A bump, upsell or downsell that was in one order with a product."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="+")
    product = models.CharField(max_length=80)
    item = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cart", "product", "item"], name="sold_with_once")]


class AlignRun(models.Model):
    """Past sales of an item brought in line with its rules, on somebody's request; done by a worker.

    Orders are aligned one by one, so what was interrupted goes on where it was.
    """

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="+")
    item = models.CharField(max_length=80)
    who = models.CharField(max_length=200)
    started_at = models.DateTimeField(default=timezone.now)
    # Renewed while it is worked on; a run that is not is taken over.
    beat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    orders = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["cart", "item", "-id"], name="align_run_latest"),
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="align_run_open"),
        ]
