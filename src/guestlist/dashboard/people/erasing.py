"""`/people/erase`: a person's data erased, after it was said and chosen what becomes of their access."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.access.models import Grant
from guestlist.access.queries import person
from guestlist.access.staff_refusals import StaffRefused
from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import StaffRequest, page, redirect_to
from guestlist.dashboard.people.forms import EraseForm
from guestlist.dashboard.said import said
from guestlist.dashboard.ticked import text
from guestlist.orders.models import Customer
from guestlist.people.requests import request_erasure, waiting, withdraw
from guestlist.people.whose import whose


@page(Role.OWNER, change=Role.OWNER)
def show(request: StaffRequest) -> HttpResponse:
    """What would be erased, and what of it gives access; POST asks for it, or takes that back."""
    email = text(request.GET, "email").strip()
    found = whose(email)
    if found.nobody:
        return render(request, "dashboard/people/nobody.html", {"email": email}, status=404)
    if request.method == "POST" and "withdraw" in request.POST:
        withdraw(email)
        messages.success(request, _("The data stays. Access that was ended meanwhile stays ended."))
        return redirect_to(request, request.get_full_path())
    form = EraseForm(email, request.POST or None)
    if request.method == "POST" and form.is_valid():
        answer = _ask(request, email, form)
        if answer is not None:
            return answer
    grants = Grant.objects.filter(member__in=found.members)
    values = {
        "form": form,
        "email": email,
        "found": found,
        "addresses": sorted(found.addresses),
        "waiting": waiting(email),
        "person": person(email),
        "customers": Customer.objects.filter(pk__in=found.customers).order_by("email_key"),
        "has_access": grants.filter(live=True).exists() or grants.filter(confirmed_live=True).exists(),
    }
    return render(request, "dashboard/people/erase.html", values, status=422 if form.is_bound else 200)


def _ask(request: StaffRequest, email: str, form: EraseForm) -> HttpResponse | None:
    given = form.cleaned_data
    try:
        erased = request_erasure(email, end_access=given["access"] == EraseForm.END, why=given["why"])
    except StaffRefused as error:
        form.add_error(None, said(f"{error.problem} {error.remedy}"))
        return None
    if erased is None:
        messages.success(request, _("The data is erased as soon as that can be; this page says what it waits for."))
        return redirect_to(request, request.get_full_path())
    messages.success(request, _("The person's data was erased."))
    return redirect_to(request, reverse("people:list"))
