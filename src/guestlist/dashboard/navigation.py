"""What stands on every page: the menu, the theme, what is new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from guestlist import __version__
from guestlist.accounts.roles import Role

THEMES = ("light", "dark")
_ON_THEIR_OWN = ("staff:tokens", "staff:audit")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the menu; its page's name before the colon tells which screens belong to it."""

    label: str | Promise
    icon: str
    page: str
    needs: Role = Role.VIEWER

    @property
    def address(self) -> str:
        """Where it leads."""
        return reverse(self.page)

    @property
    def screen(self) -> str:
        """The namespace of its pages, or the page where a namespace has several entries."""
        return self.page if self.page in _ON_THEIR_OWN else self.page.partition(":")[0]


MENU: tuple[tuple[str | Promise, tuple[Entry, ...]], ...] = (
    (
        "",
        (
            Entry(_("Overview"), "home", "overview:show"),
            Entry(_("Needs attention"), "bell", "attention:list"),
            Entry(_("Activity"), "activity", "activity:list"),
        ),
    ),
    (
        _("Access"),
        (
            Entry(_("Orders"), "receipt", "orders:list"),
            Entry(_("People"), "users", "people:list"),
            Entry(_("Products"), "package", "products:list"),
        ),
    ),
    (
        _("Behind it"),
        (
            Entry(_("Deliveries"), "webhook", "deliveries:list"),
            Entry(_("Simulator"), "flask", "simulator:show"),
            Entry(_("Help"), "lifebuoy", "help:index"),
        ),
    ),
    (
        _("Settings"),
        (
            Entry(_("Integrations"), "plug-connected", "integrations:list"),
            Entry(_("Staff"), "user-check", "staff:list", Role.OWNER),
            Entry(_("API tokens"), "key", "staff:tokens", Role.OWNER),
            Entry(_("Audit log"), "list-check", "staff:audit", Role.OWNER),
        ),
    ),
)


def context(request: HttpRequest) -> dict[str, Any]:
    """For all templates: the menu for this person, and which theme they chose."""
    theme = request.COOKIES.get("theme", "")
    found: dict[str, Any] = {"theme": theme if theme in THEMES else "", "version": __version__, "menu": []}
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        role = Role(user.role)
        groups = [(title, [entry for entry in entries if role.allows(entry.needs)]) for title, entries in MENU]
        found["menu"] = [(title, entries) for title, entries in groups if entries]
        found["screen"] = _screen(request)
    return found


def _screen(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return ""
    return match.view_name if match.view_name in _ON_THEIR_OWN else match.namespace
