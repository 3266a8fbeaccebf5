"""Carts and sites as the owner connected them."""

from __future__ import annotations

import hashlib
import json

from django.db import models

from guestlist.connections.secrets import decrypt, encrypt


class CartMode(models.TextChoices):
    """Which deliveries are fulfilled."""

    LIVE = "live"
    TEST = "test"
    BOTH = "both"


class Cart(models.Model):
    """A connected shopping cart; its id is its webhook address (`/hooks/<id>`).

    A disconnected cart keeps its row (orders belong to it) with `active` false: its address answers 404.
    """

    id = models.SlugField(primary_key=True, max_length=64)
    kind = models.CharField(max_length=40)
    mode = models.CharField(max_length=8, choices=CartMode.choices, default=CartMode.LIVE)
    active = models.BooleanField(default=True)
    secret_encrypted = models.TextField()
    secret_env = models.CharField(max_length=200, default="", blank=True)
    api_key_encrypted = models.TextField(default="", blank=True)
    api_key_env = models.CharField(max_length=200, default="", blank=True)
    # The secret before this one, which counts as well until then: a cart that still sends it loses nothing.
    previous_secret_encrypted = models.TextField(default="", blank=True)
    previous_secret_until = models.DateTimeField(null=True)
    # When the cart last asked whether its webhook address answers.
    checked_at = models.DateTimeField(null=True)
    # Counts changes of the secret and of `active`; the door stores a delivery only under the version it checked.
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.id

    @property
    def secret(self) -> str:
        """The secret word, decrypted."""
        return decrypt(self.secret_encrypted)

    @secret.setter
    def secret(self, plain: str) -> None:
        self.secret_encrypted = encrypt(plain)

    @property
    def previous_secret(self) -> str:
        """The secret word before, decrypted; "" = none. It counts until `previous_secret_until`."""
        return decrypt(self.previous_secret_encrypted) if self.previous_secret_encrypted else ""

    @property
    def api_key(self) -> str:
        """The key of the cart's API, decrypted; "" = none."""
        return decrypt(self.api_key_encrypted) if self.api_key_encrypted else ""

    @api_key.setter
    def api_key(self, plain: str) -> None:
        self.api_key_encrypted = encrypt(plain) if plain else ""


class HookToken(models.Model):
    """The token in `/hooks/<cart>/<token>`, for deliveries that carry no secret of their own. Only its hash is kept."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="hook_tokens")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    @staticmethod
    def digest_of(token: str) -> str:
        """What is stored of a token."""
        return hashlib.sha256(token.encode()).hexdigest()


class SiteState(models.TextChoices):
    """What the last requests to a site showed."""

    NEW = "new"
    OK = "ok"
    DOWN = "down"
    ATTENTION = "attention"


class OnEmailChange(models.TextChoices):
    """What happens at the site when a customer has another address at the cart."""

    LEAVE = "leave"
    FOLLOW = "follow"


class Site(models.Model):
    """A connected membership site, its levels as last read, and the state of its lane."""

    id = models.SlugField(primary_key=True, max_length=64)
    kind = models.CharField(max_length=40)
    url = models.CharField(max_length=500)
    credentials_encrypted = models.TextField()
    # {field: environment variable} for the credentials that came from one; for `export`.
    credentials_env = models.JSONField(default=dict)
    concurrency = models.PositiveSmallIntegerField(default=2)
    allow_private_address = models.BooleanField(default=False)
    on_email_change = models.CharField(max_length=8, choices=OnEmailChange.choices, default=OnEmailChange.LEAVE)
    active = models.BooleanField(default=True)
    # The owner has its lane rest: nothing is changed there, and its members wait untouched.
    paused = models.BooleanField(default=False)
    # [{"id", "title", "terms": {"period": "1 year"} | {"until_on": "2027-01-31"} | {}}]
    levels = models.JSONField(default=list)
    levels_read_at = models.DateTimeField(null=True)
    state = models.CharField(max_length=12, choices=SiteState.choices, default=SiteState.NEW)
    state_since = models.DateTimeField(null=True)
    reason = models.TextField(default="", blank=True)
    remedy = models.TextField(default="", blank=True)
    # The page of help about it (domain.help_topics).
    help = models.CharField(max_length=40, default="", blank=True)
    probe_at = models.DateTimeField(null=True)
    probes = models.PositiveIntegerField(default=0)
    # The lane's fencing number: each lane job takes the next one, and what an earlier one still holds is void.
    epoch = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.id

    @property
    def credentials(self) -> dict[str, str]:
        """The platform's credential fields, decrypted."""
        return dict(json.loads(decrypt(self.credentials_encrypted)))

    @credentials.setter
    def credentials(self, fields: dict[str, str]) -> None:
        self.credentials_encrypted = encrypt(json.dumps(fields))
