"""The sandbox's own routes under /sandbox/: looking into a site, switching, acting as its owner.

No part of WordPress. Answers loopback addresses only.

| request | does |
|---|---|
| GET /sandbox/state | members with access now, transactions, mails, memberships, counts, switches |
| GET /sandbox/requests | every request recorded, oldest first |
| POST /sandbox/switches | sets the switches that are sent (see `Switches.update`) |
| POST /sandbox/reset | a new site |
| POST /sandbox/members | {email, username?, first_name?, last_name?}: a member that the owner makes |
| POST /sandbox/members/ID | changes fields (also `application_password`: null = revoked, `role`) |
| POST /sandbox/members/ID/delete | deletes the user |
| POST /sandbox/transactions | {member, membership, ...}: a transaction that the owner makes (also `txn_type`) |
| POST /sandbox/transactions/ID | changes fields |
| POST /sandbox/transactions/ID/delete | deletes it |
| POST /sandbox/memberships/ID | changes fields: `status` publish or trash, `title`, `own_welcome_mail`, terms |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar

from guestlist.sandbox.site import cleaning, dates, php, shapes, transactions
from guestlist.sandbox.site.http import Refused, Request, Response, as_json
from guestlist.sandbox.site.store import Membership, User
from guestlist.sandbox.site.switches import BadSwitch
from guestlist.sandbox.site.wordpress import WordPress

Kept = TypeVar("Kept", User, Membership)


class BadControl(ValueError):
    """A request to the control routes that makes no sense."""


def answer(site: WordPress, request: Request) -> Response:
    """Answer a request under /sandbox/."""
    segments = request.path.removeprefix("/sandbox/").strip("/").split("/")
    try:
        return as_json(act(site, request.method, segments, _sent(request)))
    except (Refused, BadSwitch, BadControl, ValueError) as problem:
        return as_json({"error": str(problem).partition("\n")[0]}, status=400)
    except KeyError as missing:
        return as_json({"error": f"there is no {missing}"}, status=404)


def act(site: WordPress, method: str, segments: list[str], sent: Mapping[str, Any]) -> Any:
    """Do what a control route says, and tell what came of it.

    Raises:
        BadSwitch, BadControl, Refused: it cannot be done like this.
        KeyError: no such thing.
    """
    match [method, *segments]:
        case ["GET", "state"]:
            return state(site)
        case ["GET", "requests"]:
            return [asdict(each) | {"at": each.at.isoformat()} for each in site.requests]
        case ["POST", "switches"]:
            site.switches.update(sent)
            return site.switches.as_dict()
        case ["POST", "reset"]:
            site.reset()
            return {"reset": True}
        case ["POST", "members"]:
            return _person(site, add_member(site, sent))
        case ["POST", "members", number]:
            return _person(site, _change(site.store.users[int(number)], sent))
        case ["POST", "members", number, "delete"]:
            site.store.delete_user(int(number))
            return {"deleted": int(number)}
        case ["POST", "transactions"]:
            return _own_transaction(site, {"status": "complete", **sent})
        case ["POST", "transactions", number]:
            transactions.get(site, int(number))
            return transactions.update(site, int(number), sent)
        case ["POST", "transactions", number, "delete"]:
            return {"deleted": transactions.delete(site, int(number))}
        case ["POST", "memberships", number]:
            return shapes.membership(_change(site.store.memberships[int(number)], sent))
        case _:
            raise KeyError(f"control route {method} /sandbox/{'/'.join(segments)}")


def _sent(request: Request) -> dict[str, Any]:
    sent = json.loads(request.body) if request.body.strip() else {}
    if not isinstance(sent, dict):
        raise BadControl("send a JSON object")
    return sent


def add_member(site: WordPress, sent: Mapping[str, Any]) -> User:
    """A member that the site's owner makes: no mail, no check but the address.

    Raises:
        BadControl: no address.
    """
    email = php.text(sent.get("email")).strip()
    if not cleaning.is_email(email):
        raise BadControl("a member needs an email address")
    login = cleaning.username(php.text(sent.get("username")) or email)
    first, last = php.text(sent.get("first_name")), php.text(sent.get("last_name"))
    return site.store.add_user(
        email=email,
        username=login,
        nicename=cleaning.nicename(login),
        password="chosen-by-the-member",  # noqa: S106 the sandbox guards nothing
        first_name=first,
        last_name=last,
        display_name=f"{first} {last}".strip() or login,
        welcomed=True,
    )


def state(site: WordPress) -> dict[str, Any]:
    """Everything about the site, as plain JSON."""
    return {
        "site": site.name,
        "now": site.clock.now().isoformat(),
        "members": [_person(site, user) for user in site.store.users.values()],
        "transactions": [_own(site, number) for number in site.store.transactions],
        "memberships": [shapes.membership(each) for each in site.store.memberships.values()],
        "mails": [asdict(mail) | {"at": mail.at.isoformat()} for mail in site.store.mails],
        "requests": dict(site.counts),
        "switches": site.switches.as_dict(),
    }


def access_now(site: WordPress, user_id: int) -> list[dict[str, Any]]:
    """What a member can see now: membership id, its title, the last day (None = for ever)."""
    return [
        {
            "membership": number,
            "title": site.store.memberships[number].title if number in site.store.memberships else "",
            "until": end.date().isoformat() if end else None,
        }
        for number, end in sorted(site.store.access(user_id).items())
    ]


def _person(site: WordPress, user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "role": user.role,
        "access": access_now(site, user.id),
    }


def _own(site: WordPress, number: int) -> dict[str, Any]:
    transaction = site.store.transactions[number]
    return asdict(transaction) | {
        "created_at": dates.shown(transaction.created_at),
        "expires_at": dates.shown(transaction.expires_at),
        "gives_access": transaction.gives_access(site.clock.now()),
    }


def _own_transaction(site: WordPress, sent: Mapping[str, Any]) -> dict[str, Any]:
    made = transactions.store(site, sent)
    made.txn_type = php.text(sent.get("txn_type")) or made.txn_type
    return _own(site, made.id)


def _change(kept: Kept, sent: Mapping[str, Any]) -> Kept:
    known = {field.name for field in fields(kept)} - {"id"}
    for name in sent:
        if name not in known:
            raise BadControl(f'there is no field "{name}"; known: {", ".join(sorted(known))}')
    for name, value in sent.items():
        setattr(kept, name, value)
    return kept
