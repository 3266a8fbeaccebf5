"""Whether the sandbox site has exactly what the demo's orders should have led to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guestlist.sandbox.demo_story import Case, Granted

_FOR_EVER = "0000"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One person's case against the site.

    Attributes:
        access: level and end of what the person can see now, in words, one text per level.
        paid: total of the transactions at the site.
        problems: what is not as it should be; none = right.
    """

    case: Case
    access: tuple[str, ...]
    paid: str
    problems: tuple[str, ...]


def verdicts(cases: Sequence[Case], state: Mapping[str, Any]) -> list[Verdict]:
    """A verdict per case."""
    return [_verdict(case, state) for case in cases]


def strangers(cases: Sequence[Case], state: Mapping[str, Any]) -> list[str]:
    """What the site has that no case accounts for, and references that were given twice; in words."""
    expected = {case.buyer.email.lower() for case in cases if case.granted}
    people = [person for person in state["members"] if person["role"] == "subscriber"]
    found = [f"a member nobody expects: {each['email']}" for each in people if each["email"].lower() not in expected]
    owners = {person["id"] for person in people}
    found += [f"transaction {row['id']} is nobody's" for row in state["transactions"] if row["user_id"] not in owners]
    numbers = [row["trans_num"] for row in state["transactions"]]
    return found + [f"reference {number} twice" for number in sorted(set(numbers)) if numbers.count(number) > 1]


def _verdict(case: Case, state: Mapping[str, Any]) -> Verdict:
    people = [person for person in state["members"] if person["email"].lower() == case.buyer.email.lower()]
    ids = {person["id"] for person in people}
    rows = [row for row in state["transactions"] if row["user_id"] in ids]
    mails = [mail["kind"] for mail in state["mails"] if mail["to"].lower() == case.buyer.email.lower()]
    problems = tuple(_problems(case, people, [_granted(row) for row in rows], mails))
    access = tuple(f"{each['title']} {_span(each['until'])}" for person in people for each in person["access"])
    paid = f"{sum(float(row['total']) for row in rows):.2f}"
    return Verdict(case, access, paid, problems)


def _problems(
    case: Case, people: Sequence[Mapping[str, Any]], found: list[Granted], mails: Sequence[str]
) -> Iterator[str]:
    wanted = 1 if case.granted else 0
    if len(people) != wanted:
        yield f"{len(people)} user(s) instead of {wanted}"
    for missing in _without(case.granted, found):
        yield f"missing: {_words(missing)}"
    for surplus in _without(found, case.granted):
        yield f"too much: {_words(surplus)}"
    for person in people:
        if not case.new and (person["first_name"], person["last_name"]) != (
            case.buyer.first_name,
            case.buyer.last_name,
        ):
            yield "the known member's name was changed"
    letters = 1 if case.granted and case.new else 0
    if mails.count("password") != letters:
        yield f"{mails.count('password')} set-your-password mail(s) instead of {letters}"


def _granted(row: Mapping[str, Any]) -> Granted:
    until = "" if row["expires_at"].startswith(_FOR_EVER) else row["expires_at"][:10]
    return Granted(row["membership_id"], until, row["amount"], row["total"], row["status"])


def _without(these: Sequence[Granted], those: Sequence[Granted]) -> list[Granted]:
    left = list(those)
    more = []
    for each in sorted(these):
        if each in left:
            left.remove(each)
        else:
            more.append(each)
    return more


def _words(granted: Granted) -> str:
    return f"level {granted.level} {_span(granted.until)}, {granted.net} net, {granted.total} total, {granted.status}"


def _span(until: str | None) -> str:
    return f"until {until}" if until else "for ever"
