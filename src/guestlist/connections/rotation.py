"""Changing a cart's secret word without losing what the cart still sends with the one before."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.db import transaction
from django.utils import timezone

from guestlist.connections.models import Cart

log = structlog.get_logger(__name__)


def rotate_secret(cart_id: str, secret: str, *, keep_for: timedelta) -> None:
    """Make another word the cart's secret; the present one counts as well for a while.

    Args:
        secret: already checked, see `fulfilment.settings_fields`.
        keep_for: how long the present one counts; none at all where it became known to somebody.

    Raises:
        Cart.DoesNotExist: there is no such cart in use.
    """
    with transaction.atomic():
        cart = Cart.objects.select_for_update().get(pk=cart_id, active=True)
        if secret == cart.secret:
            return
        until = timezone.now() + keep_for
        cart.previous_secret_encrypted = cart.secret_encrypted if keep_for else ""
        cart.previous_secret_until = until if keep_for else None
        cart.secret, cart.secret_env = secret, ""
        # What was checked against the former one is checked once more.
        cart.version += 1
        cart.save()
    log.info("secret_changed", cart=cart_id, former_until=until.isoformat() if keep_for else None)


def forget_previous_secret(cart_id: str) -> None:
    """Have the former word count no longer, once the cart sends the new one."""
    with transaction.atomic():
        cart = Cart.objects.select_for_update().get(pk=cart_id)
        cart.previous_secret_encrypted, cart.previous_secret_until = "", None
        cart.version += 1
        cart.save()
