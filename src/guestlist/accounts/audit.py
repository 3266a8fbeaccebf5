"""The audit log: who did what when. Secrets never get into it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from auditlog.registry import auditlog
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q
from django.http import HttpRequest

from guestlist.accounts import actor
from guestlist.accounts.models import AuditEntry, Kind
from guestlist.domain.addresses import without

_LONGEST_DID = 300
HIDDEN = "(hidden)"

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
        did: what was done, in English and in the past tense, one of `accounts.acts`; translated when shown.
        instance: what it was done to; None = several things, which `detail` tells of.
        detail: JSON values that tell more; never a secret.
    """
    return write(Kind.WORK, did, instance, by=actor.of_request(request) if request is not None else None, **detail)


def entries_about(words: Collection[str]) -> list[AuditEntry]:
    """What was done to somebody with one of these addresses or names, oldest first; not what they did as staff."""
    found: dict[int, AuditEntry] = {}
    for word in words:
        told = Q(additional_data__icontains=word) | Q(object_repr__icontains=word) | Q(did__icontains=word)
        found |= {entry.pk: entry for entry in AuditEntry.objects.filter(told, kind=Kind.WORK)}
    return [found[pk] for pk in sorted(found) if _told(found[pk]) != _without(words, _told(found[pk]))]


def erase(words: Collection[str]) -> None:
    """Take somebody's e-mail addresses and names out of what was done to them; who did what and when stays."""
    for entry in entries_about(words):
        entry.did, entry.object_repr, entry.additional_data = _without(words, _told(entry))
        entry.save()


def _told(entry: AuditEntry) -> list[Any]:
    return [entry.did, entry.object_repr, entry.additional_data]


def _without(words: Collection[str], value: Any) -> Any:
    match value:
        case str():
            return without(words, value)
        case list():
            return [_without(words, each) for each in value]
        case dict():
            return {name: _without(words, each) for name, each in value.items()}
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
