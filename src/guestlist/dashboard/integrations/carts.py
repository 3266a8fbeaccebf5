"""A cart: connected, watched until its first delivery, changed, disconnected."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from guestlist.accounts.acts import FORMER_SECRET_FORGOTTEN
from guestlist.accounts.audit import record
from guestlist.accounts.roles import Role
from guestlist.carts.registry import all_carts
from guestlist.connections.models import Cart
from guestlist.connections.queries import webhook_address
from guestlist.connections.rotation import forget_previous_secret
from guestlist.dashboard.integrations.forms import ApiKeyForm, CartForm, CartSettingsForm, SecretForm
from guestlist.dashboard.integrations.lists import cart_state, refused_at
from guestlist.dashboard.pages import page, redirect_to
from guestlist.dashboard.ticked import text
from guestlist.engine.overview import cart_statuses
from guestlist.fulfilment.catalogue import catalogue
from guestlist.fulfilment.editing import EditRefused, disconnect_cart, rotate_cart_secret, save_cart
from guestlist.fulfilment.planning import unmapped_items
from guestlist.inbox.models import DeliveryState
from guestlist.inbox.queries import told_by
from guestlist.inbox.search import DeliveriesAsked, find_deliveries
from guestlist.orders.models import Order

DELIVERIES_SHOWN = 5


@page(Role.OWNER, change=Role.OWNER)
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a cart, a new one or one that was disconnected."""
    before = Cart.objects.filter(pk=text(request.GET, "id"), active=False).first()
    initial = {"id": before.pk, "kind": before.kind, "mode": before.mode} if before else None
    data = request.POST if request.method == "POST" else None
    form = CartForm(data, initial=initial, address=_address(request, "shop"))
    if request.method == "POST" and form.is_valid():
        cart_id = form.cleaned_data["id"]
        if Cart.objects.filter(pk=cart_id, active=True).exists():
            form.add_error("id", _("A cart with this name is connected already. Choose another name."))
        else:
            try:
                save_cart(form.settings())
            except EditRefused as refused:
                form.take(refused)
            else:
                messages.success(request, _("Saved. Now tell the cart where to send its orders."))
                return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))
    status = 422 if form.errors else 200
    return render(request, "dashboard/integrations/connect_cart.html", {"form": form}, status=status)


@page()
def show(request: HttpRequest, cart_id: str) -> HttpResponse:
    """The cart with all that can be changed."""
    return _page(request, get_object_or_404(Cart, pk=cart_id))


@page()
def arrivals(request: HttpRequest, cart_id: str) -> HttpResponse:
    """What has arrived; asked for again and again while somebody waits for the first delivery."""
    values = _values(request, get_object_or_404(Cart, pk=cart_id))
    return render(request, "dashboard/integrations/arrivals.html", values)


@page(Role.OWNER, change=Role.OWNER)
def secret(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Change the secret word; the present one may go on counting for a while."""
    cart = get_object_or_404(Cart, pk=cart_id, active=True)
    if request.method != "POST":
        return redirect("integrations:cart", cart_id)
    form = SecretForm(request.POST)
    if form.is_valid():
        try:
            rotate_cart_secret(cart.pk, form.cleaned_data["secret"], keep_for=form.keep_for)
        except EditRefused as refused:
            form.take(refused)
        else:
            messages.success(request, _("The new secret word counts from now on."))
            return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))
    return _page(request, cart, secret_form=form, status=422)


@page(Role.OWNER, change=Role.OWNER)
def forget_former(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Have the former secret word count no longer."""
    if request.method == "POST":
        cart = get_object_or_404(Cart, pk=cart_id, active=True)
        with transaction.atomic():
            forget_previous_secret(cart.pk)
            record(request, FORMER_SECRET_FORGOTTEN, cart)
        messages.success(request, _("Only the new secret word counts now."))
    return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))


@page(Role.OWNER, change=Role.OWNER)
def api_key(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Enter or change the key of the cart's API."""
    cart = get_object_or_404(Cart, pk=cart_id, active=True)
    if request.method != "POST":
        return redirect("integrations:cart", cart_id)
    form = ApiKeyForm(request.POST)
    if form.is_valid():
        try:
            save_cart({"id": cart.pk, "api_key": form.cleaned_data["api_key"]})
        except EditRefused as refused:
            form.take(refused)
        else:
            messages.success(request, _("The API key is saved."))
            return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))
    return _page(request, cart, api_key_form=form, status=422)


@page(Role.OWNER, change=Role.OWNER)
def change(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Change which orders give access."""
    cart = get_object_or_404(Cart, pk=cart_id, active=True)
    if request.method != "POST":
        return redirect("integrations:cart", cart_id)
    form = CartSettingsForm(request.POST)
    if form.is_valid():
        try:
            applied = save_cart({"id": cart.pk, "mode": form.cleaned_data["mode"]})
        except EditRefused as refused:
            form.take(refused)
        else:
            messages.success(request, _("Saved."))
            for warning in applied.warnings:
                messages.warning(request, warning)
            return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))
    return _page(request, cart, settings_form=form, status=422)


@page(Role.OWNER, change=Role.OWNER)
def disconnect(request: HttpRequest, cart_id: str) -> HttpResponse:
    """Take nothing more from the cart, after saying what that means."""
    cart = get_object_or_404(Cart, pk=cart_id, active=True)
    if request.method == "POST":
        disconnect_cart(cart.pk)
        messages.success(request, _("%(name)s is disconnected.") % {"name": cart.pk})
        return redirect_to(request, reverse("integrations:list"))
    values = {
        "cart": cart,
        "mapped": [item for item in catalogue(cart.pk) if item.rules],
        "has_orders": Order.objects.filter(cart=cart).exists(),
    }
    return render(request, "dashboard/integrations/disconnect_cart.html", values)


def _page(request: HttpRequest, cart: Cart, *, status: int = 200, **forms: Any) -> HttpResponse:
    latest = list(find_deliveries(DeliveriesAsked(cart=cart.pk)).order_by("-pk")[:DELIVERIES_SHOWN])
    told = told_by([row.pk for row in latest])
    until = cart.previous_secret_until
    values = {
        **_values(request, cart),
        "deliveries": [(row, told.get(row.pk, [])) for row in latest],
        "unreadable": find_deliveries(DeliveriesAsked(cart=cart.pk, state=DeliveryState.UNREADABLE)).count(),
        "unmapped": len({item["item"] for item in unmapped_items() if item["cart"] == cart.pk}),
        "former_until": until if until is not None and until > timezone.now() else None,
        "settings_form": CartSettingsForm(initial={"mode": cart.mode}),
        "secret_form": SecretForm(),
        "api_key_form": ApiKeyForm(),
        **forms,
    }
    return render(request, "dashboard/integrations/cart.html", values, status=status)


def _values(request: HttpRequest, cart: Cart) -> dict[str, Any]:
    standing = next(found for found in cart_statuses() if found.id == cart.pk)
    return {
        "cart": cart,
        "kind": all_carts()[cart.kind].label,
        "standing": standing,
        "state": cart_state(standing),
        "refused_at": refused_at(standing),
        "address": _address(request, cart.pk),
        "arrived": standing.checked_at is not None or standing.last_delivery_at is not None,
    }


def _address(request: HttpRequest, cart_id: str) -> str:
    """Where a cart is to send to; made from the address that this page was opened with where none is set."""
    address = webhook_address(cart_id)
    return address if settings.PUBLIC_URL else request.build_absolute_uri(address)
