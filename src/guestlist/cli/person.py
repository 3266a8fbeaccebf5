"""A person for people: what they have at each site, why, and what was done about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from guestlist.cli.console import counted, print_paragraph, print_table, shown
from guestlist.cli.grants import print_grants_of_level
from guestlist.cli.orders import print_orders

if TYPE_CHECKING:
    from guestlist.access.at_site import AtSite, HoldingView
    from guestlist.access.grant_views import LevelAccess, StaffChangeView
    from guestlist.access.queries import MemberView, PersonView


def print_person(person: PersonView) -> None:
    """All about one e-mail address."""
    print(shown(person.email))
    for note in person.notes:
        print_paragraph(note)
    if not person.members:
        print("\nNo access anywhere: nothing that was bought gives a level.")
    for member in person.members:
        _print_member(member)
    print("\nOrders")
    print_orders(person.orders, empty="None under this address.")


def print_access(member: MemberView) -> None:
    """One line per level: until when, and why."""
    for line in _denials(member.staff_changes):
        print_paragraph(line, indent="  ")
    for access in member.access:
        print_paragraph(_level_line(access), indent="  ")


def what_was_done(change: StaffChangeView) -> str:
    """An act in words, such as `level 8 Gold monthly revoked`."""
    level = f"level {change.level} {change.level_title}".strip() if change.level else "all levels"
    until = f"until {change.until_on}" if change.until_on else "for ever"
    match change.act.value:
        case "grant":
            return f"{level} given {until}"
        case "extend":
            return f"{level} extended {until}"
        case "revoke":
            return f"{level} revoked"
        case "hold":
            return f"{level} put on hold"
        case _:
            return f"{level} released"


def _print_member(member: MemberView) -> None:
    print(f"\nSite {member.site}: {_standing(member)}")
    for text in (member.reason, member.remedy, member.alert):
        print_paragraph(text, indent="  ")
    if member.former_email:
        print_paragraph(f"Formerly {member.former_email}; now {member.email}", indent="  ")
    if member.site_state.value in ("down", "attention"):
        print_paragraph(f"The site as a whole: {member.site_reason}\n{member.site_remedy}", indent="  ")
    if not member.access:
        print("  No level.")
    for line in _denials(member.staff_changes):
        print_paragraph(line, indent="  ")
    for access in member.access:
        print()
        print_paragraph(f"{_level_line(access)}; {_agreement(access)}", indent="  ")
        print_grants_of_level(grant for grant in member.grants if grant.level == access.level)
    if member.staff_changes:
        print("\n  Done by hand")
        for change in member.staff_changes:
            force = "; in force" if change.in_force else ""
            words = f"{shown(change.at)}: {what_was_done(change)}, by {change.who}: {change.why}{force}"
            print_paragraph(words, indent="    ")
    if member.at_site is not None:
        _print_at_site(member.at_site)
    print("\n  Latest requests")
    print_table(
        ["when", "request", "answer", "ms", "began with"],
        [
            [request.at, f"{request.method} {request.path}", request.status, request.milliseconds, request.excerpt[:80]]
            for request in member.requests
        ],
        empty="    None yet.",
    )


def _print_at_site(found: AtSite) -> None:
    print(f"\n  Made at the site by its owner, as of {shown(found.asked_at)}; Guestlist never touches it")
    if found.problem:
        print_paragraph(f"The site could not be asked: {found.problem}", indent="    ")
    elif not found.holdings:
        print("    Nothing.")
    for holding in found.holdings:
        print_paragraph(_holding(holding), indent="    ")


def _holding(holding: HoldingView) -> str:
    level = f"level {holding.level} {holding.level_title}".strip()
    until = f"until {holding.until_on}" if holding.until_on else "for ever"
    access = until if holding.live else f"gives no access ({holding.status})"
    return f"{level}: {access}; {holding.ref} ({holding.remote_id})"


def _denials(changes: list[StaffChangeView]) -> list[str]:
    """What keeps the person from every level, also from those that were never bought."""
    return [
        f"All levels: {'on hold since' if change.act.value == 'hold' else 'what was given up to then revoked on'} "
        f"{change.at.date()}, by {change.who} ({change.why})"
        for change in changes
        if change.in_force and not change.level
    ]


def _level_line(access: LevelAccess) -> str:
    return f"Level {f'{access.level} {access.title}'.strip()}: {access.words}"


def _agreement(access: LevelAccess) -> str:
    return "the site has it so" if access.confirmed else "the site has not confirmed all of it yet"


def _standing(member: MemberView) -> str:
    who = f"member {shown(member.remote_id)}" if member.remote_id else "not yet a member there"
    match member.state.value:
        case "idle":
            return f"{who}; as desired"
        case "working":
            return f"{who}; being worked on"
        case "attention":
            return f"{who}; needs attention"
        case _:
            return f"{who}; {_waiting(member)}"


def _waiting(member: MemberView) -> str:
    """What a member waits for, and when they are tried next."""
    if not member.site_active:
        return "waiting until the site is connected again"
    if member.site_paused:
        return "waiting until the site is resumed; it is paused"
    if member.site_state.value in ("down", "attention"):
        again = f"; it is asked again at {shown(member.site_asked_again_at)}" if member.site_asked_again_at else ""
        return f"waiting until the site works again{again}"
    tries = f" after {counted(member.attempts, 'attempt', 'attempts')}" if member.attempts else ""
    if member.due_at is None or member.due_at <= datetime.now(UTC):
        return f"waiting for their turn{tries}"
    return f"waiting{tries}; tried next at {shown(member.due_at)}"
