"""The routes under /members (memberpress-api sections 3 and 4)."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

from guestlist.sandbox.site import cleaning, mails, php, shapes, transactions
from guestlist.sandbox.site.http import Refused, not_found, not_saved
from guestlist.sandbox.site.listing import like
from guestlist.sandbox.site.store import Store, Transaction, User
from guestlist.sandbox.site.wordpress import WordPress

_ORDERS = {"id": "id", "username": "username", "email": "email", "registered": "registered_at"}


def matching(site: WordPress, asked: Mapping[str, Any]) -> list[User]:
    """Users newest first; `search` looks into login name and address, every other filter is ignored."""
    users: list[User] = list(site.store.users.values())
    if asked.get("search"):
        hit = like(asked["search"])
        users = [user for user in users if hit(user.username) or hit(user.email)]
    field = _ORDERS.get(php.text(asked.get("order")).lower(), "id")
    descending = php.text(asked.get("order_dir")).lower() != "asc"
    if field == "id":
        return users[::-1] if descending else users
    return sorted(users, key=lambda user: str(getattr(user, field)), reverse=descending)


def get(site: WordPress, user_id: int) -> User:
    """One user.

    Raises:
        Refused: there is none.
    """
    if user_id not in site.store.users:
        raise not_found("members", user_id)
    return site.store.users[user_id]


async def create(site: WordPress, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Make a user, then the nested transaction if it can be made, then send what mails were asked for.

    Raises:
        Refused: the plugin's or WordPress's own checks.
    """
    email = php.text(sent.get("email")).strip()
    if not cleaning.is_email(email):
        raise not_saved(f"user_email ({email}) must be a valid email")
    login = php.text(sent.get("username"))
    if not login:
        raise not_saved("user_login must not be empty")
    login = cleaning.username(login)
    _check_free(site.store, email, login)
    # WordPress hashes the password between the checks and the insert, and nothing in the database is unique.
    await asyncio.sleep(site.switches.race_window_ms / 1000)
    first, last = (cleaning.without_tags(php.text(sent.get(name))) for name in ("first_name", "last_name"))
    user = site.store.add_user(
        email=email,
        username=login,
        nicename=cleaning.nicename(login),
        password=php.text(sent.get("password")) or secrets.token_urlsafe(12),
        first_name=first,
        last_name=last,
        display_name=f"{first} {last}".strip() or login,
    )
    _mail_about(site, user, sent, _nested(site, user, sent.get("transaction")))
    return shapes.member(site.store, user, just_made=True)


def _check_free(store: Store, email: str, login: str) -> None:
    problem = None
    if store.find_email(email):
        problem = "Sorry, that email address is already used!"
    elif not login:
        problem = "Cannot create a user with an empty login name."
    elif len(login) > 60:
        problem = "Username may not be longer than 60 characters."
    elif store.find_username(login):
        problem = "Sorry, that username already exists!"
    if problem:
        raise not_saved(f"The user was unable to be saved: {problem}")


def _nested(site: WordPress, user: User, nested: Any) -> Transaction | None:
    """The nested transaction. What is wrong with it is nowhere said: the member is made without it."""
    if not isinstance(nested, Mapping) or not nested:
        return None
    try:
        return transactions.store(site, {**nested, "member": user.id})
    except Refused:
        return None


def _mail_about(site: WordPress, user: User, sent: Mapping[str, Any], made: Transaction | None) -> None:
    if php.truthy(sent.get("send_password_email")):
        mails.set_password(site.store, user)
    if made is None:
        return
    if php.truthy(sent.get("send_welcome_email")):
        mails.welcome(site.store, user, site.store.memberships.get(made.membership_id))
    transactions.mail_about(site, made, sent["transaction"])


def update(site: WordPress, method: str, user_id: int, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Change the sent fields. The login name cannot be changed, and a password only by PATCH.

    Raises:
        Refused: no such user, or an address that is bad or somebody else's.
    """
    store = site.store
    user = get(site, user_id)
    if "email" in sent:
        _change_email(store, user, php.text(sent["email"]).strip())
    for name in ("first_name", "last_name"):
        if name in sent:
            setattr(user, name, cleaning.without_tags(php.text(sent[name])))
            user.display_name = f"{user.first_name} {user.last_name}".strip() or user.username
    if php.truthy(sent.get("password")):
        if method == "PATCH":
            user.password = php.text(sent["password"])
            mails.password_changed(store, user)
        else:
            mails.set_password(store, user)
    return shapes.member(store, user)


def _change_email(store: Store, user: User, email: str) -> None:
    if not cleaning.is_email(email):
        raise not_saved(f"user_email ({email}) must be a valid email")
    holder = store.find_email(email)
    if holder is not None and holder is not user:
        raise not_saved("The user was unable to be saved: Sorry, that email address is already used!")
    if email != user.email:
        mails.email_changed(store, user.email)
        user.email = email


def delete(site: WordPress, user_id: int) -> bool:
    """Really delete the WordPress user.

    Raises:
        Refused: there is none.
    """
    if user_id not in site.store.users:
        raise Refused(500, "mp_db_delete_error", f"There was no member with an id of {user_id} to delete")
    site.store.delete_user(user_id)
    return True
