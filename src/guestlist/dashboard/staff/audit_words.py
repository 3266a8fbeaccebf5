"""Entries of the audit log in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.accounts.audit import HIDDEN
from guestlist.accounts.models import AuditEntry, Kind
from guestlist.dashboard.staff.audit_values import Titles, titles_of_levels, written
from guestlist.fulfilment.models import KnownOption

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
    "orders": gettext_lazy("orders"),
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
_RULE = "fulfilment.rule"
# Of a rule that is made or removed, what it gives is the news; the rest is folded away.
_NEWS_OF_A_RULE = ("grants",)


@dataclass(frozen=True, slots=True)
class Change:
    """A field; `before` None = there was none before (or there is no more, for what was removed)."""

    label: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An entry as the page shows it; `more` is folded away."""

    at: datetime
    by: str
    kind: str
    did: str
    about: str
    changes: list[Change]
    more: list[Change]
    address: str


def lines(entries: Sequence[AuditEntry]) -> list[Line]:
    """In words, with two queries for the names in all of them."""
    titles, items = titles_of_levels(), _names_of_items(entries)
    return [_line(entry, titles, items.get(entry.object_repr, "")) for entry in entries]


def _line(entry: AuditEntry, titles: Titles, item: str) -> Line:
    changes, more = _changes(entry, titles)
    return Line(
        at=entry.timestamp,
        by=entry.by,
        kind=str(Kind(entry.kind).label),
        did=_(entry.did) if entry.did else _sentence(entry, item),
        about=entry.object_repr if entry.did and not _about_self(entry) else "",
        changes=[*changes, *_details(entry, titles)],
        more=more,
        address=entry.remote_addr or "",
    )


def _about_self(entry: AuditEntry) -> bool:
    """Somebody's act on their own account, such as signing in."""
    return entry.actor_id is not None and entry.kind == Kind.SIGN_IN and entry.object_id == entry.actor_id


def _model(entry: AuditEntry) -> str:
    return f"{entry.content_type.app_label}.{entry.content_type.model}" if entry.content_type else ""


def _sentence(entry: AuditEntry, item: str) -> str:
    sentence = _SENTENCES.get(_model(entry), {}).get(entry.action, _("changed %(name)s"))
    return str(sentence) % {"name": f"{item} ({entry.object_repr})" if item else entry.object_repr}


def _names_of_items(entries: Sequence[AuditEntry]) -> dict[str, str]:
    """What is sold under which name, by the text that stands for a rule: "cart item" or "cart item option x"."""
    about = {entry.object_repr: entry.object_repr.split() for entry in entries if _model(entry) == _RULE}
    wanted = {(words[0], words[1]) for words in about.values() if len(words) > 1}
    known = KnownOption.objects.filter(
        cart__in={cart for cart, _item in wanted}, item__in={item for _cart, item in wanted}
    )
    names = {(cart, item): name for cart, item, name in known.values_list("cart", "item", "name") if name}
    return {text: names.get((words[0], words[1]), "") for text, words in about.items() if len(words) > 1}


def _changes(entry: AuditEntry, titles: Titles) -> tuple[list[Change], list[Change]]:
    """What is shown at once, and what is folded away."""
    shown: list[Change] = []
    folded: list[Change] = []
    for name, (before, after) in sorted(
        (entry.changes or {}).items(), key=lambda one: (one[0] not in _NEWS_OF_A_RULE, one)
    ):
        if name in _TOLD_BY_THE_SENTENCE:
            continue
        if entry.action == _ACTION_OF_CHANGE:
            shown.append(Change(label(name), written(name, before, titles), written(name, after, titles)))
            continue
        value = after if entry.action == AuditEntry.Action.CREATE else before
        # That a rule gives nothing says something; that another list is empty does not.
        if name in _NEWS_OF_A_RULE or value not in (None, "", {}, [], HIDDEN):
            told = folded if _model(entry) == _RULE and name not in _NEWS_OF_A_RULE else shown
            told.append(Change(label(name), None, written(name, value, titles)))
    return shown, folded


def _details(entry: AuditEntry, titles: Titles) -> list[Change]:
    details = {name: value for name, value in (entry.additional_data or {}).items() if value not in (None, "")}
    if "level" in details and "site" in details:
        details["level"] = {"site": details.pop("site"), "level": details["level"]}
    return [Change(label(name), None, written(name, value, titles)) for name, value in details.items()]


def label(name: str) -> str:
    """A field's name in words."""
    return str(_FIELDS.get(name) or name.replace("_", " "))
