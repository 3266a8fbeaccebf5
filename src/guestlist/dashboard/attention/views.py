"""`/attention`: everything that needs a person, in groups, each with what is to be done."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from guestlist.access.sitestate import ask_again_now
from guestlist.accounts.acts import SITE_ASKED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Site
from guestlist.dashboard.pages import back, page
from guestlist.engine.attention import COUNTED_TO, attention, attention_count
from guestlist.engine.worker_alive import worker_lives


@page()
def show(request: HttpRequest) -> HttpResponse:
    """All of it."""
    found = attention()
    values = {"attention": found, "most": COUNTED_TO, "worker": worker_lives()}
    return render(request, "dashboard/attention/show.html", values)


@page()
def count(request: HttpRequest) -> HttpResponse:
    """How much there is, for the menu."""
    return render(request, "dashboard/attention/count.html", {"count": attention_count(), "most": COUNTED_TO - 1})


@page(change=Role.OPERATOR)
def site_again(request: HttpRequest, site_id: str) -> HttpResponse:
    """Have a site asked now."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method == "POST":
        with transaction.atomic():
            asked = ask_again_now([site.pk])
            if asked:
                record(request, SITE_ASKED, site)
        if asked:
            messages.success(request, _("The site %(site)s is asked again now.") % {"site": site.pk})
        else:
            messages.info(request, _("Nothing is stuck; there is nothing to try again."))
    return back(request, "attention:list")
