"""The journal's lines."""

from __future__ import annotations

from datetime import UTC

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import TruncDate
from django.utils.translation import gettext_lazy as _


class Event(models.TextChoices):
    """What may happen at a site."""

    GIVEN = "given", _("Access given")  # for the first time
    RESTORED = "restored", _("Access given again")  # after it had ended, or had vanished at the site
    CHANGED = "changed", _("Access changed")
    ENDED = "ended", _("Access ended")
    STUCK = "stuck", _("A member needs attention")
    SITE_DOWN = "site-down", _("Site down")
    SITE_ATTENTION = "site-attention", _("Site needs attention")
    SITE_WORKS = "site-works", _("Site works")


ACCESS = (Event.GIVEN, Event.RESTORED, Event.CHANGED, Event.ENDED)
# A subscription's months that are over are written to a site that hears of it late; they give nobody anything.
GAVE_ACCESS = Q(event=Event.GIVEN) & (Q(until_on=None) | Q(until_on__gte=TruncDate(F("at"), tzinfo=UTC)))
SITES = (Event.SITE_DOWN, Event.SITE_ATTENTION, Event.SITE_WORKS)


class Line(models.Model):
    """Something that happened at a site. Only added, so the newest line has the largest id.

    Sites, members, grants and orders are plain numbers and names: what happened stays true when they are gone, and
    this is written with every grant that a site confirms.
    """

    at = models.DateTimeField()
    event = models.CharField(max_length=16, choices=Event.choices)
    site = models.CharField(max_length=64)
    member = models.BigIntegerField(null=True)
    grant = models.BigIntegerField(null=True)
    order = models.BigIntegerField(null=True)
    level = models.CharField(max_length=64, default="", blank=True)
    # The last day of the access; null = for ever, or does not apply.
    until_on = models.DateField(null=True)
    # Why, where something is wrong.
    words = models.TextField(default="", blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["-id"],
                condition=~models.Q(event__in=("given", "restored", "changed", "ended")),
                name="journal_troubles",
            ),
            models.Index(fields=["member", "-id"], name="journal_by_member"),
            # Small, and next to nothing to keep: lines are written in the order of their moments.
            BrinIndex(fields=["at"], name="journal_by_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.site}"
