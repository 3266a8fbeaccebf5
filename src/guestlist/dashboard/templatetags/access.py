"""What somebody has at a site, what staff do by hand in words, and moments to the tenth of a second."""

from __future__ import annotations

from datetime import datetime
from typing import assert_never

from django import template
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from guestlist.dashboard.overview.chart import in_words
from guestlist.domain.staff import Act

register = template.Library()


@register.filter
def clock(at: datetime) -> SafeString:
    """A moment with its seconds, in the viewer's zone."""
    local = timezone.localtime(at)
    seconds = formats.date_format(local, _("j M Y, H:i:s"))
    return format_html(
        '<time datetime="{}" title="{}" class="text-nowrap">{}</time>',
        at.isoformat(),
        local.tzname() or "",
        f"{seconds}.{local.microsecond // 100_000}",
    )


@register.filter
def later(seconds: float) -> str:
    """How much later: `+40 ms`, `+1.3 s`, `+12 min`."""
    if seconds < 1:
        return _("+%(number)s ms") % {"number": round(seconds * 1000)}
    return f"+{in_words(seconds)}"


@register.simple_tag
def by_hand(act: Act) -> str:
    """What was done, in the past tense."""
    match act:
        case Act.GRANT:
            return _("Given by hand")
        case Act.EXTEND:
            return _("Extended by hand")
        case Act.REVOKE:
            return _("Revoked by hand")
        case Act.HOLD:
            return _("Put on hold")
        case Act.RELEASE:
            return _("Released")
        case _:
            assert_never(act)
