"""Counts of what happened, by quarter of an hour: what the overview shows of days is added up from these."""

from __future__ import annotations

from django.db import models


class Counted(models.TextChoices):
    """What is counted."""

    ORDERS = "orders"
    TEST_ORDERS = "test-orders"
    GIVEN = "given"
    ENDED = "ended"
    STUCK = "stuck"


class Tally(models.Model):
    """How often something happened in a quarter of an hour. Quarters, because time zones differ by as little."""

    begins_at = models.DateTimeField()
    what = models.CharField(max_length=12, choices=Counted.choices)
    # Of access given: how long the buyer waited (engine.pulse.STEPS); else 0.
    step = models.PositiveSmallIntegerField(default=0)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["begins_at", "what", "step"], name="tally_once"),
        ]

    def __str__(self) -> str:
        return f"{self.what} {self.begins_at}"


class TallyMark(models.Model):
    """How far a table is counted."""

    # "orders" | "journal"
    table = models.CharField(primary_key=True, max_length=16)
    last_id = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.table} {self.last_id}"
