"""Values in entries of the audit log, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.accounts.audit import HIDDEN
from guestlist.accounts.roles import Role
from guestlist.carts.registry import all_carts
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.dashboard.integrations.forms import EMAIL_CHANGES, MODES
from guestlist.domain.periods import Period, Unit
from guestlist.domain.sentences import CHOICES
from guestlist.sites.registry import all_platforms

Titles = Mapping[str, Mapping[str, str]]
"""Site -> level -> how the level is called there."""


def titles_of_levels() -> Titles:
    """Of all sites, also of those that were disconnected."""
    return {site: level_titles(levels) for site, levels in Site.objects.values_list("pk", "levels")}


def written(field: str, value: Any, titles: Titles) -> str:
    """A field's value as people read it."""
    match value:
        case bool():
            return _("yes") if value else _("no")
        case str() if value == HIDDEN:
            return _("(hidden)")
        case str() if (words := _chosen(field, value)) is not None:
            return words
        case str() if (at := _moment(value)) is not None:
            return f"{date_format(at, 'j M Y, H:i')} UTC"
        case {"site": str(site), "level": str(level)}:
            return level_at(site, level, titles)
        case [] if field == "grants":
            return _("no access, on purpose")
        case _ if value in (None, "", [], {}):
            return "–"
        case list():
            return ", ".join(written(field, each, titles) for each in value)
        case dict():
            return ", ".join(f"{key}: {written(key, each, titles)}" for key, each in value.items())
        case _:
            return str(value)


def level_at(site: str, level: str, titles: Titles) -> str:
    """A level by its name, with its site; by its number where the site has it no more."""
    title = titles.get(site, {}).get(level)
    if title is None:
        return _("level %(level)s at %(site)s") % {"level": level, "site": site}
    return _("%(level)s at %(site)s") % {"level": title, "site": site}


def _chosen(field: str, value: str) -> str | None:
    """What a choice means; None = the field offers no choice."""
    if field in CHOICES:
        sentence = CHOICES[field].get(value)
        return _(sentence) if sentence is not None else _length(value)
    words = _choices().get(field, {}).get(value)
    return str(words) if words is not None else None


def _choices() -> dict[str, dict[str, str | Promise]]:
    return {
        "kind": {
            **{one.kind: one.label for one in all_carts().values()},
            **{one.kind: one.label for one in all_platforms().values()},
        },
        "mode": dict(MODES),
        "on_email_change": dict(EMAIL_CHANGES),
        "role": dict(Role.choices),
    }


def _length(value: str) -> str | None:
    try:
        period = Period.parse(value)
    except ValueError:
        return None
    return _("Every charge gives access for %(length)s.") % {"length": _counted(period)}


def _counted(period: Period) -> str:
    count = period.count
    match period.unit:
        case Unit.DAYS:
            text = ngettext("%(count)s day", "%(count)s days", count)
        case Unit.WEEKS:
            text = ngettext("%(count)s week", "%(count)s weeks", count)
        case Unit.MONTHS:
            text = ngettext("%(count)s month", "%(count)s months", count)
        case Unit.YEARS:
            text = ngettext("%(count)s year", "%(count)s years", count)
    return text % {"count": count}


def _moment(value: str) -> datetime | None:
    """A moment as the log stores it; None = the text is none."""
    try:
        return parse_datetime(value) if len(value) > len("2026-01-01") else None
    except ValueError:
        return None
