"""Members over HTTP: what a person has and why, and what staff do by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Annotated, assert_never

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from guestlist.access.queries import DoneByHand, PersonView, done_by_hand, person
from guestlist.access.staff import change, resend_password_mail, try_members_again
from guestlist.access.staff_refusals import LONGEST_LEVEL, LONGEST_NAME, LONGEST_WHY, NotKnown, StaffRefused
from guestlist.accounts.models import ApiToken
from guestlist.api.params import NO_NUL
from guestlist.api.problems import COMMON, Problem, Refused
from guestlist.api.roles import OPERATOR, VIEWER
from guestlist.domain.staff import Act
from guestlist.sites.contract import AlreadyRight, Done, NeedsAttention, RetryLater

router = Router(tags=["members"])

Email = Annotated[str, Field(min_length=1, max_length=320, pattern=NO_NUL, description="Upper or lower case.")]
SiteId = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL, description="The site's id.")]
OneLevel = Annotated[str, Field(min_length=1, max_length=LONGEST_LEVEL, pattern=NO_NUL)]
AnyLevel = Annotated[
    str, Field(max_length=LONGEST_LEVEL, pattern=NO_NUL, description="Left out or empty: all levels of the site.")
]
Until = Annotated[date | None, Field(description="Last day of access (UTC); null = for ever.")]
Why = Annotated[str, Field(min_length=1, max_length=LONGEST_WHY, pattern=NO_NUL, description="For whoever asks later.")]
Name = Annotated[str, Field(max_length=LONGEST_NAME, pattern=NO_NUL, description="For a person not known yet.")]


class Extension(Schema):
    """More time at a level, beside what orders give."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    site: SiteId
    level: OneLevel
    until: Until
    why: Why


class Gift(Extension):
    """A level given by hand."""

    first_name: Name = ""
    last_name: Name = ""


class Denial(Schema):
    """What is revoked, held or released."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    site: SiteId
    level: AnyLevel = ""
    why: Why


class MemberAtSite(Schema):
    """A person at a site."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    site: SiteId


class Stuck(Schema):
    """Whom to try again: everybody who is stuck, one site's, or one person."""

    model_config = ConfigDict(extra="forbid")

    email: Email | None = None
    site: SiteId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """The site said that it sends the mail."""

    email: str
    site: str
    asked_for: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedAgain:
    """How many members were made due."""

    members: int


@router.get("/members", auth=VIEWER, response={200: PersonView, 404: Problem, **COMMON})
def show_member(
    request: HttpRequest,
    email: Annotated[str, Query(min_length=1, max_length=320, pattern=NO_NUL, description="Upper or lower case.")],
) -> PersonView:
    """What a person has at each site, until when and why, what staff did, and the latest requests made for them."""
    found = person(email)
    if found is None:
        raise Refused(404, "Nobody with this address is known.", "email")
    return found


@router.post("/members/grant", auth=OPERATOR, response={200: DoneByHand, 400: Problem, 404: Problem, **COMMON})
def grant_level(request: HttpRequest, gift: Gift) -> DoneByHand:
    """Give a person a level by hand; orders never change it. The name of the token is kept as who did it."""
    return _change(
        request,
        Act.GRANT,
        gift,
        level=gift.level,
        until=gift.until,
        first_name=gift.first_name,
        last_name=gift.last_name,
    )


@router.post("/members/extend", auth=OPERATOR, response={200: DoneByHand, 400: Problem, 404: Problem, **COMMON})
def extend_level(request: HttpRequest, extension: Extension) -> DoneByHand:
    """Lengthen the access that a person has to a level, beside what their orders give."""
    return _change(request, Act.EXTEND, extension, level=extension.level, until=extension.until)


@router.post("/members/revoke", auth=OPERATOR, response={200: DoneByHand, 400: Problem, 404: Problem, **COMMON})
def revoke_level(request: HttpRequest, denial: Denial) -> DoneByHand:
    """Take away what was given up to now, later charges of the same orders included."""
    return _change(request, Act.REVOKE, denial, level=denial.level)


@router.post("/members/hold", auth=OPERATOR, response={200: DoneByHand, 400: Problem, 404: Problem, **COMMON})
def hold_level(request: HttpRequest, denial: Denial) -> DoneByHand:
    """Keep a person out, whatever is bought, until they are released."""
    return _change(request, Act.HOLD, denial, level=denial.level)


@router.post("/members/release", auth=OPERATOR, response={200: DoneByHand, 400: Problem, 404: Problem, **COMMON})
def release_level(request: HttpRequest, denial: Denial) -> DoneByHand:
    """Take back a hold or a revocation: whatever else is given counts again."""
    return _change(request, Act.RELEASE, denial, level=denial.level)


@router.post(
    "/members/resend-password",
    auth=OPERATOR,
    response={200: AskedFor, 400: Problem, 404: Problem, 502: Problem, **COMMON},
)
def resend_password(request: HttpRequest, member: MemberAtSite) -> AskedFor:
    """Have the site mail the person a link to set a password; 502 = the site did not."""
    try:
        outcome = resend_password_mail(member.site, member.email, _who(request))
    except StaffRefused as error:
        raise _refused(error) from None
    match outcome:
        case Done() | AlreadyRight():
            return AskedFor(email=member.email, site=member.site, asked_for=True)
        case RetryLater(reason=reason):
            raise Refused(502, f"{reason} Try again later.")
        case NeedsAttention(reason=reason, remedy=remedy):
            raise Refused(502, f"{reason} {remedy}")
        case _:
            assert_never(outcome)


@router.post("/members/try-again", auth=OPERATOR, response={200: TriedAgain, 400: Problem, 404: Problem, **COMMON})
def try_again(request: HttpRequest, stuck: Stuck) -> TriedAgain:
    """Have stuck members tried again at once; with an address also one who waits for the next try."""
    try:
        return TriedAgain(members=try_members_again(stuck.site, stuck.email))
    except StaffRefused as error:
        raise _refused(error) from None


def _change(
    request: HttpRequest,
    act: Act,
    asked: Extension | Denial,
    *,
    level: str,
    until: date | None = None,
    first_name: str = "",
    last_name: str = "",
) -> DoneByHand:
    try:
        row = change(
            asked.site,
            asked.email,
            act,
            level=level,
            until_on=until,
            who=_who(request),
            why=asked.why,
            first_name=first_name,
            last_name=last_name,
        )
    except StaffRefused as error:
        raise _refused(error) from None
    return done_by_hand(row)


def _who(request: HttpRequest) -> str:
    token: ApiToken = request.auth  # type: ignore[attr-defined]  # set by ninja once the token was found
    return token.name


def _refused(error: StaffRefused) -> Refused:
    return Refused(404 if isinstance(error, NotKnown) else 422, f"{error.problem} {error.remedy}", error.field)
