"""`/attention/members`: stuck members one by one, to be tried again: those that are ticked, or all."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.access.models import Member
from guestlist.access.stuck import dismiss_alerts, members_with_alerts, stuck_members, try_again
from guestlist.accounts.acts import NOTES_DISMISSED, TRIED_AGAIN
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.dashboard.listing import Sort, listing
from guestlist.dashboard.pages import back, page
from guestlist.dashboard.ticked import number, text, ticked

SORTS = (Sort("id", ()),)
# Members tried again in one request: about half a second's work. Where there are more, the page goes on by itself.
AT_ONCE = 1000


@page(change=Role.OPERATOR)
def show(request: HttpRequest) -> HttpResponse:
    """A page of them; those of one site, or of one kind of trouble, where the address says so."""
    if request.method == "POST":
        return _try_again(request)
    found = stuck_members(text(request.GET, "site"), text(request.GET, "group"))
    return render(request, "dashboard/attention/members.html", {"listing": listing(request, found, SORTS)})


@page(change=Role.OPERATOR)
def alerts(request: HttpRequest) -> HttpResponse:
    """What the owner should know of members, although nothing is stuck; what is known is taken from the list."""
    if request.method == "POST":
        with transaction.atomic():
            known = dismiss_alerts(ticked(request, "member"))
            record(request, NOTES_DISMISSED, count=known)
        messages.success(
            request,
            ngettext("%(count)s note is off the list.", "%(count)s notes are off the list.", known) % {"count": known},
        )
        return back(request, "attention:alerts")
    return render(
        request, "dashboard/attention/alerts.html", {"listing": listing(request, members_with_alerts(), SORTS)}
    )


def _try_again(request: HttpRequest) -> HttpResponse:
    site, group = text(request.POST, "site"), text(request.POST, "group")
    done = number(request, "done")
    wanted = stuck_members(site, group).filter(pk__gt=number(request, "after"))
    if "all" not in request.POST:
        wanted = wanted.filter(pk__in=ticked(request, "member"))
    some = list(wanted.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    if some:
        # Before: it is done in several transactions, and the next ones may never be asked for.
        record(request, TRIED_AGAIN, count=len(some), site=site)
    done += try_again(_members(some))
    if len(some) == AT_ONCE:
        values = {"site": site, "group": group, "after": some[-1], "done": done}
        return render(request, "dashboard/attention/going_on.html", values)
    if not done:
        messages.warning(request, _("Nobody was ticked, or they are not stuck any more."))
        return back(request, "attention:members")
    told = ngettext("%(count)s member is tried again now.", "%(count)s members are tried again now.", done)
    messages.success(request, told % {"count": done})
    return back(request, "attention:list")


def _members(ids: list[int]) -> QuerySet[Member]:
    return Member.objects.filter(pk__in=ids)
