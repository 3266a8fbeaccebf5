"""Links that make an account: made, found, used once, taken back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from guestlist.accounts import actor, links
from guestlist.accounts.models import Invitation, User
from guestlist.accounts.roles import Role

# Whoever starts a server has its link before their eyes; who is invited may be on holiday.
OWNER_LINK_LASTS = timedelta(hours=24)
INVITATION_LASTS = timedelta(days=7)


class LinkUseless(Exception):
    """The link was used before, is too old, was taken back, or never was one."""

    def __init__(self) -> None:
        super().__init__(_("This link does not work any more: it was used, is too old, or was taken back."))


class AddressTaken(Exception):
    """There is an account with that address already."""

    def __init__(self) -> None:
        super().__init__(_("There is an account with this address already. Sign in with it, or name another address."))


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link's path, which is not kept and can be shown this once, and its row."""

    path: str
    invitation: Invitation


def owner_exists() -> bool:
    """Somebody can do everything."""
    return User.objects.filter(role=Role.OWNER, is_active=True).exists()


def owner_link() -> NewLink:
    """A link that makes an owner, for whoever can read this server's output."""
    Invitation.objects.filter(created_by=None, used_at=None, expires_at__lt=timezone.now()).delete()
    return _make(Role.OWNER, "", None, OWNER_LINK_LASTS)


def invite(by: User, role: Role, email: str = "") -> NewLink:
    """A link that makes an account.

    Args:
        email: the only address that the account can have; "" = whoever has the link chooses.

    Raises:
        AddressTaken: somebody has it.
    """
    if email and User.objects.filter(email=email.lower()).exists():
        raise AddressTaken
    return _make(role, email.lower(), by, INVITATION_LASTS)


def _make(role: Role, email: str, by: User | None, lasts: timedelta) -> NewLink:
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        digest=Invitation.digest_of(token),
        role=role,
        email=email,
        created_by=by,
        expires_at=timezone.now() + lasts,
    )
    return NewLink(reverse("account_welcome", args=[token]), invitation)


def find(token: str) -> Invitation:
    """The invitation of a link.

    Raises:
        LinkUseless: it makes no account.
    """
    found = _open(timezone.now()).filter(digest=Invitation.digest_of(token)).first()
    if found is None:
        raise LinkUseless
    return found


def open_invitations() -> Iterable[Invitation]:
    """Those that somebody may still use, newest first; not the server's own."""
    return _open(timezone.now()).exclude(created_by=None).select_related("created_by").order_by("-id")


def accept(token: str, *, email: str, name: str, password: str) -> User:
    """Make the account. A link that two use at the same moment makes one account.

    A link made on the server opens an account that is there already: whoever is at the server is locked out of nothing.

    Raises:
        LinkUseless: the link makes no account.
        AddressTaken: somebody has the address.
    """
    try:
        with transaction.atomic():
            found = _open(timezone.now()).select_for_update().filter(digest=Invitation.digest_of(token)).first()
            if found is None:
                raise LinkUseless
            address = (found.email or email).lower()
            with actor.acting(actor.Actor(by=address, address=actor.current().address)):
                return _use(found, address, name, password)
    except IntegrityError:
        raise AddressTaken from None


def _use(invitation: Invitation, address: str, name: str, password: str) -> User:
    by_server = invitation.created_by_id is None
    user = User.objects.select_for_update().filter(email=address).first()
    if user is None:
        user = User.objects.create_user(address, password, name=name, role=invitation.role)
    elif by_server:
        user.name, user.role, user.is_active = name, invitation.role, True
        user.set_password(password)
        user.save()
        Authenticator.objects.filter(user=user).delete()
    else:
        raise AddressTaken
    invitation.used_at = timezone.now()
    invitation.save()
    if by_server:
        for other in Invitation.objects.filter(created_by=None, used_at=None):
            other.delete()
    return user


def withdraw(invitation_id: int) -> bool:
    """Make a link useless; tells whether it still was of use."""
    found = _open(timezone.now()).filter(pk=invitation_id).first()
    if found is not None:
        found.delete()
    return found is not None


def _open(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(used_at=None, expires_at__gt=now)


def first_link(otherwise: str) -> str | None:
    """The whole address of a link for the first owner; None = there is an owner.

    Args:
        otherwise: this server's own address, where no public one is set.
    """
    return None if owner_exists() else links.absolute(owner_link().path, otherwise=otherwise)
