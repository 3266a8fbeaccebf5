"""The forms that connect and change carts and sites. What they say is checked where a settings file is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.carts.registry import all_carts
from guestlist.connections.models import CartMode, OnEmailChange, Site
from guestlist.fulfilment.editing import EditRefused
from guestlist.sites.registry import all_platforms

MODES = [
    (CartMode.LIVE.value, gettext_lazy("Live orders only")),
    (CartMode.TEST.value, gettext_lazy("Test orders only, to try everything out")),
    (CartMode.BOTH.value, gettext_lazy("Live and test orders")),
]
KEEP = {
    "0": timedelta(0),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}
KEY, PASSWORD = "key", "password"


class SecretField(forms.CharField):
    """A secret: can be seen while it is typed or pasted, is never shown again, and no browser keeps it."""

    def __init__(self, **values: Any) -> None:
        attributes = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        super().__init__(widget=forms.PasswordInput(attrs={**attributes, "autocomplete": "new-password"}), **values)


class EditForm(forms.Form):
    """A form whose mistakes are found when it is saved."""

    # The field of the form for each field of the settings file that is called otherwise.
    places: Mapping[str, str] = {}

    def take(self, refused: EditRefused) -> None:
        """Show each problem at its field, with a link to its page of help."""
        for problem in refused.problems:
            field = self.places.get(problem.field, problem.field)
            said: Any = str(problem)
            if problem.help is not None:
                link, words = reverse("help:page", args=(problem.help.value,)), _("How to mend this")
                said = format_html('{} <a href="{}" target="_blank">{}</a>', said, link, words)
            self.add_error(field if field in self.fields else None, said)


class CartForm(EditForm):
    """Connects a cart."""

    kind = forms.ChoiceField(label=gettext_lazy("Cart"))
    id = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=64,
        initial="shop",
        help_text=gettext_lazy(
            "Letters, digits and hyphens. It becomes part of the webhook address and cannot be changed."
        ),
    )
    secret = SecretField(
        label=gettext_lazy("Secret word"),
        strip=True,
        help_text=gettext_lazy("In ThriveCart: Settings > API & Webhooks > ThriveCart order validation."),
    )
    mode = forms.ChoiceField(label=gettext_lazy("Which orders give access"), choices=MODES, widget=forms.RadioSelect)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["kind"].choices = [(cart.kind, cart.label) for cart in all_carts().values()]  # type: ignore[attr-defined]
        self.fields["mode"].initial = CartMode.LIVE.value


class CartSettingsForm(EditForm):
    """Changes what a cart's orders do."""

    mode = forms.ChoiceField(label=gettext_lazy("Which orders give access"), choices=MODES, widget=forms.RadioSelect)


class SecretForm(EditForm):
    """Changes a cart's secret word."""

    secret = SecretField(label=gettext_lazy("New secret word"), strip=True)
    keep = forms.ChoiceField(
        label=gettext_lazy("The present one"),
        choices=[
            ("1h", gettext_lazy("counts for one more hour")),
            ("1d", gettext_lazy("counts for one more day")),
            ("7d", gettext_lazy("counts for one more week")),
            ("0", gettext_lazy("counts no longer at once: somebody else knows it")),
        ],
        initial="1d",
        widget=forms.RadioSelect,
    )

    @property
    def keep_for(self) -> timedelta:
        """How long the present secret counts; the form is valid."""
        return KEEP[self.cleaned_data["keep"]]


class CredentialsForm(EditForm):
    """How Guestlist signs in at a site: an API key, or an application password."""

    way = forms.ChoiceField(
        label=gettext_lazy("Sign in with"),
        choices=[
            (KEY, gettext_lazy("API key (simplest)")),
            (PASSWORD, gettext_lazy("User name and application password (fewest rights)")),
        ],
        initial=KEY,
        widget=forms.RadioSelect,
    )
    api_key = SecretField(
        label=gettext_lazy("API key"),
        required=False,
        help_text=gettext_lazy("In WordPress: MemberPress > Developer > REST API."),
    )
    username = forms.CharField(label=gettext_lazy("User name"), required=False, max_length=200)
    application_password = SecretField(
        label=gettext_lazy("Application password"),
        required=False,
        help_text=gettext_lazy("In WordPress: Users > Profile > Application Passwords. It is not the login password."),
    )

    def credentials(self) -> dict[str, str]:
        """The fields that belong to the chosen way; the form is valid."""
        values = self.cleaned_data
        names = ("api_key",) if values["way"] == KEY else ("username", "application_password")
        return {name: values[name] for name in names if values[name]}

    def clean(self) -> dict[str, Any]:
        """What belongs to the chosen way must be there."""
        values = super().clean() or {}
        needed = ("api_key",) if values.get("way") == KEY else ("username", "application_password")
        for name in needed:
            if not values.get(name) and name not in self.errors:
                self.add_error(name, _("Enter it."))
        return values


class SiteForm(CredentialsForm):
    """Connects a membership site."""

    kind = forms.ChoiceField(label=gettext_lazy("Platform"))
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("Of the site's front page, like https://academy.example.com"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
    id = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=64,
        initial="academy",
        help_text=gettext_lazy("Letters, digits and hyphens, for you to tell sites apart. It cannot be changed."),
    )
    allow_private_address = forms.BooleanField(
        label=gettext_lazy("The site is in my own network (a private or local address)"), required=False
    )

    field_order = ("kind", "url", "way", "api_key", "username", "application_password", "id", "allow_private_address")

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["kind"].choices = [(one.kind, one.label) for one in all_platforms().values()]  # type: ignore[attr-defined]


class SiteSettingsForm(EditForm):
    """Changes how a site is worked on."""

    concurrency = forms.IntegerField(
        label=gettext_lazy("Requests at a time"),
        min_value=1,
        max_value=16,
        help_text=gettext_lazy("More is quicker, and more work for the site. Two suit most hosts."),
    )
    on_email_change = forms.ChoiceField(
        label=gettext_lazy("When a customer's e-mail address changes at the cart"),
        choices=[
            (OnEmailChange.LEAVE.value, gettext_lazy("leave the address at the site")),
            (OnEmailChange.FOLLOW.value, gettext_lazy("change it at the site as well")),
        ],
        widget=forms.RadioSelect,
    )

    @classmethod
    def of(cls, site: Site, data: Any = None) -> SiteSettingsForm:
        """The form with the site's present values."""
        return cls(data, initial={"concurrency": site.concurrency, "on_email_change": site.on_email_change})
