"""People who are to be erased and cannot be yet."""

from __future__ import annotations

from django.db import models

from guestlist.accounts.models import User


class Erasure(models.Model):
    """Somebody is to be erased as soon as nothing is under way for them. Goes with their data."""

    # Lower case; any address of theirs.
    email_key = models.CharField(max_length=320, unique=True)
    # What they have at the sites is ended first; false = it stays there.
    end_access = models.BooleanField()
    # Stands in the audit log; names nobody.
    why = models.TextField()
    # Who asked for it (`accounts.actor.Actor`).
    by = models.CharField(max_length=320)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"erasure {self.pk}"
