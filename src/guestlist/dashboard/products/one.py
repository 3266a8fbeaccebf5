"""`/products/<cart>/<item>`: what one product gives, its bumps beside it, its upsells and downsells behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import back, page, redirect_to
from guestlist.dashboard.products.aligning import begin, leave
from guestlist.dashboard.products.effects import Group, effect, examples
from guestlist.dashboard.products.forms import ItemForm, Part, sites_with_levels, terms_of, titles_of
from guestlist.dashboard.products.lists import in_address, saved_words
from guestlist.domain.facts import ItemType
from guestlist.domain.rules import Rule
from guestlist.fulfilment.align_runs import latest_run
from guestlist.fulfilment.catalogue import CatalogueItem, add_ons, catalogue
from guestlist.fulfilment.editing import EditRefused, save_rules

FULFILMENT, FUNNEL = "fulfilment", "funnel"
_BESIDE = {FULFILMENT: (ItemType.BUMP,), FUNNEL: (ItemType.UPSELL, ItemType.DOWNSELL)}


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one rule of an item comes to."""

    part: Part
    groups: list[Group]


@page(change=Role.OPERATOR)
def show(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """The page, and saving what was entered on it."""
    entry = in_address(cart_id, item)
    if request.method == "POST":
        return _save(request, entry)
    return _page(request, entry, ItemForm(entry, sites_with_levels()))


@page(Role.VIEWER, change=Role.VIEWER)
def outlook(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """What the rules as entered come to; nothing is saved."""
    entry = in_address(cart_id, item)
    form = ItemForm(entry, sites_with_levels(), request.POST if request.method == "POST" else None)
    return render(request, "dashboard/products/outlook.html", {"outlooks": _outlooks(form)})


@page(change=Role.OPERATOR)
def remove(request: HttpRequest, cart_id: str, item: str) -> HttpResponse:
    """Have an item give nothing any more, after saying what that means."""
    entry = in_address(cart_id, item)
    if request.method == "POST":
        try:
            save_rules(cart_id, [], instead_of=ItemForm(entry, sites_with_levels()).keys)
        except EditRefused as refused:
            messages.error(request, str(refused))
        else:
            told = _(
                "From now on %(name)s gives nothing to whoever pays for it. "
                "Who bought it keeps what they have paid for."
            )
            messages.success(request, told % {"name": entry.name})
        return redirect_to(request, _address(entry))
    return render(request, "dashboard/products/remove.html", {"entry": entry, "address": _address(entry)})


def _save(request: HttpRequest, entry: CatalogueItem) -> HttpResponse:
    """Save at once where nobody bought the item yet under other rules; else ask first what is to become of them."""
    form = ItemForm(entry, sites_with_levels(), request.POST)
    if not form.is_valid():
        return _page(request, entry, form, status=422)
    rules, do = form.rules(), request.POST.get("do", "check")
    if do == "outlook":
        return _page(request, entry, form)
    if form.is_stale:
        return _page(request, entry, form, status=422, stale=True)
    asks = do in ("check", "count") and entry.was_sold and set(rules) != set(entry.rules)
    try:
        save_rules(entry.cart, rules, instead_of=form.keys, dry_run=asks)
    except EditRefused as refused:
        form.take(refused)
        return _page(request, entry, form, status=422)
    if asks:
        counted = do == "count"
        found = effect(entry.cart, entry.item, rules) if counted else None
        return _page(request, entry, form, asks=True, counted=counted, effect=found)
    if do == "save-align":
        begin(request, entry)
        messages.success(request, _("Saved. Who bought before is being brought in line."))
        return redirect_to(request, reverse("products:align", args=(entry.cart, str(entry.item))))
    messages.success(request, saved_words(rules))
    if do == "save" and entry.was_sold and not entry.rules:
        leave(request, entry)
    return back(request, "products:show", entry.cart, str(entry.item))


def _page(
    request: HttpRequest, entry: CatalogueItem, form: ItemForm, *, status: int = 200, **values: Any
) -> HttpResponse:
    tab = FUNNEL if request.GET.get("tab") == FUNNEL else FULFILMENT
    among = {other.item: other for other in catalogue(entry.cart)}
    beside = [other for other in add_ons(among.values(), entry) if other.item.type in _BESIDE[tab]]
    sites = form.sites
    titles = titles_of(sites)
    values |= {
        "entry": entry,
        "tab": tab,
        "form": form,
        "sites": sites,
        "outlooks": _outlooks(form),
        "is_product": entry.item.type is ItemType.PRODUCT,
        "beside": [
            (other, [titles.get(target, target.level) for rule in other.rules for target in rule.grants])
            for other in beside
        ],
        "beside_form": [ItemForm(other, sites) for other in beside],
        "run": latest_run(entry.cart, entry.item),
        "products": [among[product] for product in entry.products if product in among],
        "next": _next(request),
        "refused": status == 422 and not values.get("stale"),
    }
    return render(request, "dashboard/products/one.html", values, status=status)


def _outlooks(form: ItemForm) -> list[Outlook]:
    """For each rule; one that is not filled in rightly yet is left out."""
    terms, titles = terms_of(form.sites), titles_of(form.sites)
    found = []
    for part in form.parts:
        # An option without levels of its own gives what any other option gives.
        rule = _shown(form, part) or (_shown(form, form.general) if part.option else None)
        if rule is not None:
            option = part.option.id if part.option else None
            shown = examples(replace(rule, option=option), form.entry, terms, titles) if rule.grants else []
            found.append(Outlook(part, shown))
    return found


def _shown(form: ItemForm, part: Part) -> Rule | None:
    option = part.option.id if part.option else None
    if not part.form.is_bound:
        return form.entry.rule_of(option)
    return part.form.rule(form.entry.item, option) if part.form.is_valid() and part.form.is_decided else None


def _next(request: HttpRequest) -> str:
    """Where a bump's form on its product's page leads back to."""
    wanted = request.POST.get("next", "")
    return wanted if wanted.startswith("/products/") else ""


def _address(entry: CatalogueItem) -> str:
    return reverse("products:show", args=(entry.cart, str(entry.item)))
