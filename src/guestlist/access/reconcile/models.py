"""Reconciliations, what they read on their way, the drift they found, and what the site's owner made by hand."""

from __future__ import annotations

from django.db import models

from guestlist.connections.models import Site


class ReconciliationState(models.TextChoices):
    """Where a reconciliation stands."""

    READING = "reading"
    COMPARING = "comparing"
    DONE = "done"
    FAILED = "failed"


class Reconciliation(models.Model):
    """One look at all that a site holds. Goes on where it stopped when whoever ran it died."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="reconciliations")
    state = models.CharField(max_length=12, choices=ReconciliationState.choices, default=ReconciliationState.READING)
    # Whether drift is mended, too.
    fix = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Who runs it, and when they last gave a sign of life; "" = nobody.
    runner = models.CharField(max_length=40, default="", blank=True)
    beat_at = models.DateTimeField(null=True)
    # The site's cursor of the next page; null = the first one.
    cursor = models.CharField(max_length=200, null=True)
    pages_read = models.PositiveIntegerField(default=0)
    pages = models.PositiveIntegerField(null=True)
    # Grants compared, and members left out because they are being worked on.
    compared = models.PositiveIntegerField(default=0)
    in_work = models.PositiveIntegerField(default=0)
    # The site did not let it go on: when to try again.
    resume_at = models.DateTimeField(null=True)
    # Why it stopped or failed, and what to do.
    reason = models.TextField(default="", blank=True)
    remedy = models.TextField(default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["site"], condition=models.Q(finished_at=None), name="reconciliation_one_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["site", "-id"], name="reconciliation_latest")]


class SeenHolding(models.Model):
    """Something that a reconciliation under way has read. Deleted when it ends."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="seen")
    remote_id = models.CharField(max_length=64)
    ref = models.CharField(max_length=300)
    ours = models.BooleanField()
    member = models.CharField(max_length=64)
    # null = the member does not exist any more.
    email = models.CharField(max_length=320, null=True)
    level = models.CharField(max_length=64)
    live = models.BooleanField()
    status = models.CharField(max_length=40)
    until_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reconciliation", "remote_id"], name="seen_once")]


class Drift(models.Model):
    """One difference between what a site holds and what it should hold, in words."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="drift")
    kind = models.CharField(max_length=24)
    # Plain numbers, because grants and members may be erased while what was found is kept.
    grant_id = models.BigIntegerField(null=True)
    member_id = models.BigIntegerField(null=True)
    email = models.CharField(max_length=320, default="", blank=True)
    level = models.CharField(max_length=64, default="", blank=True)
    remote_id = models.CharField(max_length=64, default="", blank=True)
    words = models.TextField()
    # What mending it means, in words.
    remedy = models.TextField()
    # When it was handed to the site's lane, or ended at the site; null = listed only.
    mended_at = models.DateTimeField(null=True)
    # Why it could not be mended at once.
    problem = models.TextField(default="", blank=True)


class OwnerHolding(models.Model):
    """A live holding of a member's that Guestlist did not make. Shown, never touched; read anew each time."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    member = models.ForeignKey("access.Member", on_delete=models.CASCADE, related_name="owner_holdings")
    remote_id = models.CharField(max_length=64)
    ref = models.CharField(max_length=300)
    level = models.CharField(max_length=64)
    status = models.CharField(max_length=40)
    until_on = models.DateField(null=True)
    read_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["site", "remote_id"], name="owner_holding_once")]
