"""A membership site: connected once it lets us in, watched, changed, paused, disconnected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.access.models import Member, SiteRequest
from guestlist.access.sitestate import ask_again_now, read_levels
from guestlist.accounts.acts import LEVELS_READ
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart, Site
from guestlist.connections.pausing import pause_site, resume_site
from guestlist.connections.queries import sites as site_views
from guestlist.dashboard.integrations.forms import SiteForm, SiteSettingsForm, WayForm
from guestlist.dashboard.integrations.lists import site_state
from guestlist.dashboard.pages import page, redirect_to
from guestlist.dashboard.ticked import text
from guestlist.engine.overview import site_statuses
from guestlist.fulfilment.catalogue import CatalogueItem, catalogue
from guestlist.fulfilment.editing import EditRefused, disconnect_site, save_site
from guestlist.fulfilment.planning import replan_blocked
from guestlist.fulfilment.settings_changes import Saved
from guestlist.sites.registry import all_platforms

REQUESTS_SHOWN = 10


@page(Role.OWNER, change=Role.OWNER)
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a site, a new one or one that was disconnected; it is asked for its levels first."""
    before = Site.objects.filter(pk=text(request.GET, "id"), active=False).first()
    form = SiteForm(request.POST if request.method == "POST" else None, initial=_known(before) if before else None)
    if request.method == "POST" and form.is_valid():
        site_id = form.cleaned_data["id"]
        if Site.objects.filter(pk=site_id, active=True).exists():
            form.add_error("id", _("A site with this name is connected already. Choose another name."))
        else:
            try:
                saved = save_site(form.settings())
            except EditRefused as refused:
                form.take(refused)
            else:
                found = saved.levels_read.get(site_id, 0)
                messages.success(request, _("Connected. %(count)s levels were read from the site.") % {"count": found})
                _tell(request, saved)
                return redirect_to(request, reverse("integrations:site", args=(site_id,)))
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
def way(request: HttpRequest, site_id: str) -> HttpResponse:
    """Enter an address or credentials that work; what is new is tried before it is saved."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method != "POST":
        return redirect("integrations:site", site_id)
    form = WayForm.of(site, request.POST)
    if form.is_valid():
        try:
            saved = save_site({"id": site.pk, **form.connection()})
        except EditRefused as refused:
            form.take(refused)
        else:
            if site.pk in saved.levels_read:
                messages.success(request, _("Saved. The site lets Guestlist in."))
            elif ask_again_now([site.pk]):
                messages.success(request, _("The site %(site)s is asked again now.") % {"site": site.pk})
            else:
                messages.success(request, _("Saved."))
            _tell(request, saved)
            return redirect_to(request, reverse("integrations:site", args=(site_id,)))
    return _page(request, site, way_form=form, status=422)


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
        record(request, LEVELS_READ, site)
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
    named = [item for cart in Cart.objects.filter(active=True) for item in catalogue(cart.pk) if _gives(item, site)]
    values = {"site": site, "named": named, "members": Member.objects.filter(site=site).count()}
    return render(request, "dashboard/integrations/disconnect_site.html", values)


def _page(request: HttpRequest, site: Site, *, status: int = 200, **forms: Any) -> HttpResponse:
    values = {
        **_standing_values(site),
        "levels": next(view.levels for view in site_views() if view.id == site.pk),
        "requests": SiteRequest.objects.filter(site=site).select_related("member").order_by("-pk")[:REQUESTS_SHOWN],
        "settings_form": SiteSettingsForm.of(site),
        "way_form": WayForm.of(site),
        **forms,
    }
    return render(request, "dashboard/integrations/site.html", values, status=status)


def _standing_values(site: Site) -> dict[str, Any]:
    standing = next(found for found in site_statuses() if found.id == site.pk)
    return {
        "site": site,
        "kind": all_platforms()[site.kind].label,
        "standing": standing,
        "state": site_state(standing),
    }


def _known(site: Site) -> dict[str, Any]:
    """What a disconnected site's form begins with: all but the credentials."""
    names = ("id", "kind", "url", "allow_private_address", "on_email_change")
    return {name: getattr(site, name) for name in names}


def _tell(request: HttpRequest, saved: Saved) -> None:
    for warning in saved.warnings:
        messages.warning(request, warning)


def _gives(item: CatalogueItem, site: Site) -> bool:
    return any(target.site == site.pk for rule in item.rules for target in rule.grants)
