"""`/attention/check/<site>`: what the latest comparison with a site found, and having it mended."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from guestlist.access.reconcile.queries import reconciliation
from guestlist.access.reconcile.run import begin
from guestlist.accounts.acts import RECONCILED
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.kick import kick_reconciliation
from guestlist.connections.models import Site
from guestlist.dashboard.pages import back, page


@page(change=Role.OPERATOR)
def show(request: HttpRequest, site_id: str) -> HttpResponse:
    """The differences; POST compares again, and mends with `fix`."""
    site = get_object_or_404(Site, pk=site_id, active=True)
    if request.method == "POST":
        return _compare(request, site)
    latest = site.reconciliations.order_by("-pk").first()
    ended = site.reconciliations.filter(finished_at__isnull=False).order_by("-pk").first()
    values = {
        "site": site,
        "under_way": latest is not None and latest.finished_at is None,
        "check": reconciliation(ended) if ended else None,
    }
    return render(request, "dashboard/attention/check.html", values)


def _compare(request: HttpRequest, site: Site) -> HttpResponse:
    fix = "fix" in request.POST
    with transaction.atomic():
        begin(site.pk, fix=fix)
        kick_reconciliation(site.pk)
        record(request, RECONCILED, site, fix=fix)
    if fix:
        messages.success(request, _("The differences are looked at once more and mended. This page shows how it went."))
    else:
        messages.success(request, _("The site is compared now. This page shows what is found."))
    return back(request, "attention:check", site.pk)
