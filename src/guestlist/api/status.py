"""How everything stands, over HTTP."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from guestlist.api.problems import COMMON
from guestlist.api.roles import VIEWER
from guestlist.engine.overview import Overview, overview

router = Router(tags=["status"])


@router.get("/status", auth=VIEWER, response={200: Overview, **COMMON})
def show_status(request: HttpRequest) -> Overview:
    """Deliveries, members, carts, sites, and what was sold but no rule names."""
    return overview()
