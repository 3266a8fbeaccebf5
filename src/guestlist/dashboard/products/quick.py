"""The form that gives an item its level with one click."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from guestlist.dashboard.products.forms import SiteLevels
from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule, Target

NOTHING = "nothing"


class QuickMapForm(forms.Form):
    """One level, or none, for an item that gives nothing yet."""

    cart = forms.CharField(widget=forms.HiddenInput)
    item = forms.CharField(widget=forms.HiddenInput)
    option = forms.CharField(widget=forms.HiddenInput, required=False)
    target = forms.ChoiceField(
        label=_("Level"),
        error_messages={
            "required": _("Choose the level that it is to give."),
            "invalid_choice": _("%(value)s is no level of a connected site any more. Choose another one."),
        },
    )

    def __init__(self, sites: Sequence[SiteLevels], *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self.fields["target"].choices = [  # type: ignore[attr-defined]
            ("", _("Choose a level…")),
            *((site.id, [(f"{site.id}/{level.id}", level.title) for level in site.levels]) for site in sites),
            (NOTHING, _("No access, on purpose")),
        ]

    def clean_item(self) -> Item:
        """As an item."""
        try:
            return Item.parse(self.cleaned_data["item"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def rule(self) -> Rule:
        """The rule, with the usual terms; the form is valid."""
        values, chosen = self.cleaned_data, self.cleaned_data["target"]
        grants = () if chosen == NOTHING else (Target(*chosen.split("/", 1)),)
        return Rule(item=values["item"], option=values["option"] or None, grants=grants)
