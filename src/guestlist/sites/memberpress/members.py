"""Finding and making members (reference sections 3, 4 and 15)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guestlist.sites.contract import NeedsAttention, Person, RetryLater
from guestlist.sites.memberpress.client import NO_SUCH_THING, Refused, Session, UnsettledError
from guestlist.sites.memberpress.usernames import another_username, has_our_form, is_ours, username

# WordPress keeps first and last name together in 250 characters and refuses what is longer.
_NAME_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Member:
    """A user at the site.

    Attributes:
        made: Guestlist made it, now or in an earlier attempt whose answer was unclear.
        alert: what the owner should know, if anything.
    """

    id: str
    made: bool
    alert: str | None = None


def find(session: Session, email: str, *, maybe_made: bool) -> Member | None:
    """The member with exactly this address, in any case.

    There is no exact search: it finds parts of addresses and of usernames, and `_` stands for any letter there.

    Args:
        maybe_made: an earlier attempt may have made the member; its username tells.
    """
    wanted = _key(email)
    rows = session.rows("/members", {"search": wanted})
    exact = {int(number): row for row in rows if _key(row.get("email")) == wanted and (number := _id(row))}
    if not exact:
        return None
    lowest = min(exact)
    alert = None
    if len(exact) > 1:
        ids = ", ".join(str(other) for other in sorted(exact))
        alert = (
            f"The site has {len(exact)} users with the address {email} (ids {ids}). Access is given to the oldest, "
            f"{lowest}, with which WordPress lets them log in; delete the others if nobody uses them."
        )
    ours = is_ours(str(exact[lowest].get("username", "")), email)
    return Member(str(lowest), made=maybe_made and ours, alert=alert)


def find_or_make(session: Session, person: Person, *, send_password: bool, maybe_made: bool) -> Member:
    """The person's member, made if there is none.

    Args:
        send_password: have the site mail a link to set a password, if the member is made.

    Raises:
        UnsettledError: with the outcome for the member.
    """
    found = find(session, person.email, maybe_made=maybe_made)
    if found is not None:
        return found
    refusal = ""
    for name in (username(person.email), another_username(person.email)):
        try:
            answer = session.create("/members", _body(person, name, send_password))
            if not isinstance(answer, Refused):
                return _made(answer, person)
        except UnsettledError as error:
            return _look_again(session, person, error)
        refusal = answer.sentence
        # Perhaps somebody else was faster with this address; or the username was taken: one more try (section 15).
        found = find(session, person.email, maybe_made=False)
        if found is not None:
            return found
    raise UnsettledError(
        NeedsAttention(
            f"The site does not accept {person.email} as a new member: {refusal}",
            "WordPress takes only plain addresses such as name@example.com, without accents or other scripts. Correct "
            "the address at the cart, or add the member at the site by hand with this address, then try again.",
        )
    )


@dataclass(frozen=True, slots=True)
class Followed:
    """What came of a change of address.

    Attributes:
        gone: the member does not exist any more.
        alert: why the site keeps the old address, if it does.
    """

    gone: bool = False
    alert: str | None = None


def follow(session: Session, member: str, email: str) -> Followed:
    """Give a member that Guestlist made a new address. WordPress tells the old one.

    Raises:
        UnsettledError: it is not clear which address the site has now.
    """
    reply = session.get(f"/members/{member}")
    if isinstance(reply, Refused):
        if reply.code == NO_SUCH_THING:
            return Followed(gone=True)
        raise UnsettledError(RetryLater(f"The site does not show the member: {reply.sentence}"))
    row = reply.data if isinstance(reply.data, dict) else {}
    if _id(row) != member:
        raise UnsettledError(RetryLater("The site's answer does not show the member."))
    if _key(row.get("email")) == _key(email):
        return Followed()
    kept = f"Member {member} keeps the address {_key(row.get('email'))} at the site, not {email}"
    if not has_our_form(str(row.get("username", ""))):
        # Whoever has the address can have a new password sent to it: never somebody else's user.
        return Followed(alert=f"{kept}: Guestlist did not make this user. Change it at the site if it is right.")
    answer = session.change(f"/members/{member}", {"email": email.strip()})
    if isinstance(answer, Refused):
        return Followed(alert=f"{kept}: {answer.sentence}")
    if _id(answer) != member or _key(answer.get("email")) != _key(email):
        raise UnsettledError(RetryLater("The site's answer does not show the member's new address.", unclear=True))
    return Followed()


def _look_again(session: Session, person: Person, error: UnsettledError) -> Member:
    """After an answer that may mean anything: the member may be there now. Never post again without time passing."""
    outcome = error.outcome
    if not (isinstance(outcome, RetryLater) and outcome.unclear):
        raise error
    try:
        found = find(session, person.email, maybe_made=True)
    except UnsettledError:
        raise error from None
    if found is None:
        raise error
    return found


def _made(answer: Mapping[str, Any], person: Person) -> Member:
    number = _id(answer)
    if number is None or _key(answer.get("email")) != _key(person.email):
        raise UnsettledError(RetryLater("The site's answer does not show the new member.", unclear=True))
    return Member(number, made=True)


def _body(person: Person, name: str, send_password: bool) -> dict[str, Any]:
    body: dict[str, Any] = {
        "email": person.email.strip(),
        "username": name,
        "first_name": person.first_name[:_NAME_CHARACTERS],
        "last_name": person.last_name[:_NAME_CHARACTERS],
    }
    if send_password:
        # Any non-empty value sends the mail, so "no" is said by leaving the field out.
        body["send_password_email"] = True
    return body


def _id(row: Mapping[str, Any]) -> str | None:
    number = str(row.get("id", ""))
    return number if number.isascii() and number.isdigit() and int(number) > 0 else None


def _key(email: object) -> str:
    return str(email or "").strip().lower()
