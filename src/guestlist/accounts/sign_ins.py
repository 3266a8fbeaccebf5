"""Writes down who signed in and out, who failed to, and what became of second factors."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.http import HttpRequest
from django.utils.translation import gettext_noop as _

from guestlist.accounts import actor, audit
from guestlist.accounts.models import Kind, User

SIGNED_IN = _("signed in")
SIGNED_OUT = _("signed out")
FAILED = _("failed to sign in: wrong password")
FAILED_UNKNOWN = _("failed to sign in: no account has that address")
FAILED_CODE = _("failed to sign in: wrong code of the authenticator app")
TWO_FACTOR_ON = _("switched two-factor sign-in on")
TWO_FACTOR_OFF = _("switched two-factor sign-in off")
NEW_CODES = _("made new recovery codes")
PASSWORD_CHANGED = _("changed their password")
PASSWORD_RESET = _("set a new password with a reset link")


def follow() -> None:
    """Begin to listen."""
    user_logged_in.connect(_signed_in, dispatch_uid="audit signed in")
    user_logged_out.connect(_signed_out, dispatch_uid="audit signed out")
    user_login_failed.connect(_failed, dispatch_uid="audit failed")
    mfa.authentication_failed.connect(_failed_code, dispatch_uid="audit failed code")
    mfa.authenticator_added.connect(_factor_added, dispatch_uid="audit factor added")
    mfa.authenticator_removed.connect(_factor_removed, dispatch_uid="audit factor removed")
    mfa.authenticator_reset.connect(_codes_made, dispatch_uid="audit codes made")
    account.password_changed.connect(_password_changed, dispatch_uid="audit password changed")
    account.password_reset.connect(_password_reset, dispatch_uid="audit password reset")


def _signed_in(request: HttpRequest, user: User, **_rest: Any) -> None:
    _write(request, user, SIGNED_IN)


def _signed_out(request: HttpRequest, user: User | None, **_rest: Any) -> None:
    if user is not None:
        _write(request, user, SIGNED_OUT)


def _failed(request: HttpRequest | None, credentials: dict[str, Any], **_rest: Any) -> None:
    # What was typed is kept only where it is an address of ours: people type passwords into the wrong field.
    typed = str(credentials.get("email") or credentials.get("username") or "").lower()
    user = User.objects.filter(email=typed).first()
    nobody = actor.Actor(by="", address=actor.of_request(request).address if request is not None else None)
    audit.write(Kind.SIGN_IN, FAILED if user is not None else FAILED_UNKNOWN, user, by=nobody)


def _failed_code(request: HttpRequest, user: User, **_rest: Any) -> None:
    nobody = actor.Actor(by="", address=actor.of_request(request).address)
    audit.write(Kind.SIGN_IN, FAILED_CODE, user, by=nobody)


def _factor_added(request: HttpRequest, user: User, authenticator: Any, **_rest: Any) -> None:
    # Recovery codes come along with the app by themselves.
    if authenticator.type == authenticator.Type.TOTP:
        _write(request, user, TWO_FACTOR_ON)


def _factor_removed(request: HttpRequest, user: User, authenticator: Any, **_rest: Any) -> None:
    if authenticator.type == authenticator.Type.TOTP:
        _write(request, user, TWO_FACTOR_OFF)


def _codes_made(request: HttpRequest, user: User, **_rest: Any) -> None:
    _write(request, user, NEW_CODES)


def _password_changed(request: HttpRequest, user: User, **_rest: Any) -> None:
    _write(request, user, PASSWORD_CHANGED)


def _password_reset(request: HttpRequest, user: User, **_rest: Any) -> None:
    _write(request, user, PASSWORD_RESET)


def _write(request: HttpRequest, user: User, did: str) -> None:
    who = actor.Actor(by=user.email, user_id=user.pk, address=actor.of_request(request).address)
    audit.write(Kind.SIGN_IN, did, user, by=who)
