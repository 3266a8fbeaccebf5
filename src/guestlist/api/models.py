"""Tokens of the JSON API."""

from __future__ import annotations

from django.db import models

from guestlist.accounts.roles import Role


class ApiToken(models.Model):
    """A named bearer token. Only its hash is kept, so it is shown once."""

    name = models.CharField(max_length=80, unique=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.OPERATOR)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name
