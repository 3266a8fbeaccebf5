"""Signing in, one's own account, and making it by an invitation."""

from __future__ import annotations

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm, ResetPasswordForm
from allauth.account.views import LoginView, PasswordResetView
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from guestlist.accounts import invitations, mail
from guestlist.accounts.models import Invitation, User
from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import StaffRequest, page

EMAIL = gettext_lazy("E-mail address")


def _call_email(field: forms.Field) -> None:
    """As it is called everywhere else; what is typed in a field needs no words within it."""
    field.label = EMAIL
    field.widget.attrs.pop("placeholder", None)


class SignInForm(LoginForm):  # type: ignore[misc]
    """django-allauth's, in our words."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        _call_email(self.fields["login"])
        self.fields["password"].widget.attrs.pop("placeholder", None)


class AskForResetForm(ResetPasswordForm):  # type: ignore[misc]
    """django-allauth's, in our words."""

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        _call_email(self.fields["email"])


class SignIn(LoginView):  # type: ignore[misc]
    """django-allauth's page; as long as there is no owner it says how to become one."""

    form_class = SignInForm

    def get_context_data(self, **values: Any) -> dict[str, Any]:
        """With whether there is an owner."""
        return {**super().get_context_data(**values), "owner_exists": invitations.owner_exists()}


class AskForReset(PasswordResetView):  # type: ignore[misc]
    """django-allauth's page; without e-mail it says what to do instead."""

    form_class = AskForResetForm

    def get_context_data(self, **values: Any) -> dict[str, Any]:
        """With what is missing for sending mail."""
        found = {"mail_is_set_up": mail.is_set_up(), "has_mail_server": bool(settings.EMAIL_URL)}
        return {**super().get_context_data(**values), **found}

    def post(self, request: HttpRequest, *args: Any, **values: Any) -> HttpResponse:
        """Nobody is told to wait for a mail that does not come."""
        response: HttpResponse = super().post(request, *args, **values) if mail.is_set_up() else self.get(request)
        return response


class WelcomeForm(forms.Form):
    """What somebody who was invited tells."""

    email = forms.EmailField(label=EMAIL, max_length=254)
    name = forms.CharField(label=gettext_lazy("Your name"), max_length=120, required=False)
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, invitation: Invitation, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["email"].widget.attrs["autocomplete"] = "username"
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["password"].help_text = " ".join(password_validators_help_texts())
        if invitation.email:
            self.fields["email"].disabled = True
            self.initial["email"] = invitation.email

    def clean(self) -> dict[str, Any]:
        """The password is judged beside the name and address, which it must not resemble."""
        told = self.cleaned_data
        if "password" in told:
            try:
                validate_password(told["password"], User(email=told.get("email", ""), name=told.get("name", "")))
            except ValidationError as error:
                self.add_error("password", error)
        return told


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Make the account that a link stands for, and sign in with it."""
    try:
        invitation = invitations.find(token)
    except invitations.LinkUseless as error:
        return render(request, "account/link_useless.html", {"problem": error}, status=410)
    form = WelcomeForm(invitation, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            user = invitations.accept(token, **form.cleaned_data)
        except invitations.LinkUseless as error:
            return render(request, "account/link_useless.html", {"problem": error}, status=410)
        except invitations.AddressTaken as error:
            form.add_error("email", str(error))
        else:
            login(request, user)
            messages.success(request, _("Welcome! Your account is made and you are signed in."))
            return redirect("overview:show")
    shown = {"form": form, "invitation": invitation, "role": Role(invitation.role)}
    return render(request, "account/welcome.html", shown, status=422 if form.errors else 200)


class ProfileForm(forms.Form):
    """One's own name and address; another address wants the password."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    email = forms.EmailField(label=gettext_lazy("E-mail address, with which you sign in"), max_length=254)
    password = forms.CharField(
        label=gettext_lazy("Your password"),
        strip=False,
        required=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=gettext_lazy("Only needed to change the address."),
    )

    def __init__(self, user: User, data: Any = None) -> None:
        super().__init__(data, initial={"name": user.name, "email": user.email})
        self.user = user

    def clean_email(self) -> str:
        """In lower case, as it is stored, and nobody else's."""
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exclude(pk=self.user.pk).exists():
            raise ValidationError(_("Somebody else has this address."))
        return email

    def clean(self) -> dict[str, Any]:
        """Whoever finds a screen unlocked cannot take the account over."""
        told = self.cleaned_data
        if told.get("email", self.user.email) != self.user.email:
            try:
                # Counted by the throttle of signing in.
                right = get_adapter().reauthenticate(self.user, told.get("password", ""))
            except ValidationError as error:
                self.add_error("password", error)
            else:
                if not right:
                    self.add_error("password", _("This is not your password."))
        return told


@page(change=Role.VIEWER)
def profile(request: HttpRequest) -> HttpResponse:
    """One's own name and address."""
    user = User.objects.get(pk=cast("StaffRequest", request).user.pk)
    form = ProfileForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        user.name, user.email = form.cleaned_data["name"], form.cleaned_data["email"]
        user.save()
        messages.success(request, _("Saved."))
        return redirect("account_profile")
    return render(request, "account/profile.html", {"form": form}, status=422 if form.errors else 200)
