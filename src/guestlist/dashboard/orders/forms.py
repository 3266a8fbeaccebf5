"""Which orders somebody wants to see."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.access.order_search import OrdersAsked, OrderState
from guestlist.connections.models import Cart
from guestlist.dashboard.days import begins, checked_day, is_over
from guestlist.dashboard.states import look
from guestlist.domain.facts import Mode
from guestlist.orders.search import known_items

# Neither a cart's id nor an item's has one.
BETWEEN = "/"


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )


class OrdersForm(forms.Form):
    """The filters above the list. What cannot be understood is marked and counts as left out."""

    text = forms.CharField(
        label=gettext_lazy("E-mail, name, order or invoice number"),
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    product = forms.ChoiceField(label=gettext_lazy("Product"), required=False)
    cart = forms.ChoiceField(label=gettext_lazy("Cart"), required=False)
    mode = forms.ChoiceField(label=gettext_lazy("Live or test"), required=False)
    since = _day(gettext_lazy("From"))
    until = _day(gettext_lazy("To"))

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        carts = list(Cart.objects.order_by("pk").values_list("pk", flat=True))
        modes = {Mode.LIVE: _("Live"), Mode.TEST: _("Test"), Mode.UNKNOWN: _("Not said")}
        choices: dict[str, list[tuple[str, Any]]] = {
            "state": [(each.value, look(each.value).label) for each in OrderState],
            "product": [(f"{each.cart}{BETWEEN}{each.item}", _named(each.name, each.item)) for each in known_items()],
            "cart": [(cart, cart) for cart in carts],
            "mode": [(each.value, label) for each, label in modes.items()],
        }
        for name, offered in choices.items():
            self.fields[name].choices = [("", _("All")), *offered]  # type: ignore[attr-defined]
        if len(carts) < 2:
            del self.fields["cart"]

    def clean_since(self) -> date | None:
        """A day that has a beginning."""
        return checked_day(self.cleaned_data["since"])

    def clean_until(self) -> date | None:
        """A day that has an end."""
        return checked_day(self.cleaned_data["until"])

    def asked(self) -> OrdersAsked:
        """What is looked for."""
        self.is_valid()
        found = self.cleaned_data
        cart, _slash, item = found.get("product", "").partition(BETWEEN)
        return OrdersAsked(
            text=found.get("text", ""),
            # A product is one cart's, so it says which.
            cart=cart or found.get("cart", ""),
            item=item,
            mode=Mode(found["mode"]) if found.get("mode") else None,
            since=begins(found.get("since")),
            before=is_over(found.get("until")),
            state=OrderState(found["state"]) if found.get("state") else None,
        )


def _named(name: str, item: str) -> str:
    return item if name in ("", item) else f"{name} ({item})"
