"""What owners do with the accounts of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import transaction
from django.db.models import Count, Exists, Max, OuterRef
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from guestlist.accounts import audit
from guestlist.accounts.models import Invitation, Kind, User
from guestlist.accounts.roles import Role

RESET_LINK_MADE = gettext_noop("made a link to set a new password")
SESSIONS_ENDED = gettext_noop("signed a person out everywhere")
TWO_FACTOR_OFF = gettext_noop("switched a person's two-factor sign-in off")


class NotPossible(Exception):
    """A change of somebody's account is refused; its words are for whoever wants it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An account as the list shows it."""

    user: User
    two_factor: bool
    sessions: int
    last_seen_at: datetime | None


def people() -> list[Person]:
    """All accounts, owners first."""
    factor = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.TOTP)
    found = User.objects.annotate(
        two_factor=Exists(factor), sessions=Count("usersession"), seen=Max("usersession__last_seen_at")
    )
    order = list(Role)[::-1]
    return [
        Person(user=user, two_factor=user.two_factor, sessions=user.sessions, last_seen_at=user.seen)
        for user in sorted(found, key=lambda user: (order.index(Role(user.role)), user.email))
    ]


def change_role(user_id: int, role: Role) -> User:
    """Give another role.

    Raises:
        NotPossible: no owner would be left.
    """
    with _keeping_an_owner(user_id) as user:
        if user.role != role:
            user.role = role
            user.save()
            _take_invitations_back(user)
    return user


def set_active(user_id: int, *, active: bool) -> User:
    """Let somebody sign in again, or no more; then they are signed out at once.

    Raises:
        NotPossible: no owner would be left.
    """
    with _keeping_an_owner(user_id) as user:
        user.is_active = active
        user.save()
        if not active:
            _end_sessions(user)
            _take_invitations_back(user)
    return user


def remove(user_id: int) -> User:
    """Remove the account; what the person did stays in the audit log.

    Raises:
        NotPossible: no owner would be left.
    """
    with _keeping_an_owner(user_id) as user:
        _end_sessions(user)
        user_id = user.pk
        user.delete()
        user.pk = user_id
    return user


def end_sessions(user_id: int) -> User:
    """Sign somebody out on all their devices."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        _end_sessions(user)
        audit.write(Kind.STAFF, SESSIONS_ENDED, user)
    return user


def switch_two_factor_off(user_id: int) -> User:
    """For somebody who lost the phone and the recovery codes."""
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=user_id)
        Authenticator.objects.filter(user=user).delete()
        audit.write(Kind.STAFF, TWO_FACTOR_OFF, user)
    return user


def reset_link(user_id: int) -> tuple[User, str]:
    """A link with which somebody sets a new password; it works once, for a day."""
    user = User.objects.get(pk=user_id)
    link: str = get_adapter().reset_link(user)
    audit.write(Kind.STAFF, RESET_LINK_MADE, user)
    return user, link


@contextmanager
def _keeping_an_owner(user_id: int) -> Iterator[User]:
    """A person to change, while nobody else changes who is an owner; undone if none would be left.

    Raises:
        User.DoesNotExist: there is no such person.
        NotPossible: no owner would be left.
    """
    with transaction.atomic():
        # All owners in one order: two who demote each other at the same moment are not both done.
        list(User.objects.select_for_update().filter(role=Role.OWNER, is_active=True).order_by("pk"))
        user = User.objects.select_for_update().get(pk=user_id)
        yield user
        if not User.objects.filter(role=Role.OWNER, is_active=True).exists():
            raise NotPossible(
                _("There must be an owner who can sign in. Make somebody else an owner first, then try again.")
            )


def _end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


def _take_invitations_back(user: User) -> None:
    """What somebody offered as an owner is void once they are none."""
    if not user.may(Role.OWNER):
        for invitation in Invitation.objects.filter(created_by=user, used_at=None):
            invitation.delete()
