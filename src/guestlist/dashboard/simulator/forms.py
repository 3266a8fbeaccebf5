"""An event to be simulated: pasted or as a file."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.connections.models import Cart

# As much as the door takes.
LARGEST_BODY = 256 * 1024


class EventForm(forms.Form):
    """The cart that would send it, and its body. `cleaned_data["event"]` is the body as bytes."""

    cart = forms.ChoiceField(label=gettext_lazy("Cart"))
    body = forms.CharField(
        label=gettext_lazy("The event, as the cart sends it"),
        required=False,
        max_length=LARGEST_BODY,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=gettext_lazy("A form body or JSON; the secret may be left out."),
    )
    file = forms.FileField(label=gettext_lazy("Or a file"), required=False)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        carts = Cart.objects.filter(active=True).order_by("pk").values_list("pk", flat=True)
        self.fields["cart"].choices = [(cart, cart) for cart in carts]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The body from whichever of the two was given."""
        found: dict[str, Any] = super().clean() or {}
        file = found.get("file")
        if file is not None and file.size > LARGEST_BODY:
            self.add_error("file", _("The file has more than 256 KB. No cart sends as much."))
            return found
        found["event"] = file.read() if file is not None else found.get("body", "").encode()
        if not found["event"].strip() and not self.errors:
            self.add_error("body", _("Paste an event, or choose a file."))
        return found
