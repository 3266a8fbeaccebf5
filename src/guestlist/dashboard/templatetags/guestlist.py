"""What every page shows in the same way: moments, days, money, states, icons. Loaded into all templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.access.grant_views import GrantView
from guestlist.accounts.roles import Role
from guestlist.dashboard.said import said
from guestlist.dashboard.states import look
from guestlist.orders.queries import ItemView, product_first

register = template.Library()

Sold = TypeVar("Sold", ItemView, GrantView)

SPRITE = "vendor/tabler-icons-3.51.0/icons.svg"
# Not where it is part of an e-mail address, a file's name, an id or a moment.
SENTENCE_DAY = re.compile(r"(?<![\w@./+-])\d{4}-\d\d-\d\d(?![\w@/+-]|\.\w)", re.ASCII)
# As `orders.words.money` writes it.
SENTENCE_MONEY = re.compile(r"(?<![\w.,])(\d+)\.(\d\d) ([A-Z]{3})\b", re.ASCII)


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """An icon of the sprite (tools/vendor.py lists them); without a label it is decoration."""
    spoken = format_html('role="img" aria-label="{}"', label) if label else SafeString('aria-hidden="true"')
    return format_html(
        '<svg class="icon" width="20" height="20" fill="none" stroke="currentColor" stroke-width="2" '
        'stroke-linecap="round" stroke-linejoin="round" {}><use href="{}#{}"></use></svg>',
        spoken,
        static(SPRITE),
        name,
    )


@register.simple_tag
def state(value: Any) -> SafeString:
    """A state as a badge: symbol and word, so that colour is not all that tells. `states.py` has the states."""
    shown = look(str(value))
    return format_html('<span class="state state-{}">{} {}</span>', shown.tone, icon(shown.icon), shown.label)


@register.filter
def moment(at: datetime | None) -> SafeString | str:
    """A moment in the viewer's zone; pointing at it shows the zone, and machines read the exact time."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{} {}" class="text-nowrap">{}</time>',
        at.isoformat(),
        formats.date_format(local, "DATETIME_FORMAT"),
        local.tzname() or "",
        formats.date_format(local, _("j M Y, H:i")),
    )


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """How long ago, in words, with the moment beside it for whoever points at it."""
    if at is None:
        return "–"
    local = timezone.localtime(at)
    words = _ago(int((timezone.now() - at).total_seconds()) // 60) or formats.date_format(local, _("j M Y"))
    return format_html(
        '<time datetime="{}" title="{} {}" class="text-nowrap">{}</time>',
        at.isoformat(),
        formats.date_format(local, "DATETIME_FORMAT"),
        local.tzname() or "",
        words,
    )


def _ago(minutes: int) -> str:
    """In the largest unit; "" for more than a week, of which the day says more."""
    # Django's own words for this are not in the right case in German ("vor 2 Tage").
    if minutes < 1:
        return _("just now")
    if minutes < 60:
        return ngettext("%(n)s minute ago", "%(n)s minutes ago", minutes) % {"n": minutes}
    if (hours := minutes // 60) < 24:
        return ngettext("%(n)s hour ago", "%(n)s hours ago", hours) % {"n": hours}
    if (days := hours // 24) < 7:
        return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}
    return ""


@register.filter
def day(on: date | None) -> SafeString | str:
    """A day without a time, such as a grant's last one."""
    if on is None:
        return _("for ever")
    return format_html(
        '<time datetime="{}" class="text-nowrap">{}</time>', on.isoformat(), formats.date_format(on, _("j M Y"))
    )


@register.filter(name="said", is_safe=True)
def said_to_the_viewer(sentence: object) -> str:
    """A sentence as it is stored, in the viewer's language and with days and money as `day` and `amount` write them."""
    if sentence is None:
        return ""
    with_days = SENTENCE_DAY.sub(_spoken, said(str(sentence)))
    return SENTENCE_MONEY.sub(lambda found: amount(int(found[1] + found[2]), found[3]), with_days)


def _spoken(found: re.Match[str]) -> str:
    try:
        return formats.date_format(date.fromisoformat(found[0]), _("j M Y"))
    except ValueError:  # a number that only looks like a day
        return found[0]


@register.filter
def products_first(items: Iterable[Sold]) -> list[Sold]:
    """An order's items, or what they give, as they were sold: the product, then bumps, upsells, downsells."""
    return sorted(items, key=lambda each: product_first(each.item))


@register.simple_tag
def amount(minor: int | None, currency: str) -> str:
    """Money, in the viewer's way of writing numbers; carts count in hundredths for every currency."""
    if minor is None:
        return "–"
    major = formats.number_format(Decimal(minor) / 100, decimal_pos=2, use_l10n=True, force_grouping=True)
    return f"{major} {currency.upper()}".strip()


@register.simple_tag
def copy(value: str, label: str = "") -> SafeString:
    """A text to copy with a button beside it; the button does nothing where scripts are off, so it is hidden then."""
    return format_html(
        '<span class="copy"><code class="copy-text">{}</code> '
        '<button type="button" class="btn btn-sm" data-copy="{}" hidden>{} <span>{}</span></button></span>',
        value,
        value,
        icon("copy"),
        label or _("Copy"),
    )


@register.filter
def may(user: Any, needed: str) -> bool:
    """Whether a signed-in person's role allows what needs "viewer", "operator" or "owner"."""
    return bool(user.is_authenticated and Role(user.role).allows(Role(needed)))


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: Any) -> str:
    """The page's own address query with some values changed; None or "" takes one away."""
    request: HttpRequest = context["request"]
    values = request.GET.copy()
    for name, value in changes.items():
        if value in (None, ""):
            values.pop(name, None)
        else:
            values[name] = str(value)
    return f"?{values.urlencode()}" if values else "?"


@register.simple_tag
def public_url() -> str:
    """The address under which the world reaches this Guestlist; "" = not set."""
    return str(settings.PUBLIC_URL)
