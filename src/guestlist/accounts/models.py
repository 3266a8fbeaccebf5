"""Staff and the links that invite them."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from auditlog.models import AbstractLogEntry
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from guestlist.accounts import actor
from guestlist.accounts.roles import Role


class Users(BaseUserManager["User"]):
    """Makes and finds accounts; addresses are kept and looked up in lower case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Make an account; without a password nobody can sign in to it."""
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        """The account of an address, upper or lower case."""
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """Somebody who signs in to the dashboard. The e-mail address is the login."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=120, default="", blank=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.VIEWER)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    objects: ClassVar[Users] = Users()

    class Meta:
        constraints = [
            # With `unique`, no two addresses differ in their case only.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **values: Any) -> None:
        """Store, the address in lower case."""
        self.email = self.email.lower()
        super().save(*args, **values)

    def may(self, needed: Role) -> bool:
        """The account works and its role allows what `needed` may do."""
        return self.is_active and Role(self.role).allows(needed)

    def get_full_name(self) -> str:
        """The name, or the address of somebody who gave none."""
        return str(self)


class Invitation(models.Model):
    """A link that makes one account. Only a hash of its token is kept, so it is shown once."""

    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=12, choices=Role.choices)
    # The only address that the account can have; "" = whoever has the link chooses.
    email = models.EmailField(max_length=254, default="", blank=True)
    # Null = made on the server. With the person who invited goes what nobody has used yet.
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="invitations")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.role} {self.email}".strip()

    @staticmethod
    def digest_of(token: str) -> str:
        """What is stored of a token."""
        return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


class ApiToken(models.Model):
    """A named bearer token of the JSON API. Only its hash is kept, so it is shown once."""

    name = models.CharField(max_length=80, unique=True)
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.OPERATOR)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class Kind(models.TextChoices):
    """What an entry of the audit log is about."""

    SIGN_IN = "sign-in", _("Signing in")
    STAFF = "staff", _("Staff")
    TOKENS = "tokens", _("API tokens")
    INTEGRATIONS = "integrations", _("Carts and sites")
    RULES = "rules", _("Fulfilment rules")
    WORK = "work", _("Daily work")


KIND_OF_MODEL = {
    "accounts.user": Kind.STAFF,
    "accounts.invitation": Kind.STAFF,
    "accounts.apitoken": Kind.TOKENS,
    "connections.cart": Kind.INTEGRATIONS,
    "connections.site": Kind.INTEGRATIONS,
    "fulfilment.rule": Kind.RULES,
}


class AuditEntry(AbstractLogEntry):  # type: ignore[misc]
    """Who did what when: django-auditlog's entry, which also knows acts that are no change of a row.

    `by` outlives the account or token that it names. `changes` = {field: [before, after]}.
    """

    # Acts on many things at once are about none of them.
    content_type = models.ForeignKey("contenttypes.ContentType", on_delete=models.CASCADE, null=True, related_name="+")
    by = models.CharField(max_length=320, default="", blank=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    # What was done, in words; "" = the change of a row, which `action` and `changes` tell.
    did = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["kind", "id"], name="audit_by_kind"),
            models.Index(fields=["by", "id"], name="audit_by_actor"),
        ]

    def save(self, *args: Any, **values: Any) -> None:
        """Store, with whoever acts at this moment."""
        if self._state.adding and not self.by:
            acting = actor.current()
            self.by, self.actor_id, self.remote_addr = acting.by, acting.user_id, acting.address
        if not self.kind:
            model = f"{self.content_type.app_label}.{self.content_type.model}" if self.content_type else ""
            self.kind = KIND_OF_MODEL.get(model, Kind.WORK)
        super().save(*args, **values)
