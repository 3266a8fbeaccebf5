"""How signing in works here, where it differs from what django-allauth does by itself."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from guestlist.accounts import actor, links, mail

_NO_ADDRESS = "0.0.0.0"  # noqa: S104  what is stored of a session whose address is not known


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody makes an account without an invitation; mail goes out only where its links can be trusted."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Never."""
        return False

    def is_safe_url(self, url: str | None) -> bool:
        """Only our own pages: ALLOWED_HOSTS takes any host, so none that a request names is trusted."""
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """As the server saw it; uvicorn takes a trusted proxy's word for it."""
        return actor.of_request(request).address or _NO_ADDRESS

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The page that a reset link leads to."""
        uid, _, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return links.absolute(path, self.request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the background, where mail is set up."""
        if mail.is_set_up():
            told = {"request": self.request, "email": email, "address": links.absolute("/"), **context}
            mail.send_later(self.render_mail(template_prefix, email, told))

    def format_email_subject(self, subject: str) -> str:
        """Says who writes."""
        return f"Guestlist: {subject}"

    def reset_link(self, user: AbstractBaseUser) -> str:
        """A link with which this person sets a new password."""
        from allauth.account import app_settings
        from allauth.account.utils import user_pk_to_url_str

        token = app_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
        return self.get_reset_password_from_key_url(f"{user_pk_to_url_str(user)}-{token}")
