"""A membership site: connected once it lets us in, watched, changed, paused, disconnected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.access.models import Member, SiteRequest
from guestlist.access.sitestate import read_levels
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Site
from guestlist.connections.pausing import pause_site, resume_site
from guestlist.connections.queries import sites as site_views
from guestlist.dashboard.integrations.forms import KEY, PASSWORD, CredentialsForm, SiteForm, SiteSettingsForm
from guestlist.dashboard.integrations.lists import site_state
from guestlist.dashboard.pages import page, redirect_to
from guestlist.engine.overview import SiteStatus, overview
from guestlist.fulfilment.editing import EditRefused, disconnect_site, save_site
from guestlist.fulfilment.models import Rule
from guestlist.fulfilment.planning import replan_blocked
from guestlist.fulfilment.rules import rules_of
from guestlist.sites.registry import all_platforms

REQUESTS_SHOWN = 20


@page(Role.OWNER, change=Role.OWNER)
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a site, a new one or one that was disconnected; it is asked for its levels first."""
    initial = {"id": request.GET["id"]} if "id" in request.GET else None
    form = SiteForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        if Site.objects.filter(pk=values["id"], active=True).exists():
            form.add_error("id", _("A site with this name is connected already. Choose another name."))
        else:
            named = {name: values[name] for name in ("id", "kind", "url", "allow_private_address")}
            try:
                applied = save_site({**named, **form.credentials()})
            except EditRefused as refused:
                form.take(refused)
            else:
                found = applied.levels_read.get(values["id"], 0)
                messages.success(request, _("Connected. %(count)s levels were read from the site.") % {"count": found})
                return redirect_to(request, reverse("integrations:site", args=(values["id"],)))
    status = 422 if form.errors else 200
    return render(request, "dashboard/integrations/connect_site.html", {"form": form}, status=status)


@page()
def show(request: HttpRequest, site_id: str) -> HttpResponse:
    """The site with all that can be changed."""
    return _page(request, get_object_or_404(Site, pk=site_id))


@page()
def now(request: HttpRequest, site_id: str) -> HttpResponse:
    """How it stands at this moment."""
    site = get_object_or_404(Site, pk=site_id)
    return render(request, "dashboard/integrations/site_now.html", _standing_values(site))


@page(Role.OWNER, change=Role.OWNER)
def change(request: HttpRequest, site_id: str) -> HttpResponse:
    """Change how the site is worked on."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method != "POST":
        return redirect("integrations:site", site_id)
    form = SiteSettingsForm.of(site, request.POST)
    if form.is_valid():
        try:
            save_site({"id": site.pk, **form.cleaned_data})
        except EditRefused as refused:
            form.take(refused)
        else:
            messages.success(request, _("Saved."))
            return redirect_to(request, reverse("integrations:site", args=(site_id,)))
    return _page(request, site, settings_form=form, status=422)


@page(Role.OWNER, change=Role.OWNER)
def credentials(request: HttpRequest, site_id: str) -> HttpResponse:
    """Enter credentials that work; they are tried before they are saved."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method != "POST":
        return redirect("integrations:site", site_id)
    form = CredentialsForm(request.POST)
    if form.is_valid():
        try:
            save_site({"id": site.pk, **form.credentials()})
        except EditRefused as refused:
            form.take(refused)
        else:
            messages.success(request, _("The site accepts them. They are saved."))
            return redirect_to(request, reverse("integrations:site", args=(site_id,)))
    return _page(request, site, credentials_form=form, status=422)


@page(change=Role.OPERATOR)
def levels(request: HttpRequest, site_id: str) -> HttpResponse:
    """Read the levels again."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method == "POST":
        if read_levels(site):
            replan_blocked([site.pk])
            messages.success(request, _("%(count)s levels were read from the site.") % {"count": len(site.levels)})
        else:
            messages.error(request, _("The levels could not be read; below it says why."))
        record(request, "read levels again", site)
    return redirect_to(request, reverse("integrations:site", args=(site_id,)))


@page(Role.OWNER, change=Role.OWNER)
def pause(request: HttpRequest, site_id: str) -> HttpResponse:
    """Have the site's lane rest, or go on."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method == "POST":
        if request.POST.get("do") == "resume":
            resume_site(site.pk)
            messages.success(request, _("Resumed. Whoever waited gets their access now."))
        else:
            pause_site(site.pk)
            messages.success(request, _("Paused. Nothing is changed at the site until you resume it."))
    return redirect_to(request, reverse("integrations:site", args=(site_id,)))


@page(Role.OWNER, change=Role.OWNER)
def disconnect(request: HttpRequest, site_id: str) -> HttpResponse:
    """Change nothing more at the site, after saying what that means."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method == "POST":
        disconnect_site(site.pk)
        messages.success(request, _("%(name)s is disconnected.") % {"name": site.pk})
        return redirect_to(request, reverse("integrations:list"))
    naming = [
        rule
        for cart_id in Rule.objects.values_list("cart", flat=True).distinct()
        for rule in rules_of(cart_id)
        if any(target.site == site.pk for target in rule.grants)
    ]
    only = [rule for rule in naming if all(target.site == site.pk for target in rule.grants)]
    values = {
        "site": site,
        "rules": len(naming),
        "only": len(only),
        "has_members": Member.objects.filter(site=site).exists(),
    }
    return render(request, "dashboard/integrations/disconnect_site.html", values)


def _page(request: HttpRequest, site: Site, *, status: int = 200, **forms: Any) -> HttpResponse:
    way = PASSWORD if "username" in (site.credentials_env or {}) else KEY
    values = {
        **_standing_values(site),
        "levels": next(view.levels for view in site_views() if view.id == site.pk),
        "requests": SiteRequest.objects.filter(site=site).order_by("-pk")[:REQUESTS_SHOWN],
        "settings_form": SiteSettingsForm.of(site),
        "credentials_form": CredentialsForm(initial={"way": way}),
        **forms,
    }
    return render(request, "dashboard/integrations/site.html", values, status=status)


def _standing_values(site: Site) -> dict[str, Any]:
    standing = _standing(site)
    return {
        "site": site,
        "kind": all_platforms()[site.kind].label,
        "standing": standing,
        "state": site_state(standing),
    }


def _standing(site: Site) -> SiteStatus:
    return next(found for found in overview().sites if found.id == site.pk)
