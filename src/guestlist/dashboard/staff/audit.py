"""The audit log: who did what when."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from guestlist.accounts.models import AuditEntry, Kind
from guestlist.accounts.roles import Role
from guestlist.dashboard.listing import Sort, listing
from guestlist.dashboard.pages import page
from guestlist.dashboard.staff.audit_words import lines
from guestlist.dashboard.ticked import text

SORTS = (Sort("when", ()),)
# So does the address say that somebody wants those who were not signed in.
NOBODY = "-"


@page(Role.OWNER)
def show(request: HttpRequest) -> HttpResponse:
    """The entries, newest first, of everybody or of one."""
    by, kind = text(request.GET, "by"), text(request.GET, "kind")
    found = AuditEntry.objects.select_related("content_type")
    if by:
        found = found.filter(by="" if by == NOBODY else by)
    if kind in Kind.values:
        found = found.filter(kind=kind)
    page_ = listing(request, found, SORTS)
    shown = {
        "listing": page_,
        "lines": lines(page_.rows),
        "actors": AuditEntry.objects.exclude(by="").order_by("by").values_list("by", flat=True).distinct(),
        "kinds": Kind.choices,
        "by": by,
        "kind": kind,
        "nobody": NOBODY,
    }
    return render(request, "dashboard/staff/audit.html", shown)
