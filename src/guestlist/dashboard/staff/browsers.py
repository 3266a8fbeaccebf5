"""Where somebody is signed in, with browsers by the names that people know."""

from __future__ import annotations

from typing import Any

from allauth.usersessions.views import ListUserSessionsView
from django.utils.translation import gettext as _

# Most browsers also name some that stand behind them in this list.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class Sessions(ListUserSessionsView):  # type: ignore[misc]
    """django-allauth's page, with browsers in words."""

    def get_context_data(self, **values: Any) -> dict[str, Any]:
        """With the words beside each session."""
        found: dict[str, Any] = super().get_context_data(**values)
        return {**found, "named": [(session, browser(session.user_agent)) for session in found["sessions"]]}


def browser(user_agent: str) -> str:
    """Such as "Firefox, Windows"; what is not known is shown as it calls itself."""
    name = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    if name is None:
        return user_agent[:60] or _("unknown")
    return f"{name}, {system}" if system else name
