"""The audit log: who did what when. Secrets never get into it."""

from __future__ import annotations

import re
from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from django.http import HttpRequest

from guestlist.accounts import actor
from guestlist.accounts.models import AuditEntry, Kind

_LONGEST_DID = 300
HIDDEN = "(hidden)"
ERASED = "(erased)"

# The fields that are settings, by model; what the system itself keeps in a row (lanes, counters, times) is no change
# by anybody. Of the masked ones only that they changed is told.
TRACKED: dict[str, tuple[list[str], list[str]]] = {
    "connections.Cart": (
        ["kind", "mode", "active", "secret_env", "api_key_env"],
        ["secret_encrypted", "api_key_encrypted"],
    ),
    "connections.Site": (
        [
            "kind",
            "url",
            "credentials_env",
            "concurrency",
            "allow_private_address",
            "on_email_change",
            "active",
            "paused",
        ],
        ["credentials_encrypted"],
    ),
    "fulfilment.Rule": (
        [
            "item",
            "option",
            "grants",
            "access",
            "grace_days",
            "on_refund",
            "on_partial_refund",
            "on_cancel",
            "on_failed_payment",
            "on_pause",
            "after_last_payment",
            "welcome_email",
            "password_email",
        ],
        [],
    ),
    "accounts.User": (["email", "name", "role", "is_active"], ["password"]),
    "accounts.Invitation": (["role", "email", "expires_at", "used_at"], []),
    "accounts.ApiToken": (["name", "role"], []),
}


def track() -> None:
    """Have django-auditlog write down each change of a tracked model."""
    for name, (shown, masked) in TRACKED.items():
        auditlog.register(
            apps.get_model(name),
            include_fields=[*shown, *masked],
            mask_fields=masked,
            mask_callable=f"{hidden.__module__}.{hidden.__name__}",
        )


def hidden(_value: str) -> str:
    """What is shown in place of a secret."""
    return HIDDEN


def record(request: HttpRequest | None, did: str, instance: Model | None = None, **detail: Any) -> AuditEntry:
    """Write down an act that is no change of a tracked row. To be called in the transaction of the act.

    Args:
        request: whose sender did it; None = whoever acts at this moment, such as the command line.
        did: what was done, in English and in the past tense, such as "replayed a delivery"; translated when shown.
        instance: what it was done to; None = several things, which `detail` tells of.
        detail: JSON values that tell more; never a secret.
    """
    return write(Kind.WORK, did, instance, by=actor.of_request(request) if request is not None else None, **detail)


def erase(address: str) -> None:
    """Take somebody's e-mail address out of what was done to them; who did what and when stays."""
    about_them = Q(additional_data__icontains=address) | Q(object_repr__icontains=address)
    for entry in AuditEntry.objects.filter(about_them, kind=Kind.WORK):
        entry.object_repr = _without(address, entry.object_repr)
        details = entry.additional_data or {}
        entry.additional_data = {name: _without(address, value) for name, value in details.items()} or None
        entry.save()


def _without(address: str, value: Any) -> Any:
    match value:
        case str():
            return re.sub(re.escape(address), ERASED, value, flags=re.IGNORECASE)
        case list():
            return [_without(address, each) for each in value]
        case dict():
            return {name: _without(address, each) for name, each in value.items()}
        case _:
            return value


def write(kind: Kind, did: str, instance: Model | None, *, by: actor.Actor | None = None, **detail: Any) -> AuditEntry:
    """Write an entry of a kind; without `by`, under the name of whoever acts at this moment."""
    who = by or actor.current()
    entry = AuditEntry(
        action=AuditEntry.Action.ACCESS,
        kind=kind,
        did=did[:_LONGEST_DID],
        by=who.by,
        actor_id=who.user_id,
        remote_addr=who.address,
        additional_data=detail or None,
    )
    if instance is not None:
        entry.content_type = ContentType.objects.get_for_model(instance)
        entry.object_pk = str(instance.pk)
        entry.object_id = instance.pk if isinstance(instance.pk, int) else None
        entry.object_repr = str(instance)
    entry.save()
    return entry
