"""`/people/erase`: a person's data erased, after it was said what becomes of their access."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from guestlist.access.models import Grant, GrantState
from guestlist.access.queries import person
from guestlist.access.staff_refusals import StaffRefused
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import StaffRequest, page, redirect_to
from guestlist.dashboard.people.forms import EraseForm
from guestlist.orders.models import Customer
from guestlist.people.erase import ask_to_end, erase
from guestlist.people.mentions import without
from guestlist.people.whose import whose


@page(Role.OWNER, change=Role.OWNER)
def show(request: StaffRequest) -> HttpResponse:
    """What would be erased, and what of it gives access; POST erases, or has the access ended first."""
    email = request.GET.get("email", "").replace("\0", "").strip()
    found = whose(email)
    if found.nobody:
        return render(request, "dashboard/people/nobody.html", {"email": email}, status=404)
    if request.method == "POST" and "end" in request.POST:
        return _end_first(request, email)
    form = EraseForm(email, request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _erase(request, email, form)
        if answer is not None:
            return answer
    live = Grant.objects.filter(member__in=found.members)
    values = {
        "form": form,
        "email": email,
        "found": found,
        "addresses": sorted(found.addresses),
        "person": person(email),
        "customers": Customer.objects.filter(pk__in=found.customers).order_by("email_key"),
        "keeps": live.filter(confirmed_live=True).exclude(remote_id="").exists(),
        "wanted": live.filter(live=True).exists(),
        "ending": live.filter(live=False, state=GrantState.DUE).exists(),
    }
    return render(request, "dashboard/people/erase.html", values, status=422 if form.is_bound else 200)


def _end_first(request: StaffRequest, email: str) -> HttpResponse:
    try:
        count = ask_to_end(email, str(request.user), _("The person's data is to be erased."))
    except StaffRefused as error:
        messages.error(request, f"{error.problem} {error.remedy}")
    else:
        text = ngettext(
            "The access at %(count)s site is being ended. Erase the data once the site has confirmed it.",
            "The access at %(count)s sites is being ended. Erase the data once all of them have confirmed it.",
            count,
        )
        messages.success(request, text % {"count": count})
    return redirect_to(request, request.get_full_path())


def _erase(request: StaffRequest, email: str, form: EraseForm) -> HttpResponse | None:
    try:
        with transaction.atomic():
            erased = erase(email)
            why = without(erased.addresses, form.cleaned_data["why"])
            record(
                request,
                "erased a person's data",
                orders=erased.orders,
                members=erased.members,
                left_at_sites=erased.left_at_sites,
                why=why,
            )
    except StaffRefused as error:
        form.add_error(None, f"{error.problem} {error.remedy}")
        return None
    messages.success(request, _("The person's data was erased."))
    return redirect_to(request, reverse("people:list"))
