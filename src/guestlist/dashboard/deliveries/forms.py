"""Which deliveries somebody wants to see."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.connections.models import Cart
from guestlist.dashboard.days import begins, checked_day, is_over
from guestlist.dashboard.states import look
from guestlist.inbox.models import DeliveryState
from guestlist.inbox.search import DeliveriesAsked


class DeliveriesForm(forms.Form):
    """The filters above the list. What cannot be understood is marked and counts as left out."""

    text = forms.CharField(
        label=gettext_lazy("Order number or e-mail"),
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    cart = forms.ChoiceField(label=gettext_lazy("Cart"), required=False)
    day = forms.DateField(
        label=gettext_lazy("Day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        carts = Cart.objects.order_by("pk").values_list("pk", flat=True)
        choices: dict[str, list[tuple[str, Any]]] = {
            "state": [(each.value, look(each.value).label) for each in DeliveryState],
            "cart": [(cart, cart) for cart in carts],
        }
        for name, offered in choices.items():
            self.fields[name].choices = [("", _("All")), *offered]  # type: ignore[attr-defined]

    def clean_day(self) -> date | None:
        """A day that has an end."""
        return checked_day(self.cleaned_data["day"])

    @property
    def asked(self) -> DeliveriesAsked:
        """What is looked for. A day is one of the viewer's zone."""
        self.is_valid()
        wanted = self.cleaned_data
        return DeliveriesAsked(
            text=wanted.get("text", ""),
            cart=wanted.get("cart", ""),
            state=DeliveryState(wanted["state"]) if wanted.get("state") else None,
            since=begins(wanted.get("day")),
            before=is_over(wanted.get("day")),
        )
