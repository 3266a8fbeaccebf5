"""A cart: connected, watched until its first delivery, changed, disconnected."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from guestlist.accounts.roles import Role
from guestlist.carts.registry import all_carts
from guestlist.connections.models import Cart
from guestlist.connections.queries import webhook_address
from guestlist.connections.rotation import forget_previous_secret
from guestlist.dashboard.integrations.forms import CartForm, CartSettingsForm, SecretForm
from guestlist.dashboard.integrations.lists import cart_state
from guestlist.dashboard.pages import page, redirect_to
from guestlist.engine.overview import CartStatus, overview
from guestlist.fulfilment.editing import EditRefused, disconnect_cart, rotate_cart_secret, save_cart
from guestlist.fulfilment.models import Rule
from guestlist.orders.models import Order


@page(Role.OWNER, change=Role.OWNER)
def connect(request: HttpRequest) -> HttpResponse:
    """Connect a cart, a new one or one that was disconnected."""
    initial = {"id": request.GET["id"]} if "id" in request.GET else None
    form = CartForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        if Cart.objects.filter(pk=values["id"], active=True).exists():
            form.add_error("id", _("A cart with this name is connected already. Choose another name."))
        else:
            try:
                save_cart({name: values[name] for name in ("id", "kind", "secret", "mode")})
            except EditRefused as refused:
                form.take(refused)
            else:
                messages.success(request, _("Saved. Now tell the cart where to send its orders."))
                return redirect_to(request, reverse("integrations:cart", args=(values["id"],)))
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
        forget_previous_secret(get_object_or_404(Cart, pk=cart_id, active=True).pk)
        messages.success(request, _("Only the new secret word counts now."))
    return redirect_to(request, reverse("integrations:cart", args=(cart_id,)))


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
        "rules": Rule.objects.filter(cart=cart).count(),
        "has_orders": Order.objects.filter(cart=cart).exists(),
    }
    return render(request, "dashboard/integrations/disconnect_cart.html", values)


def _page(request: HttpRequest, cart: Cart, *, status: int = 200, **forms: Any) -> HttpResponse:
    values = {
        **_values(request, cart),
        "settings_form": CartSettingsForm(initial={"mode": cart.mode}),
        "secret_form": SecretForm(),
        **forms,
    }
    return render(request, "dashboard/integrations/cart.html", values, status=status)


def _values(request: HttpRequest, cart: Cart) -> dict[str, Any]:
    standing = _standing(cart)
    address = webhook_address(cart.pk)
    return {
        "cart": cart,
        "kind": all_carts()[cart.kind].label,
        "standing": standing,
        "state": cart_state(standing),
        "address": address if settings.PUBLIC_URL else request.build_absolute_uri(address),
        "arrived": cart.checked_at is not None or standing.last_delivery_at is not None,
    }


def _standing(cart: Cart) -> CartStatus:
    return next(found for found in overview().carts if found.id == cart.pk)
