"""`/people`: who is a member where, found and filtered; the same as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone

from guestlist.access.member_search import LevelHeld, MemberRow, customers_without_access, find_members, member_rows
from guestlist.dashboard.listing import Sort, batches, csv_response, listing
from guestlist.dashboard.pages import page
from guestlist.dashboard.people.forms import PeopleForm
from guestlist.people.requests import waiting

SORTS = (Sort("added", ()), Sort("email", ("email_key",)), Sort("name", ("name_key",)))
COLUMNS = ("email", "name", "site", "state", "levels", "since")


@page()
def show(request: HttpRequest) -> HttpResponse:
    """A page of members; with those who bought and are members nowhere, where somebody is searched for."""
    form = PeopleForm(request.GET)
    asked = form.asked()
    found = listing(request, find_members(asked), SORTS)
    first = found.previous is None
    values = {
        "form": form,
        "filtered": any(form.cleaned_data.values()) or bool(form.errors),
        "listing": found,
        "members": member_rows(found.rows),
        "to_be_erased": waiting(),
        "buyers": customers_without_access(asked.text) if asked.text and first else [],
    }
    return render(request, "dashboard/people/list.html", values)


@page()
def export(request: HttpRequest) -> StreamingHttpResponse:
    """What the list shows, all pages of it."""
    found = batches(request, find_members(PeopleForm(request.GET).asked()), SORTS)
    return csv_response("people", COLUMNS, _lines(member_rows(some) for some in found))


def _lines(some: Iterator[Sequence[MemberRow]]) -> Iterator[list[tuple[object, ...]]]:
    for rows in some:
        yield [
            (
                row.email,
                row.name,
                row.site,
                row.standing.value,
                "; ".join(map(_held, row.levels)),
                timezone.localdate(row.created_at),
            )
            for row in rows
        ]


def _held(held: LevelHeld) -> str:
    said = f"{held.title or held.level} {held.until_on or 'for ever'}"
    if not held.confirmed:
        return f"{said} (not confirmed yet)"
    if held.ending:
        return f"{said} (its end not confirmed yet)"
    return f"{said} ({held.wanted_until_on or 'for ever'} not confirmed yet)" if held.changes else said
