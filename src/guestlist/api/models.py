"""Tokens of the JSON API."""

from __future__ import annotations

from django.db import models


class ApiToken(models.Model):
    """A named bearer token. Only its hash is kept, so it is shown once."""

    name = models.CharField(max_length=80, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
