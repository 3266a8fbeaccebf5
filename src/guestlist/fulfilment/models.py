"""Rules as stored, and the rule each charge was decided by."""

from __future__ import annotations

from django.db import models

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
