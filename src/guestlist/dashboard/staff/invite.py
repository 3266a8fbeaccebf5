"""Inviting somebody, and taking an invitation back."""

from __future__ import annotations

from typing import cast

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from guestlist.accounts import invitations, links, mail
from guestlist.accounts.invitations import AddressTaken
from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import StaffRequest, back, page
from guestlist.dashboard.staff.people import InviteForm


@page(Role.OWNER, change=Role.OWNER)
def invite(request: HttpRequest) -> HttpResponse:
    """Make a link; it is shown this once, and mailed where that is possible."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        by = cast("StaffRequest", request).user
        email = form.cleaned_data["email"]
        try:
            made = invitations.invite(by, Role(form.cleaned_data["role"]), email)
        except AddressTaken:
            form.add_error("email", _("Somebody with this address is here already."))
        else:
            link = links.absolute(made.path, request)
            mailed = bool(email) and mail.is_set_up()
            if mailed:
                get_adapter().send_mail("account/email/invitation", email, {"who": str(by), "link": link})
            shown = {"link": link, "mailed": mailed, "invitation": made.invitation}
            return render(request, "dashboard/staff/invited.html", shown)
    shown = {"form": form, "mail_is_set_up": mail.is_set_up()}
    return render(request, "dashboard/staff/invite.html", shown, status=422 if form.errors else 200)


@page(Role.OWNER, change=Role.OWNER)
def withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Make an invitation's link useless."""
    if request.method == "POST":
        if invitations.withdraw(invitation_id):
            messages.success(request, _("The invitation is taken back: its link does not work any more."))
        else:
            messages.error(request, _("The invitation was used meanwhile, or is too old."))
    return back(request, "staff:list")
