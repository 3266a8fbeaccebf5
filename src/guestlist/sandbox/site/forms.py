"""What the page's forms do."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from guestlist.sandbox.site import page
from guestlist.sandbox.site.http import HTML, Request, Response
from guestlist.sandbox.site.switches import BadSwitch, Fault
from guestlist.sandbox.site.wordpress import WordPress

_TICKS = ("plugin_active", "plain_permalinks", "strip_authorization", "application_passwords")


def answer(site: WordPress, request: Request) -> Response:
    """Do what a form says, then show the switches again."""
    fields = dict(parse_qsl(request.body.decode(errors="replace"), keep_blank_values=True))
    try:
        _act(site, fields)
    except (BadSwitch, ValueError) as problem:
        return page.switchboard(site, request.base, str(problem))
    return Response(303, b"", HTML, (("Location", f"{request.base}/?view=switches"),))


def _act(site: WordPress, fields: dict[str, str]) -> None:
    match fields.get("do"):
        case "switches":
            _set(site, fields)
        case "fault":
            times = int(float(fields.get("times") or 1))
            email = fields.get("email", "").strip()
            fault = Fault(fields.get("match", ""), fields.get("kind", ""), times or None, email=email)
            site.switches.faults.append(fault)
        case "remove-fault":
            # It may have been used up meanwhile.
            if (index := int(fields.get("index", "0"))) < len(site.switches.faults):
                del site.switches.faults[index]
        case "reset":
            site.reset()
        case other:
            raise ValueError(f"there is no form {other!r}")


def _set(site: WordPress, fields: dict[str, str]) -> None:
    key = (site.switches.key or site.options.key) if "key_accepted" in fields else None
    changes: dict[str, Any] = {"key": key}
    changes |= {name: name in fields for name in _TICKS}
    others = ("latency_ms", "race_window_ms", "down", "login_guard", "now")
    changes |= {name: fields[name] for name in others if name in fields}
    site.switches.update(changes)
