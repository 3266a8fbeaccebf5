"""What every page has in common: who may see it, who may change something, and how a refusal is shown."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from guestlist.accounts.models import User
from guestlist.accounts.roles import Role

View = Callable[..., HttpResponseBase]


class StaffRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User
    htmx: HtmxDetails


def page(see: Role = Role.VIEWER, *, change: Role | None = None) -> Callable[[View], View]:
    """A view for signed-in staff.

    Args:
        see: the role that GET needs.
        change: the role that POST needs; None = the page changes nothing, and POST is not possible.

    The roles stay readable as `view.see` and `view.change`.
    """
    needed = {"GET": see, "HEAD": see} | ({"POST": change} if change is not None else {})

    def guard(view: View) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **values: Any) -> HttpResponseBase:
            if request.method not in needed:
                return HttpResponseNotAllowed(needed)
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            role = needed[request.method]
            if not Role(request.user.role).allows(role):
                return render(request, "dashboard/refused.html", {"needed": role}, status=403)
            return view(request, *args, **values)

        guarded.see = see  # type: ignore[attr-defined]
        guarded.change = change  # type: ignore[attr-defined]
        return guarded

    return guard


def back(request: HttpRequest, otherwise: str, *args: Any, **values: Any) -> HttpResponse:
    """Where a form's hidden field `next` says, if that is one of our own pages; else the named page."""
    wanted = request.POST.get("next", "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return redirect_to(request, wanted if ours else resolve_url(otherwise, *args, **values))


def redirect_to(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect that also works for a request made by htmx."""
    if cast("StaffRequest", request).htmx:
        return HttpResponseClientRedirect(address)
    return HttpResponse(status=303, headers={"Location": address})


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if cast("StaffRequest", request).htmx:
        return HttpResponseClientRedirect(reverse("account_login"))
    return redirect_to_login(request.get_full_path())
