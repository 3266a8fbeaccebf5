"""Deliveries as they came, and counts of those that were turned away."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from guestlist.connections.models import Cart

# Deliveries of one customer go to one shard, so several workers share the inbox and each customer's order is kept.
SHARDS = 16


class DeliveryState(models.TextChoices):
    """What became of a delivery."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"  # understood; means nothing for access
    UNREADABLE = "unreadable"  # kept with the reason; can be replayed
    FAILED = "failed"  # an error of ours while working on it; kept, can be replayed


class Delivery(models.Model):
    """One request of a cart, byte for byte but for the secret."""

    # Each index is paid for at the door, with every delivery: `delivery_by_cart` serves as this one's.
    cart = models.ForeignKey(Cart, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    # SHA-256 of `body`; the same body again adds nothing.
    digest = models.BinaryField(max_length=32)
    body = models.BinaryField()
    content_type = models.CharField(max_length=200, default="", blank=True)
    received_at = models.DateTimeField(db_default=Now())
    shard = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=12, choices=DeliveryState.choices, db_default=DeliveryState.WAITING)
    event = models.CharField(max_length=80, db_default="")
    mode = models.CharField(max_length=8, db_default="")
    # What it came to, or what is wrong with it, in words.
    summary = models.TextField(db_default="")
    remedy = models.TextField(db_default="")
    order_id = models.BigIntegerField(null=True)
    interpreted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cart", "digest"], name="delivery_once")]
        indexes = [
            # What was never interpreted comes first: a replay of everything must not hold up what comes in.
            models.Index(
                models.F("shard"),
                models.F("interpreted_at").asc(nulls_first=True),
                models.F("id"),
                condition=models.Q(state="waiting"),
                name="delivery_waiting",
            ),
            models.Index(
                fields=["state", "-id"], condition=models.Q(state__in=("unreadable", "failed")), name="delivery_stuck"
            ),
            # Costs the door nothing: a delivery gets here when it is interpreted.
            models.Index(fields=["-id"], condition=models.Q(state="ignored"), name="delivery_ignored"),
            models.Index(fields=["cart", "-id"], name="delivery_by_cart"),
        ]


class Refusal(models.Model):
    """Requests turned away at a cart's door, counted by day and reason; their bodies are not kept."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="refusals")
    on = models.DateField()
    # "wrong-secret" | "no-secret" | "too-large" | "unknown-token"
    reason = models.CharField(max_length=24)
    count = models.PositiveIntegerField(db_default=0)
    last_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["cart", "on", "reason"], name="refusal_by_day")]
