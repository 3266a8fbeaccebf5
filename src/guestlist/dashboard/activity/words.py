"""The feed's lines in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import formats
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from guestlist.access.models import Member, StaffChange
from guestlist.accounts.models import AuditEntry
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.dashboard.said import said
from guestlist.dashboard.templatetags.guestlist import said_to_the_viewer
from guestlist.domain.staff import Act
from guestlist.inbox.models import Delivery, DeliveryState
from guestlist.journal.models import Event, Line
from guestlist.orders.models import Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """A line of the feed. `tone` is good, bad, busy or quiet; `href` leads to what it is about, "" = nowhere."""

    at: datetime
    icon: str
    tone: str
    text: str
    detail: str = ""
    href: str = ""


_EVENT_LOOKS = {
    Event.GIVEN: ("circle-check", "good"),
    Event.RESTORED: ("circle-check", "good"),
    Event.CHANGED: ("calendar", "good"),
    Event.ENDED: ("ban", "quiet"),
    Event.STUCK: ("alert-triangle", "bad"),
    Event.SITE_DOWN: ("alert-triangle", "bad"),
    Event.SITE_ATTENTION: ("alert-triangle", "bad"),
    Event.SITE_WORKS: ("world", "good"),
}


def of_deliveries(rows: Sequence[Delivery]) -> list[Happening]:
    """What came from carts."""
    orders = orders_in_words(row.order_id for row in rows)
    return [
        Happening(
            at=row.received_at,
            icon="alert-triangle" if row.state in (DeliveryState.UNREADABLE, DeliveryState.FAILED) else "webhook",
            tone=_delivery_tone(row),
            text=_delivery_text(row),
            detail=" · ".join(
                part for part in (orders.get(row.order_id or 0, ""), said_to_the_viewer(row.summary)) if part
            ),
            href=reverse("deliveries:show", args=[row.pk]),
        )
        for row in rows
    ]


def orders_in_words(ids: Iterable[int | None]) -> dict[int, str]:
    """The cart's number and whose order it is, by Guestlist's id."""
    wanted = {order_id for order_id in ids if order_id is not None}
    rows = Order.objects.filter(pk__in=wanted).values_list("pk", "external_id", "customer__email")
    return {
        pk: _("Order %(number)s of %(who)s") % {"number": number, "who": email} if email else number
        for pk, number, email in rows
    }


def of_journal(rows: Sequence[Line]) -> list[Happening]:
    """What happened at sites."""
    known = Member.objects.filter(pk__in={row.member for row in rows if row.member is not None})
    emails = dict(known.values_list("pk", "email"))
    sites = Site.objects.filter(pk__in={row.site for row in rows}).values_list("pk", "levels")
    titles = {pk: level_titles(levels) for pk, levels in sites}
    return [_of_line(row, emails.get(row.member or 0, ""), titles.get(row.site, {})) for row in rows]


def of_staff(rows: Sequence[StaffChange]) -> list[Happening]:
    """What staff did by hand; their members must be loaded."""
    sites = Site.objects.filter(pk__in={row.member.site_id for row in rows}).values_list("pk", "levels")
    titles = {pk: level_titles(levels) for pk, levels in sites}
    return [_of_change(row, titles.get(row.member.site_id, {})) for row in rows]


def of_audit(rows: Sequence[AuditEntry]) -> list[Happening]:
    """What staff set, or did on many things at once."""
    return [
        Happening(
            at=row.timestamp,
            icon="user" if row.did else "settings",
            tone="quiet",
            # An address is written as it is.
            text=_("%(who)s %(did)s")
            % {"who": row.by if "@" in row.by else capfirst(said(row.by) or _("Somebody")), "did": _did(row)},
            detail=_changed(row),
        )
        for row in rows
    ]


def _delivery_tone(row: Delivery) -> str:
    match DeliveryState(row.state):
        case DeliveryState.UNREADABLE | DeliveryState.FAILED:
            return "bad"
        case DeliveryState.WAITING:
            return "busy"
        case DeliveryState.DONE | DeliveryState.IGNORED:
            return "quiet"


def _delivery_text(row: Delivery) -> str:
    values = {"cart": row.cart_id, "event": row.event or _("Delivery %(id)s") % {"id": row.pk}}
    match DeliveryState(row.state):
        case DeliveryState.UNREADABLE:
            return _("%(cart)s: %(event)s was not understood") % values
        case DeliveryState.FAILED:
            return _("%(cart)s: Guestlist failed on %(event)s") % values
        case DeliveryState.WAITING:
            return _("%(cart)s: %(event)s waits to be read") % values
        case DeliveryState.DONE | DeliveryState.IGNORED:
            return _("%(cart)s: %(event)s received") % values


def _of_line(row: Line, email: str, titles: dict[str, str]) -> Happening:
    event = Event(row.event)
    icon, tone = _EVENT_LOOKS[event]
    values = {
        "who": email or _("An erased person"),
        "level": titles.get(row.level) or _("level %(id)s") % {"id": row.level},
        "site": row.site,
        "until": _until(row.until_on),
    }
    return Happening(
        at=row.at,
        icon=icon,
        tone=tone,
        text=_line_text(event, values),
        detail=said_to_the_viewer(row.words),
        href=_of_person(email) if row.member is not None else reverse("integrations:site", args=[row.site]),
    )


def _line_text(event: Event, values: dict[str, str]) -> str:
    match event:
        case Event.GIVEN:
            return _("%(who)s was given %(level)s at %(site)s %(until)s") % values
        case Event.RESTORED:
            return _("%(who)s has %(level)s at %(site)s again, %(until)s") % values
        case Event.CHANGED:
            return _("%(who)s now has %(level)s at %(site)s %(until)s") % values
        case Event.ENDED:
            return _("%(who)s no longer has %(level)s at %(site)s by this purchase") % values
        case Event.STUCK:
            return _("%(who)s needs attention at %(site)s") % values
        case Event.SITE_DOWN:
            return _("The site %(site)s is down") % values
        case Event.SITE_ATTENTION:
            return _("The site %(site)s needs attention") % values
        case Event.SITE_WORKS:
            return _("The site %(site)s works") % values


def _of_change(row: StaffChange, titles: dict[str, str]) -> Happening:
    values = {
        "staff": row.who,
        "who": row.member.email,
        "level": (titles.get(row.level) or _("level %(id)s") % {"id": row.level}) if row.level else _("every level"),
        "site": row.member.site_id,
        "until": _until(row.until_on),
    }
    return Happening(
        at=row.at,
        icon="user",
        tone="busy",
        text=_change_text(Act(row.act), values),
        detail=row.why,
        href=_of_person(row.member.email),
    )


def _change_text(act: Act, values: dict[str, str]) -> str:
    match act:
        case Act.GRANT:
            return _("%(staff)s granted %(who)s %(level)s at %(site)s %(until)s") % values
        case Act.EXTEND:
            return _("%(staff)s extended %(level)s at %(site)s for %(who)s %(until)s") % values
        case Act.REVOKE:
            return _("%(staff)s revoked %(level)s at %(site)s from %(who)s") % values
        case Act.HOLD:
            return _("%(staff)s holds %(level)s at %(site)s for %(who)s") % values
        case Act.RELEASE:
            return _("%(staff)s released %(level)s at %(site)s for %(who)s") % values


def _did(row: AuditEntry) -> str:
    """What was done; acts are stored in English and translated here."""
    if row.did:
        return f"{_(row.did)} {row.object_repr}".strip()
    verbs: dict[int, str] = {
        AuditEntry.Action.CREATE: pgettext("audit", "added"),
        AuditEntry.Action.UPDATE: pgettext("audit", "changed"),
        AuditEntry.Action.DELETE: pgettext("audit", "removed"),
    }
    return f"{verbs.get(row.action, pgettext('audit', 'changed'))} {_thing(row)}"


def _changed(row: AuditEntry) -> str:
    """The names of the settings that a change is about; of what was added or removed, none is of interest."""
    if row.did or row.action != AuditEntry.Action.UPDATE:
        return ""
    return ", ".join(name.removesuffix("_encrypted").replace("_", " ") for name in row.changes or {})


def _thing(row: Any) -> str:
    model = row.content_type.model if row.content_type else ""
    names = {"cart": _("the cart"), "site": _("the site"), "rule": _("the rule")}
    name = row.object_pk if model in ("cart", "site") else row.object_repr
    return f"{names.get(model, model)} {name}".strip()


def _until(until_on: date | None) -> str:
    if until_on is None:
        return _("for ever")
    return _("until %(day)s") % {"day": formats.date_format(until_on, _("j M Y"))}


def _of_person(email: str) -> str:
    return f"{reverse('people:show')}?{urlencode({'email': email})}" if email else ""
