"""How states look: a word, a symbol and a tone. One list for all pages."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Look:
    """A state's word, its icon, and its tone: good, busy, bad or quiet."""

    label: str | Promise
    icon: str
    tone: str


_LOOKS: dict[str, Look] = {
    "ok": Look(_("Works"), "circle-check", "good"),
    "right": Look(_("All right"), "circle-check", "good"),
    "idle": Look(_("All right"), "circle-check", "good"),
    "done": Look(_("Done"), "circle-check", "good"),
    "new": Look(_("New"), "circle-dashed", "quiet"),
    "due": Look(_("Waiting"), "hourglass", "busy"),
    "waiting": Look(_("Waiting"), "hourglass", "busy"),
    "retrying": Look(_("Trying again"), "refresh", "busy"),
    "working": Look(_("At work"), "refresh", "busy"),
    "blocked": Look(_("Waits for levels"), "hourglass", "busy"),
    "paused": Look(_("Paused"), "player-pause", "quiet"),
    "down": Look(_("Down"), "alert-triangle", "bad"),
    "attention": Look(_("Needs attention"), "alert-triangle", "bad"),
    "unreadable": Look(_("Not understood"), "alert-triangle", "bad"),
    "failed": Look(_("Failed"), "alert-triangle", "bad"),
    "unmapped": Look(_("Not mapped"), "alert-triangle", "bad"),
    "ignored": Look(_("Nothing to do"), "circle-dashed", "quiet"),
    "inactive": Look(_("Disconnected"), "plug", "quiet"),
    "live": Look(_("Has access"), "circle-check", "good"),
    "ended": Look(_("Ended"), "ban", "quiet"),
    "refunded": Look(_("Refunded"), "arrow-back-up", "quiet"),
    "cancelled": Look(_("Cancelled"), "ban", "quiet"),
    "test": Look(_("Test"), "flask", "quiet"),
    "failing": Look(_("Payment failed"), "alert-triangle", "bad"),
    "erased": Look(_("Erased"), "user-off", "quiet"),
    # By staff; `held` is an order's, which gives nothing.
    "hold": Look(_("On hold"), "player-pause", "busy"),
    "held": Look(_("Not fulfilled"), "ban", "quiet"),
    "on": Look(_("On"), "circle-check", "good"),
    "off": Look(_("Off"), "circle-dashed", "quiet"),
    "switched-off": Look(_("Switched off"), "ban", "quiet"),
}


def look(state: str) -> Look:
    """How a state is shown; one that is not listed shows its own name."""
    return _LOOKS.get(state) or Look(state, "circle-dashed", "quiet")
