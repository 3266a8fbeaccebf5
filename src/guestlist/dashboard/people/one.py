"""`/people/show`: one person, what they have at each site and why; their data handed out."""

from __future__ import annotations

import json

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from guestlist.access.models import Member, MemberState
from guestlist.access.person_page import person_page
from guestlist.accounts.acts import EXPORTED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import SiteState
from guestlist.dashboard.pages import page
from guestlist.dashboard.ticked import text
from guestlist.people.export import export as known_of
from guestlist.people.requests import waiting
from guestlist.sites.registry import all_platforms


@page()
def show(request: HttpRequest) -> HttpResponse:
    """All about one address."""
    email = text(request.GET, "email")
    found = person_page(email, timezone.now().date())
    if found is None:
        return render(request, "dashboard/people/nobody.html", {"email": email}, status=404)
    sites = {site.member.site_id: site.member.site for site in found.sites}
    platforms = all_platforms()
    values = {
        "person": found,
        # As long as a site that works is being told, the page looks again by itself.
        "follows": any(_follows(site.member) for site in found.sites),
        "to_be_erased": waiting(email),
        "mails": {pk for pk, site in sites.items() if platforms[site.kind].capabilities.can_resend_password_mail},
    }
    return render(request, "dashboard/people/show.html", values)


def _follows(member: Member) -> bool:
    site = member.site
    works = site.active and not site.paused and site.state in (SiteState.NEW, SiteState.OK)
    return works and member.state in (MemberState.DUE, MemberState.WORKING)


@page(Role.OPERATOR)
def export(request: HttpRequest) -> HttpResponse:
    """Everything that is stored about a person, as a file."""
    found = known_of(text(request.GET, "email"))
    if found is None:
        raise Http404
    record(request, EXPORTED, orders=len(found["orders"]))
    return HttpResponse(
        json.dumps(found, indent=2, ensure_ascii=False),
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="person.json"'},
    )
