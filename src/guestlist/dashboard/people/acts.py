"""What staff do for one person: each act says what it means and asks why before it is done."""

from __future__ import annotations

from typing import Any, assert_never
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from guestlist.access.person_page import person_page
from guestlist.access.staff import change, resend_password_mail, resync, try_members_again
from guestlist.access.staff_refusals import StaffRefused
from guestlist.accounts import acts as audited
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.connections.models import Site, SiteState
from guestlist.dashboard.pages import StaffRequest, page, redirect_to
from guestlist.dashboard.people.forms import ActForm
from guestlist.dashboard.said import said
from guestlist.dashboard.ticked import text
from guestlist.domain.staff import Act
from guestlist.sites.contract import AlreadyRight, Done, NeedsAttention, RetryLater

_AUDITED = {
    Act.GRANT: audited.GRANTED,
    Act.EXTEND: audited.EXTENDED,
    Act.REVOKE: audited.REVOKED,
    Act.HOLD: audited.HELD,
    Act.RELEASE: audited.RELEASED,
}


def address_of(email: str) -> str:
    """A person's page."""
    return f"{reverse('people:show')}?{urlencode({'email': email})}"


@page(Role.OPERATOR, change=Role.OPERATOR)
def by_hand(request: StaffRequest, act: str) -> HttpResponse:
    """Grant, extend, revoke, hold or release."""
    if act not in list(Act):
        raise Http404
    email = text(request.GET, "email").strip()
    found = person_page(email, timezone.now().date()) if email else None
    asked = {name: request.GET.get(name, "") for name in ("site", "level")}
    values: dict[str, Any] = {"known": found is not None, "initial": {"email": email, **asked}}
    form = ActForm(Act(act), request.POST or None, **values)
    if request.method == "POST" and form.is_valid() and _done(request, form):
        return redirect_to(request, address_of(form.cleaned_data["email"]))
    shown = {"form": form, "act": act, "email": email, "person": found, "site": form.chosen_site}
    return render(request, "dashboard/people/act.html", shown, status=422 if form.is_bound else 200)


@page(Role.OPERATOR, change=Role.OPERATOR)
def password(request: StaffRequest) -> HttpResponse:
    """Have the site mail a link to set a password."""
    email, site = _named(request)
    if request.method == "POST":
        try:
            outcome = resend_password_mail(site, email, str(request.user))
        except StaffRefused as error:
            messages.error(request, said(f"{error.problem} {error.remedy}"))
            return redirect_to(request, address_of(email))
        match outcome:
            case RetryLater(reason=reason):
                messages.error(request, _("%(reason)s Try again later.") % {"reason": said(reason)})
            case NeedsAttention(reason=reason, remedy=remedy):
                messages.error(request, said(f"{reason} {remedy}"))
            case Done() | AlreadyRight():
                record(request, audited.PASSWORD_MAILED, site=site, email=email)
                messages.success(request, _("The site %(site)s says that it sends the mail.") % {"site": site})
            case _:
                assert_never(outcome)
    return redirect_to(request, address_of(email))


@page(Role.OPERATOR, change=Role.OPERATOR)
def look_anew(request: StaffRequest) -> HttpResponse:
    """Have a site looked at, and made right again."""
    email, site = _named(request)
    if request.method == "POST":
        try:
            with transaction.atomic():
                resync(site, email, str(request.user))
                record(request, audited.RESYNCED, site=site, email=email)
        except StaffRefused as error:
            messages.error(request, said(f"{error.problem} {error.remedy}"))
        else:
            told = _("%(site)s is looked at now; what differs there is made right again.")
            messages.success(request, told % {"site": site})
    return redirect_to(request, address_of(email))


@page(Role.OPERATOR, change=Role.OPERATOR)
def again(request: StaffRequest) -> HttpResponse:
    """Try a person again who is stuck, or waits for the next try."""
    email, site = _named(request)
    if request.method == "POST":
        try:
            with transaction.atomic():
                count = try_members_again(site or None, email)
                if count:
                    record(request, audited.TRIED_AGAIN, site=site, email=email, count=count)
        except StaffRefused as error:
            messages.error(request, said(f"{error.problem} {error.remedy}"))
        else:
            told = _("It is tried again now.") if count else _("Nothing is stuck; there is nothing to try again.")
            messages.success(request, told)
    return redirect_to(request, address_of(email))


def _named(request: StaffRequest) -> tuple[str, str]:
    """The person and the site that a form, or else the address, names."""
    values = request.POST if request.method == "POST" else request.GET
    return text(values, "email"), text(values, "site")


def _follows(site: Site) -> str:
    """When the site will have what was written down for it."""
    if site.paused:
        return _("Written down. The site is paused: it follows as soon as it goes on.")
    if site.state in (SiteState.DOWN, SiteState.ATTENTION):
        return _("Written down. The site does not work at this moment: it follows as soon as it does.")
    return _("Done. The site follows within moments; this page shows when it has.")


def _done(request: StaffRequest, form: ActForm) -> bool:
    given = form.cleaned_data
    try:
        with transaction.atomic():
            change(
                given["site"],
                given["email"],
                form.act,
                level=given["level"],
                until_on=form.until_on,
                who=str(request.user),
                why=given["why"],
                first_name=given.get("first_name", ""),
                last_name=given.get("last_name", ""),
            )
            record(request, _AUDITED[form.act], site=given["site"], email=given["email"], level=given["level"])
    except StaffRefused as error:
        form.refuse(error)
        return False
    messages.success(request, _follows(Site.objects.get(pk=given["site"])))
    return True
