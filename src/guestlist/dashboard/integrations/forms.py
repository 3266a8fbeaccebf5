"""The forms that connect and change carts and sites. What they say is checked where a settings file is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.carts.registry import all_carts
from guestlist.connections.models import CartMode, OnEmailChange, Site
from guestlist.dashboard.said import said
from guestlist.domain.help_topics import HelpTopic
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
EMAIL_CHANGES = [
    (OnEmailChange.LEAVE.value, gettext_lazy("leave the address at the site")),
    (OnEmailChange.FOLLOW.value, gettext_lazy("change it at the site as well")),
]
SAME, KEY, PASSWORD = "same", "key", "password"


class SecretField(forms.CharField):
    """A secret: can be seen while it is typed or pasted, is never shown again, and no browser keeps it."""

    def __init__(self, **values: Any) -> None:
        attributes = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
        super().__init__(widget=forms.PasswordInput(attrs={**attributes, "autocomplete": "new-password"}), **values)


class EditForm(forms.Form):
    """A form whose mistakes are found when it is saved."""

    def take(self, refused: EditRefused) -> None:
        """Show each problem at its field, with a link to its page of help."""
        for problem in refused.problems:
            told: Any = said(str(problem))
            if problem.help is not None:
                link, words = reverse("help:page", args=(problem.help.value,)), _("How to mend this")
                told = format_html('{} <a href="{}" target="_blank">{}</a>', told, link, words)
            if problem.help == HelpTopic.PRIVATE_ADDRESS and "allow_private_address" in self.fields:
                self["allow_private_address"].help_text = _(
                    "Tick this only if the address above is right and the site really runs on this computer or in your "
                    "own network. The internet's sites do not need it."
                )
            self.add_error(problem.field if problem.field in self.fields else None, told)


class CartForm(EditForm):
    """Connects a cart."""

    kind = forms.ChoiceField(label=gettext_lazy("Cart"))
    id = forms.CharField(label=gettext_lazy("Short name"), max_length=64)
    secret = SecretField(
        label=gettext_lazy("Secret word"),
        strip=True,
        help_text=gettext_lazy(
            "In ThriveCart: Settings > API & Webhooks > ThriveCart order validation. Copy it as it stands: capital "
            "letters count."
        ),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Which orders give access"),
        choices=MODES,
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "The cart sends live and test orders to the same address. Those that give no access are recorded only."
        ),
    )
    api_key = SecretField(
        label=gettext_lazy("API key"),
        required=False,
        strip=True,
        help_text=gettext_lazy("Not needed: orders come without it, and nothing asks the cart's API yet."),
    )

    def __init__(self, *args: Any, address: str, **values: Any) -> None:
        """`address`: the webhook address of a cart called "shop", as an example."""
        super().__init__(*args, **values)
        self.fields["kind"].choices = [(cart.kind, cart.label) for cart in all_carts().values()]  # type: ignore[attr-defined]
        self.fields["mode"].initial = CartMode.LIVE.value
        self.fields["id"].initial = "shop"
        said = _(
            'Letters, digits, "-" and "_". It becomes the end of the webhook address, and cannot be changed later:'
        )
        self.fields["id"].help_text = format_html("{} <code>{}</code>", said, address)

    def settings(self) -> dict[str, str]:
        """As a settings file has it; the form is valid."""
        return {name: value for name, value in self.cleaned_data.items() if value}


class CartSettingsForm(EditForm):
    """Changes what a cart's orders do."""

    mode = forms.ChoiceField(label=gettext_lazy("Which orders give access"), choices=MODES, widget=forms.RadioSelect)


class ApiKeyForm(EditForm):
    """Changes the key of a cart's API."""

    api_key = SecretField(label=gettext_lazy("New API key"), strip=True)


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
    """How Guestlist reaches a site and signs in there: with an API key, or with an application password."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("Of the site's front page, like https://academy.example.com"),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off"}),
    )
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
    username = forms.CharField(
        label=gettext_lazy("User name"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("An administrator's, or that of a user whose role may manage members."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}),
    )
    application_password = SecretField(
        label=gettext_lazy("Application password"),
        required=False,
        help_text=gettext_lazy("In WordPress: Users > Profile > Application Passwords. It is not the login password."),
    )
    allow_private_address = forms.BooleanField(
        label=gettext_lazy("The site is in my own network (a private or local address)"), required=False
    )

    def connection(self) -> dict[str, Any]:
        """Address and credentials as a settings file has them; the form is valid."""
        return {name: self.cleaned_data[name] for name in ("url", "allow_private_address", *self._needed())}

    def clean_url(self) -> str:
        """The address; what is typed without https:// is meant with it."""
        url: str = self.cleaned_data["url"]
        return url if "://" in url else f"https://{url}"

    def clean(self) -> dict[str, Any]:
        """What belongs to the chosen way must be there."""
        values = super().clean() or {}
        for name in self._needed():
            if not values.get(name) and name not in self.errors:
                self.add_error(name, _("Enter it."))
        return values

    def _needed(self) -> tuple[str, ...]:
        match self.cleaned_data.get("way"):
            case "key":
                return ("api_key",)
            case "password":
                return ("username", "application_password")
            case _:
                return ()


class WayForm(CredentialsForm):
    """Changes how a site is reached; its credentials need not be entered again."""

    field_order = ("way", "api_key", "username", "application_password", "url", "allow_private_address")

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        way: Any = self.fields["way"]
        way.choices = [(SAME, _("the credentials that are stored")), *way.choices]
        self.fields["url"].help_text = _(
            "To be changed when this site has moved. Connect another site under a name of its own."
        )

    @classmethod
    def of(cls, site: Site, data: Any = None) -> WayForm:
        """The form with what is known, which are no secrets."""
        way = KEY if site.help == HelpTopic.WRONG_CREDENTIALS else SAME
        known = {"url": site.url, "allow_private_address": site.allow_private_address, "way": way}
        return cls(data, initial=known)


class SiteForm(CredentialsForm):
    """Connects a membership site."""

    kind = forms.ChoiceField(label=gettext_lazy("Platform"))
    id = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=64,
        help_text=gettext_lazy(
            'Letters, digits, "-" and "_", for you to tell sites apart. It cannot be changed later.'
        ),
    )
    on_email_change = forms.ChoiceField(
        label=gettext_lazy("When a customer's e-mail address changes at the cart"),
        choices=EMAIL_CHANGES,
        initial=OnEmailChange.LEAVE.value,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["kind"].choices = [(one.kind, one.label) for one in all_platforms().values()]  # type: ignore[attr-defined]
        self.fields["id"].initial = "academy"

    def settings(self) -> dict[str, Any]:
        """As a settings file has it; the form is valid."""
        named = {name: self.cleaned_data[name] for name in ("id", "kind", "on_email_change")}
        return named | self.connection()


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
        choices=EMAIL_CHANGES,
        widget=forms.RadioSelect,
    )

    @classmethod
    def of(cls, site: Site, data: Any = None) -> SiteSettingsForm:
        """The form with the site's present values."""
        return cls(data, initial={"concurrency": site.concurrency, "on_email_change": site.on_email_change})
