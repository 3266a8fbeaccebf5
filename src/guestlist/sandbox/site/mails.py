"""Which mails the site sends, and when (memberpress-api section 7). A mail is only written down, never sent."""

from __future__ import annotations

from guestlist.sandbox.site.store import Mail, Membership, Store, Transaction, User

SITE_TITLE = "Sandbox Academy"


def welcome(store: Store, user: User, membership: Membership | None) -> None:
    """The welcome mail: a member gets the site's only once, but a membership's own one with every purchase."""
    if membership is not None and membership.own_welcome_mail:
        _send(store, "thanks", user.email, f"** Thanks for Purchasing {membership.title}")
    elif not user.welcomed:
        user.welcomed = True
        _send(store, "welcome", user.email, f"** Welcome to {SITE_TITLE}")


def set_password(store: Store, user: User) -> None:
    """MemberPress's set-your-password mail."""
    _send(store, "password", user.email, f"[{SITE_TITLE}] Set Your New Password")


def receipt(store: Store, user: User, transaction: Transaction) -> None:
    """The receipt, and the notice to the site's owner. Both show the total, whatever the status."""
    _send(store, "receipt", user.email, f"** Payment Receipt ${transaction.total}")
    _send(store, "payment notice", store.users[1].email, f"Payment of ${transaction.total} from {user.username}")


def lost_password(store: Store, user: User) -> None:
    """WordPress's own reset mail."""
    _send(store, "reset", user.email, f"[{SITE_TITLE}] Password Reset")


def email_changed(store: Store, old_address: str) -> None:
    """WordPress tells the old address."""
    _send(store, "change", old_address, f"[{SITE_TITLE}] Email Changed")


def password_changed(store: Store, user: User) -> None:
    """WordPress tells the user."""
    _send(store, "change", user.email, f"[{SITE_TITLE}] Password Changed")


def _send(store: Store, kind: str, to: str, subject: str) -> None:
    store.mails.append(Mail(len(store.mails) + 1, store.clock.now(), kind, to, subject))
