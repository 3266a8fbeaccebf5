"""A person's data: handed out, and erased. The commands beneath `guestlist members`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from guestlist.cli.console import AsJson, boot, counted, print_json, print_paragraph
from guestlist.cli.errors import CommandError
from guestlist.cli.person import print_access
from guestlist.cli.staff import Email


class Access(StrEnum):
    """What becomes of a person's access at the sites."""

    END = "end"
    KEEP = "keep"


def export(email: Email) -> None:
    """Print everything that is stored about a person, as one JSON document."""
    boot()
    from guestlist.accounts import acts, audit
    from guestlist.people.export import export as known_of

    found = known_of(email)
    if found is None:
        raise _nobody(email)
    audit.record(None, acts.EXPORTED, None, orders=len(found["orders"]))
    print_json(found)


def erase(
    email: Email,
    access: Annotated[
        Access | None, typer.Option(help="End their access at the sites first, or keep it there as it is.")
    ] = None,
    why: Annotated[str, typer.Option(help="The reason, for the audit log; name nobody.")] = "",
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take back what still waits to be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase what tells who a person is. Their orders stay counted, without number and person. Cannot be undone."""
    if withdraw == (access is not None):
        raise typer.BadParameter("say what becomes of their access: --access end or --access keep (or --withdraw)")
    if access is not None and not why:
        raise typer.BadParameter("say why, with --why: it stands in the audit log")
    boot()
    if access is None:
        _withdraw(email, as_json=as_json)
        return
    if not yes:
        _say_what_goes(email, access)
        typer.confirm("Erase them?", abort=True, err=True)
    _erase(email, access, why, as_json=as_json)


def _erase(email: str, access: Access, why: str, *, as_json: bool) -> None:
    from guestlist.access.staff_refusals import StaffRefused
    from guestlist.people.requests import request_erasure, waiting

    try:
        erased = request_erasure(email, end_access=access is Access.END, why=why)
    except StaffRefused as error:
        raise CommandError(error.problem, error.remedy) from None
    waits_for = [words for wait in waiting(email) for words in wait.waits_for] if erased is None else []
    if as_json:
        counts = {
            "orders": erased.orders if erased else 0,
            "members": erased.members if erased else 0,
            "deliveries": erased.deliveries if erased else 0,
            "left_at_sites": erased.left_at_sites if erased else 0,
        }
        print_json({"erased": erased is not None, **counts, "waits_for": waits_for})
    elif erased is None:
        print("They are erased by the worker as soon as nothing is under way for them any more.")
        for words in waits_for:
            print_paragraph(words, indent="  ")
        print("`guestlist members erase EMAIL --withdraw` takes it back until then.")
    else:
        left = f"; {counted(erased.left_at_sites, 'grant', 'grants')} left at the sites" if erased.left_at_sites else ""
        print(f"Erased. {counted(erased.orders, 'order stays', 'orders stay')} counted, of nobody{left}.")


def _withdraw(email: str, *, as_json: bool) -> None:
    from guestlist.people.requests import withdraw

    if not withdraw(email):
        raise CommandError(f"Nobody with the address {email} waits to be erased.")
    if as_json:
        print_json({"withdrawn": True})
    else:
        print("They stay. Access that was ended meanwhile stays ended; `guestlist members release` gives it back.")


def _say_what_goes(email: str, access: Access) -> None:
    from guestlist.access.queries import person
    from guestlist.people.whose import only_naming, whose

    found = whose(email)
    deliveries = found.deliveries | only_naming(found)
    if found.nobody and not deliveries:
        raise _nobody(email)
    print_paragraph(f"Addresses: {', '.join(sorted(found.addresses))}")
    stay = counted(len(found.orders), "order stays", "orders stay")
    print(f"{stay} counted by date, items and amount, without number and person.")
    gone = counted(len(deliveries), "delivery", "deliveries")
    members = counted(len(found.members), "member", "members")
    print(f"Removed for good: {gone}; {members} with grants, requests and what was done by hand.")
    known = person(email)
    for member in known.members if known else ():
        print(f"\nSite {member.site}")
        print_access(member)
    if access is Access.END:
        print("\nThis access is ended first; they are erased once the sites have confirmed it.\n")
    else:
        print("\nThis stays at the sites as it is; no later refund or cancellation ends it.\n")


def _nobody(email: str) -> CommandError:
    return CommandError(f"Nothing is known of {email}.", "Look for a slip of the keys.")
