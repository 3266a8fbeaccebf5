"""What a membership site's adapter offers. Outcomes, not exceptions; history is written from the outcome only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.terms import Level


@dataclass(frozen=True, slots=True)
class Done:
    """The site confirmed that it now is as wanted. `remote_id` is the site's id of what was made or changed."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class AlreadyRight:
    """The site was found to be as wanted; nothing was changed."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Not settled, and time may help.

    Attributes:
        reason: in words, for the seller.
        after: seconds, when the site named them (`Retry-After`).
        site_down: the site as a whole does not work; its other members need not be tried.
        unclear: the site may have done the work all the same: look before writing again.
        help: the page of help about it.
    """

    reason: str
    after: float | None = None
    site_down: bool = False
    unclear: bool = False
    help: HelpTopic | None = None


@dataclass(frozen=True, slots=True)
class NeedsAttention:
    """Only a person can help.

    Attributes:
        reason: what is wrong, in words.
        remedy: what to do about it, in words.
        site_wide: it concerns the whole site (credentials, plugin): its lane pauses.
        help: the page of help about it.
    """

    reason: str
    remedy: str
    site_wide: bool = False
    help: HelpTopic | None = None


Outcome = Done | AlreadyRight | RetryLater | NeedsAttention


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request to a site, as it is kept and shown.

    Attributes:
        path: path and query, secrets redacted.
        status: HTTP status; None = no answer.
        seconds: until the answer or the failure.
        excerpt: the beginning of the answer, or the failure in words; redacted.
        ref: the grant that the request was made for; "" = for the member, or for the site as a whole.
    """

    at: datetime
    method: str
    path: str
    status: int | None
    seconds: float
    excerpt: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """A member as wanted. `remote_id` = the site's id once it is known."""

    email: str
    first_name: str
    last_name: str
    remote_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedGrant:
    """One charge's access to one level, as it should be at the site.

    Attributes:
        ref: Guestlist's own reference at the site (MemberPress: `trans_num`); unique, and no ref is part of another.
        level: the site's level id.
        until_on: last day of access (UTC); None = for ever.
        live: False = access from this grant must end.
        amount_minor, total_minor: net and gross of the charge, in minor units of `currency`.
        charged_at: when the charge was made (UTC).
        welcome: ask the site for its welcome mail when this grant is first made: "new" (only to a member that this
            service made, and once for all grants that say so), "always", or "never".
        remote_id: the site's id, once the grant was made there.
        look_first: an earlier attempt may have reached the site: search before writing.
        confirmed_live: what the site showed last; None = nothing yet. Where it is True and the site shows an end now,
            somebody ended the grant there by hand, and that is not overwritten.
    """

    ref: str
    level: str
    until_on: date | None
    live: bool
    amount_minor: int
    total_minor: int
    currency: str
    charged_at: datetime
    welcome: str = "never"
    remote_id: str | None = None
    look_first: bool = False
    confirmed_live: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All that one member should have changed, for one `ensure`.

    Attributes:
        send_password: ask for the set-your-password mail if the member has to be made.
        made_by_us: this service made the member (so that "new" welcome mails go to them).
        look_first: an earlier attempt to make the member may have reached the site.
        change_email: the member is known and the site shall have `person.email` as the address from now on. If it
            cannot, that is an alert; nothing else waits for it.
        grants: only those that are not yet confirmed as wanted, oldest charge first.
        kept: what the site has confirmed and gives more than `grants` do. Where it vanished it is made again; whatever
            else somebody did with it at the site is left alone.
    """

    person: Person
    grants: tuple[WantedGrant, ...]
    kept: tuple[WantedGrant, ...] = ()
    send_password: bool = True
    made_by_us: bool = False
    look_first: bool = False
    change_email: bool = False


@dataclass(frozen=True, slots=True)
class Ensured:
    """What came of one `ensure`.

    Attributes:
        member: outcome for the member; Done = made now, AlreadyRight = found or known.
        grants: outcome by `ref`; a ref that is missing was not tried (because of the member's outcome, or an earlier
            grant's). Of those in `kept` only what had vanished, and what could not be found out.
        alerts: things the owner should know although nothing is stuck (two users with one address).
        email_settled: `change_email` was done, was right already, or was refused for good (then an alert says so).
        email_refused: it was refused for good, so the site keeps the former address.
    """

    member: Outcome
    grants: Mapping[str, Outcome] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
    email_settled: bool = False
    email_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Something at the site that gives, or gave, somebody a level.

    Attributes:
        remote_id: the site's id of it.
        ref: its reference as the site shows it (MemberPress: `trans_num`).
        ours: the reference has Guestlist's form.
        member: the site's id of the member.
        email: the member's address, lower case; None = the member does not exist any more.
        live: it gives access, unless `until_on` has passed.
        status: the site's own word for that.
        until_on: last day of access (UTC); None = for ever.
    """

    remote_id: str
    ref: str
    ours: bool
    member: str
    email: str | None
    level: str
    live: bool
    status: str
    until_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingsPage:
    """Holdings, newest first. `next`: cursor of the next page, None = this is the last; `pages`: how many there are."""

    rows: tuple[Holding, ...]
    next: str | None
    pages: int | None


@dataclass(frozen=True, slots=True)
class Levels:
    """The site's levels as read now."""

    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can do, as data: drives the screens and the contract suite."""

    can_end_access: bool
    has_expiry: bool
    has_terms: bool
    can_resend_password_mail: bool
    can_list_members: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach one site.

    Attributes:
        credentials: the platform's own fields (`api_key`, or `username` and `application_password`).
        allow_private_address: the site may live on a loopback or private address.
    """

    url: str
    credentials: Mapping[str, str]
    allow_private_address: bool = False


class ClaimLost(Exception):
    """Raised by `before_write` when another worker has taken the member over: stop at once, write nothing."""


class Site(Protocol):
    """An open connection to one site. Used by several threads at a time, one member by one thread."""

    def check(self) -> Outcome:
        """One request that shows whether the site works and the credentials are good."""
        ...

    def levels(self) -> Levels | RetryLater | NeedsAttention:
        """Read the membership levels, all pages."""
        ...

    def ensure(
        self,
        wanted: Wanted,
        *,
        record: Callable[[Attempt], None],
        before_write: Callable[[], None],
    ) -> Ensured:
        """Make one member as wanted and prove it from the site's answers.

        Args:
            record: called after each request.
            before_write: called before each request that changes something; raises `ClaimLost` to stop.
        """
        ...

    def holdings(
        self, cursor: str | None = None, *, member: str | None = None
    ) -> HoldingsPage | RetryLater | NeedsAttention:
        """Read one page of all holdings at the site, or of one member's (`member`: the site's id).

        What is made or deleted while a reader pages on can move rows: one may be seen twice, and one may be missed, so
        nothing is called missing before `holding` says so.
        """
        ...

    def holding(self, remote_id: str, ref: str, member: str) -> Holding | RetryLater | NeedsAttention | None:
        """One holding of ours as it is now, by its id or else by its reference and member; None = it is gone."""
        ...

    def end(self, holding: Holding) -> Outcome:
        """End the access that a holding of ours gives. What is not ours is refused."""
        ...

    def resend_password_mail(self, person: Person, *, record: Callable[[Attempt], None]) -> Outcome:
        """Have the site mail the member a link to set a password. Done = the site said that it sends one."""
        ...

    def close(self) -> None:
        """Close idle connections."""
        ...


class Platform(Protocol):
    """A kind of membership site."""

    kind: str
    label: str
    capabilities: Capabilities

    def check_credentials(self, credentials: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the credential fields as entered: field -> problem and remedy. Empty = fine."""
        ...

    def open(self, connection: Connection, *, record: Callable[[Attempt], None] | None = None) -> Site:
        """Open a site. `record` gets the requests of `check` and `levels`. No request is made yet."""
        ...
