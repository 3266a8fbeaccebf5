"""A page that is not there yet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.dashboard.pages import page


@page()
def show(request: HttpRequest, **_values: Any) -> HttpResponse:
    """Say so."""
    return render(request, "dashboard/coming.html")
