"""`/products`: what gives nothing yet, and what everything else gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.accounts.roles import Role
from guestlist.connections.models import Cart
from guestlist.dashboard.pages import back, page, redirect_to
from guestlist.dashboard.products.forms import sites_with_levels, titles_of
from guestlist.dashboard.products.quick import QuickMapForm
from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule, Target
from guestlist.fulfilment.catalogue import CatalogueItem, catalogue, catalogue_item
from guestlist.fulfilment.editing import EditRefused, save_rules
from guestlist.fulfilment.unmapped import unmapped_sales

# A cart with more items than this is looked through by its search.
SHOWN = 100
# What was sold most comes first; the rest comes up as these are mapped.
SHOWN_UNMAPPED = 25


class Filters(forms.Form):
    """Which products to show."""

    q = forms.CharField(label=gettext_lazy("Name or number"), required=False, max_length=100)
    cart = forms.ChoiceField(label=gettext_lazy("Cart"), required=False)
    mapped = forms.ChoiceField(
        label=gettext_lazy("Gives access"),
        required=False,
        choices=[
            ("", gettext_lazy("All")),
            ("yes", gettext_lazy("Yes")),
            ("nothing", gettext_lazy("No, on purpose")),
            ("no", gettext_lazy("Not yet")),
        ],
    )

    def __init__(self, carts: list[str], data: object) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["cart"].choices = [("", _("All")), *((cart, cart) for cart in carts)]  # type: ignore[attr-defined]

    def takes(self, entry: CatalogueItem) -> bool:
        """Whether an item is among those asked for; what cannot be read asks for nothing."""
        asked = self.cleaned_data if self.is_valid() else {}
        text = asked.get("q", "").lower()
        return (
            (not text or text in entry.name.lower() or text in str(entry.item))
            and asked.get("cart", "") in ("", entry.cart)
            and asked.get("mapped", "") in ("", _mapped(entry))
        )


@page()
def show(request: HttpRequest) -> HttpResponse:
    """The page."""
    carts = list(Cart.objects.filter(active=True).order_by("pk").values_list("pk", flat=True))
    filters = Filters(carts, request.GET)
    sites = sites_with_levels()
    titles = titles_of(sites)
    known = catalogue()
    options = {(entry.cart, str(entry.item), one.id): one.name for entry in known for one in entry.named_options}
    found = [entry for entry in known if filters.takes(entry)]
    unmapped = [sale for sale in unmapped_sales() if sale.cart in carts]
    values = {
        "filters": filters,
        "carts": carts,
        "sites": sites,
        "unmapped": [
            (sale, options.get((sale.cart, sale.item, sale.option)) or sale.option or "")
            for sale in unmapped[:SHOWN_UNMAPPED]
        ],
        "unmapped_in_all": len(unmapped),
        "unmapped_more": len(unmapped) - SHOWN_UNMAPPED,
        # Once for all rows: there may be many levels.
        "level_choices": render_to_string("dashboard/products/level_choices.html", {"sites": sites}),
        "rows": [(entry, _gives(entry, titles)) for entry in found[:SHOWN]],
        "more": len(found) - SHOWN,
        "any": bool(found) or bool(request.GET),
    }
    return render(request, "dashboard/products/list.html", values)


def _mapped(entry: CatalogueItem) -> str:
    if not entry.mapped:
        return "no"
    return "yes" if entry.gives_access else "nothing"


def _gives(entry: CatalogueItem, titles: dict[Target, str]) -> list[str]:
    """Each level once, with its site where there are several of that name."""
    targets = list(dict.fromkeys(target for rule in entry.rules for target in rule.grants))
    names = Counter(titles.get(target, target.level) for target in targets)
    return [
        f"{name} ({target.site})" if names[name := titles.get(target, target.level)] > 1 else name for target in targets
    ]


@page(change=Role.OPERATOR)
def map_quickly(request: HttpRequest) -> HttpResponse:
    """Give an item a level, with the usual terms; other choices are on its own page."""
    if request.method != "POST":
        return redirect("products:list")
    form = QuickMapForm(sites_with_levels(), request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return back(request, "products:list")
    rule, cart_id = form.rule(), form.cleaned_data["cart"]
    entry = catalogue_item(cart_id, rule.item)
    if entry is not None and (entry.rule_of(rule.option) or entry.rule_of(None)):
        # The page is an old one, or was sent twice: it asks for what gives nothing yet.
        messages.info(request, _("%(name)s gives something already; nothing was changed.") % {"name": entry.name})
        return redirect_to(request, reverse("products:show", args=(cart_id, str(rule.item))))
    # Nobody is given what was chosen for another option; where there is only one, those to come are meant as well.
    one_of_several = entry is not None and (len(entry.named_options) > 1 or bool(entry.rules))
    try:
        save_rules(cart_id, [rule if one_of_several else replace(rule, option=None)])
    except EditRefused as refused:
        messages.error(request, str(refused))
        return back(request, "products:list")
    messages.success(request, saved_words([rule]))
    return redirect_to(request, reverse("products:align", args=(cart_id, str(rule.item))))


def saved_words(rules: Sequence[Rule]) -> str:
    """What to say of rules that are saved."""
    if any(rule.grants for rule in rules):
        return _("Saved. New buyers get it from now on.")
    return _("Saved. It gives no access, on purpose.")


def in_address(cart_id: str, item: str) -> CatalogueItem:
    """The item that an address names; one that was never sold is shown as well, so that it can be mapped beforehand.

    Raises:
        Http404: it is none, or the cart is not connected.
    """
    if not Cart.objects.filter(pk=cart_id, active=True).exists():
        raise Http404
    try:
        parsed = Item.parse(item)
    except ValueError as error:
        raise Http404 from error
    found = catalogue_item(cart_id, parsed)
    return found or CatalogueItem(cart=cart_id, item=parsed, name=item, options=(), rules=(), products=())
