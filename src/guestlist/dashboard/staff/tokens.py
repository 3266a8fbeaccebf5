"""API tokens: made and shown once, listed, revoked."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.accounts.models import ApiToken
from guestlist.accounts.roles import Role
from guestlist.accounts.tokens import LONGEST_NAME, TokenRefused, create_token, revoke_token
from guestlist.dashboard.pages import back, page

MEANS = {
    Role.VIEWER: gettext_lazy("only reads"),
    Role.OPERATOR: gettext_lazy("does all that the API can do"),
    Role.OWNER: gettext_lazy("the same, and what the API may one day let owners do"),
}


class TokenForm(forms.Form):
    """A token to make."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        help_text=gettext_lazy("What uses it, such as “backup” or “reports”. It stands in the audit log."),
    )

    def __init__(self, *args: object, **values: object) -> None:
        super().__init__(*args, **values)  # type: ignore[arg-type]
        choices = [(role.value, f"{role.label}: {means}") for role, means in MEANS.items()]
        self.fields["role"] = forms.ChoiceField(
            label=_("Role"), choices=choices, initial=Role.VIEWER.value, widget=forms.RadioSelect
        )


@page(Role.OWNER, change=Role.OWNER)
def show(request: HttpRequest) -> HttpResponse:
    """All tokens by name; POST makes one."""
    form = TokenForm(request.POST or None)
    made = ""
    name = ""
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["name"]
        try:
            made = create_token(name, Role(form.cleaned_data["role"]))
        except TokenRefused as error:
            form.add_error("name", str(error))
        else:
            form = TokenForm()
    shown = {"tokens": ApiToken.objects.order_by("name"), "form": form, "made": made, "name": name}
    return render(request, "dashboard/staff/tokens.html", shown, status=422 if form.errors else 200)


@page(Role.OWNER, change=Role.OWNER)
def revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Make a token useless."""
    token = ApiToken.objects.filter(pk=token_id).first()
    if token is None:
        raise Http404
    if request.method != "POST":
        return render(request, "dashboard/staff/revoke_token.html", {"token": token})
    revoke_token(token.name)
    messages.success(request, _("The token “%(name)s” is revoked.") % {"name": token.name})
    return back(request, "staff:tokens")
