"""Entries of the audit log in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.accounts.audit import HIDDEN
from guestlist.accounts.models import AuditEntry, Kind

_SENTENCES: dict[str, dict[int, str | Promise]] = {
    model: dict(enumerate(sentences))
    for model, sentences in {
        "connections.cart": (
            gettext_lazy("connected the cart %(name)s"),
            gettext_lazy("changed the cart %(name)s"),
            gettext_lazy("removed the cart %(name)s"),
        ),
        "connections.site": (
            gettext_lazy("connected the site %(name)s"),
            gettext_lazy("changed the site %(name)s"),
            gettext_lazy("removed the site %(name)s"),
        ),
        "fulfilment.rule": (
            gettext_lazy("made the rule for %(name)s"),
            gettext_lazy("changed the rule for %(name)s"),
            gettext_lazy("removed the rule for %(name)s"),
        ),
        "accounts.user": (
            gettext_lazy("made the account of %(name)s"),
            gettext_lazy("changed the account of %(name)s"),
            gettext_lazy("removed the account of %(name)s"),
        ),
        "accounts.invitation": (
            gettext_lazy("made a link that makes an account: %(name)s"),
            gettext_lazy("used the link that makes an account: %(name)s"),
            gettext_lazy("took a link back that makes an account: %(name)s"),
        ),
        "accounts.apitoken": (
            gettext_lazy("made the API token %(name)s"),
            gettext_lazy("changed the API token %(name)s"),
            gettext_lazy("revoked the API token %(name)s"),
        ),
    }.items()
}
_FIELDS: dict[str, str | Promise] = {
    "access": gettext_lazy("access length"),
    "active": gettext_lazy("in use"),
    "after": gettext_lazy("after"),
    "after_last_payment": gettext_lazy("after the last payment"),
    "all": gettext_lazy("all"),
    "allow_private_address": gettext_lazy("may be at a private address"),
    "api_key_encrypted": gettext_lazy("API key"),
    "api_key_env": gettext_lazy("environment variable of the API key"),
    "cart": gettext_lazy("cart"),
    "concurrency": gettext_lazy("requests at a time"),
    "count": gettext_lazy("how many"),
    "credentials_encrypted": gettext_lazy("credentials"),
    "credentials_env": gettext_lazy("environment variables of the credentials"),
    "day": gettext_lazy("day"),
    "email": gettext_lazy("e-mail address"),
    "expires_at": gettext_lazy("works until"),
    "first_name": gettext_lazy("first name"),
    "fix": gettext_lazy("mend what differs"),
    "grace_days": gettext_lazy("days of grace"),
    "grants": gettext_lazy("gives"),
    "is_active": gettext_lazy("can sign in"),
    "item": gettext_lazy("item"),
    "kind": gettext_lazy("kind"),
    "last_name": gettext_lazy("last name"),
    "level": gettext_lazy("level"),
    "mode": gettext_lazy("fulfils orders of mode"),
    "name": gettext_lazy("name"),
    "on_cancel": gettext_lazy("when cancelled"),
    "on_email_change": gettext_lazy("when the address changes at the cart"),
    "on_failed_payment": gettext_lazy("when a payment fails"),
    "on_partial_refund": gettext_lazy("on a partial refund"),
    "on_pause": gettext_lazy("when paused"),
    "on_refund": gettext_lazy("on a refund"),
    "option": gettext_lazy("pricing option"),
    "password": gettext_lazy("password"),
    "password_email": gettext_lazy("password mail"),
    "role": gettext_lazy("role"),
    "secret_encrypted": gettext_lazy("secret"),
    "secret_env": gettext_lazy("environment variable of the secret"),
    "site": gettext_lazy("site"),
    "until": gettext_lazy("until"),
    "url": gettext_lazy("address"),
    "said_by": gettext_lazy("done by"),
    "welcome_email": gettext_lazy("welcome mail"),
    "why": gettext_lazy("why"),
}
# An invitation changes only by being used.
_TOLD_BY_THE_SENTENCE = ("used_at",)
_ACTION_OF_CHANGE = AuditEntry.Action.UPDATE


@dataclass(frozen=True, slots=True)
class Change:
    """A field; `before` None = there was none before (or there is no more, for what was removed)."""

    label: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as the page shows it."""

    at: datetime
    by: str
    kind: str
    did: str
    about: str
    changes: list[Change]
    address: str


def line(entry: AuditEntry) -> Line:
    """In words."""
    return Line(
        at=entry.timestamp,
        by=entry.by,
        kind=str(Kind(entry.kind).label),
        did=_(entry.did) if entry.did else _sentence(entry),
        about=entry.object_repr if entry.did and not _about_self(entry) else "",
        changes=[*_changes(entry), *_details(entry)],
        address=entry.remote_addr or "",
    )


def _about_self(entry: AuditEntry) -> bool:
    """Somebody's act on their own account, such as signing in."""
    return entry.actor_id is not None and entry.kind == Kind.SIGN_IN and entry.object_id == entry.actor_id


def _sentence(entry: AuditEntry) -> str:
    model = f"{entry.content_type.app_label}.{entry.content_type.model}" if entry.content_type else ""
    sentence = _SENTENCES.get(model, {}).get(entry.action, _("changed %(name)s"))
    return str(sentence) % {"name": entry.object_repr}


def _changes(entry: AuditEntry) -> list[Change]:
    found = []
    for name, (before, after) in sorted((entry.changes or {}).items()):
        if name in _TOLD_BY_THE_SENTENCE:
            continue
        if entry.action == _ACTION_OF_CHANGE:
            found.append(Change(label(name), written(before), written(after)))
        elif (value := after if entry.action == AuditEntry.Action.CREATE else before) not in (None, "", {}, [], HIDDEN):
            found.append(Change(label(name), None, written(value)))
    return found


def _details(entry: AuditEntry) -> list[Change]:
    details = entry.additional_data or {}
    return [Change(label(name), None, written(value)) for name, value in details.items() if value not in (None, "")]


def label(name: str) -> str:
    """A field's name in words."""
    return str(_FIELDS.get(name) or name.replace("_", " "))


def written(value: Any) -> str:
    """A value as people read it."""
    match value:
        case None | "" | [] | {}:
            return "–"
        case bool():
            return _("yes") if value else _("no")
        case str() if value == HIDDEN:
            return _("(hidden)")
        case str() if (at := parse_moment(value)) is not None:
            return f"{date_format(at, 'j M Y, H:i')} UTC"
        case {"site": site, "level": level}:
            return _("level %(level)s at %(site)s") % {"level": level, "site": site}
        case list():
            return ", ".join(written(each) for each in value)
        case dict():
            return ", ".join(f"{key}: {written(each)}" for key, each in value.items())
        case _:
            return str(value)


def parse_moment(value: str) -> datetime | None:
    """A moment as the log stores it; None = the text is none."""
    try:
        return parse_datetime(value) if len(value) > len("2026-01-01") else None
    except ValueError:
        return None
