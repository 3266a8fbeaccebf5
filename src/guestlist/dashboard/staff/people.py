"""The staff: who they are, what they may do, and what an owner does with their accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.accounts import invitations, mail, staff
from guestlist.accounts.models import User
from guestlist.accounts.roles import Role
from guestlist.accounts.staff import NotPossible, Person
from guestlist.dashboard.pages import StaffRequest, back, page

ROLE_MEANS = {
    Role.VIEWER: gettext_lazy("sees everything but secrets, and changes nothing"),
    Role.OPERATOR: gettext_lazy("does the daily work: rules, giving and taking access, trying again"),
    Role.OWNER: gettext_lazy("does everything: also carts, sites, staff, tokens, erasing people"),
}


def role_field() -> forms.ChoiceField:
    """A choice of role that says what each may do."""
    choices = [(role.value, f"{role.label}: {ROLE_MEANS[role]}") for role in Role]
    return forms.ChoiceField(label=_("Role"), choices=choices, widget=forms.RadioSelect)


class RoleForm(forms.Form):
    """Another role."""

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)  # type: ignore[arg-type]
        self.fields["role"] = role_field()


@page(Role.OWNER)
def show_list(request: HttpRequest) -> HttpResponse:
    """Everybody, and who is invited."""
    shown = {"people": staff.people(), "invitations": list(invitations.open_invitations()), "role_means": ROLE_MEANS}
    return render(request, "dashboard/staff/list.html", shown)


@page(Role.OWNER, change=Role.OWNER)
def show_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """One of them; POST gives another role."""
    person = _person(user_id)
    form = RoleForm(request.POST or None, initial={"role": person.user.role})
    if request.method == "POST" and form.is_valid():
        return _do(
            request,
            person,
            lambda: staff.change_role(user_id, Role(form.cleaned_data["role"])),
            _("The role of %(name)s is %(role)s now.")
            % {"name": person.user, "role": Role(form.cleaned_data["role"]).label},
        )
    return _render(request, person, form=form, status=422 if form.errors else 200)


@page(Role.OWNER, change=Role.OWNER)
def switch(request: HttpRequest, user_id: int) -> HttpResponse:
    """Let somebody sign in no more, or again."""
    person = _person(user_id)
    if request.method != "POST":
        return render(request, "dashboard/staff/switch.html", {"person": person})
    on = request.POST.get("to") == "on"
    told = _("%(name)s can sign in again.") if on else _("%(name)s cannot sign in any more and is signed out.")
    return _do(request, person, lambda: staff.set_active(user_id, active=on), told % {"name": person.user})


@page(Role.OWNER, change=Role.OWNER)
def remove(request: HttpRequest, user_id: int) -> HttpResponse:
    """Remove somebody's account."""
    person = _person(user_id)
    if request.method != "POST":
        return render(request, "dashboard/staff/remove.html", {"person": person})
    if _is_self(request, person):
        return _refuse_self(request)
    try:
        staff.remove(user_id)
    except NotPossible as error:
        messages.error(request, str(error))
        return back(request, "staff:person", user_id)
    messages.success(request, _("The account of %(name)s is removed.") % {"name": person.user})
    return back(request, "staff:list")


@page(Role.OWNER, change=Role.OWNER)
def end_sessions(request: HttpRequest, user_id: int) -> HttpResponse:
    """Sign somebody out everywhere."""
    person = _person(user_id)
    if request.method == "POST":
        staff.end_sessions(user_id)
        messages.success(request, _("%(name)s is signed out everywhere.") % {"name": person.user})
    return back(request, "staff:person", user_id)


@page(Role.OWNER, change=Role.OWNER)
def two_factor_off(request: HttpRequest, user_id: int) -> HttpResponse:
    """For somebody who lost the phone and the recovery codes."""
    person = _person(user_id)
    if request.method != "POST":
        return render(request, "dashboard/staff/two_factor.html", {"person": person})
    staff.switch_two_factor_off(user_id)
    messages.success(request, _("%(name)s signs in with the password alone now.") % {"name": person.user})
    return back(request, "staff:person", user_id)


@page(Role.OWNER, change=Role.OWNER)
def reset_link(request: HttpRequest, user_id: int) -> HttpResponse:
    """A link to set a new password, shown this once."""
    person = _person(user_id)
    if request.method != "POST":
        return back(request, "staff:person", user_id)
    _user, link = staff.reset_link(user_id)
    return _render(request, person, form=RoleForm(initial={"role": person.user.role}), link=link)


class InviteForm(forms.Form):
    """Whom to invite."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("The account can only have this address. Left empty, whoever has the link chooses."),
    )

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)  # type: ignore[arg-type]
        self.fields["role"] = role_field()
        self.fields["role"].initial = Role.OPERATOR.value


def _person(user_id: int) -> Person:
    found = next((person for person in staff.people() if person.user.pk == user_id), None)
    if found is None:
        raise Http404
    return found


def _do(request: HttpRequest, person: Person, act: Callable[[], User], told: str) -> HttpResponse:
    if _is_self(request, person):
        return _refuse_self(request)
    try:
        act()
    except NotPossible as error:
        messages.error(request, str(error))
    else:
        messages.success(request, told)
    return back(request, "staff:person", person.user.pk)


def _is_self(request: HttpRequest, person: Person) -> bool:
    return person.user.pk == cast("StaffRequest", request).user.pk


def _refuse_self(request: HttpRequest) -> HttpResponse:
    messages.error(request, _("This is your own account: ask another owner to do that."))
    return back(request, "staff:list")


def _render(request: HttpRequest, person: Person, *, status: int = 200, **shown: object) -> HttpResponse:
    found = {"person": person, "is_self": _is_self(request, person), "mail_is_set_up": mail.is_set_up(), **shown}
    return render(request, "dashboard/staff/person.html", found, status=status)
