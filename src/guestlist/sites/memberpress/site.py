"""MemberPress as a platform of sites."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.terms import Level
from guestlist.sites.contract import (
    AlreadyRight,
    Attempt,
    Capabilities,
    Connection,
    Ensured,
    Holding,
    HoldingsPage,
    Levels,
    NeedsAttention,
    Outcome,
    Person,
    RetryLater,
    Wanted,
)
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress import holdings, passwords, settings
from guestlist.sites.memberpress.client import ME, Client, Refused, Session, UnsettledError
from guestlist.sites.memberpress.ensure import Ensuring
from guestlist.sites.memberpress.levels import level


class MemberPressSite:
    """An open MemberPress site (see `sites.contract.Site`)."""

    def __init__(self, connection: Connection, record: Callable[[Attempt], None] | None, timeouts: Timeouts) -> None:
        self._client = Client(connection, timeouts)
        self._record = record or _forget

    def check(self) -> Outcome:
        """One request (more only if the REST API has to be found first) that shows whether all is well."""
        try:
            reply = Session(self._client, self._record).get(ME)
        except UnsettledError as error:
            return error.outcome
        if isinstance(reply, Refused) or not (isinstance(reply.data, dict) and reply.data.get("success") is True):
            return NeedsAttention(
                "The site's MemberPress REST API does not answer as expected.",
                "Update the plugin MemberPress Developer Tools at the site.",
                site_wide=True,
                help=HelpTopic.DEVELOPER_TOOLS_MISSING,
            )
        return AlreadyRight("")

    def levels(self) -> Levels | RetryLater | NeedsAttention:
        """Read the memberships that are published, all pages. One that cannot be read is left out, not the others."""
        try:
            rows = Session(self._client, self._record).rows("/memberships")
        except UnsettledError as error:
            return error.outcome
        levels: list[Level] = []
        problems: list[ValueError] = []
        for row in rows:
            try:
                levels.append(level(row))
            except ValueError as error:
                problems.append(error)
        if problems and not levels:
            return NeedsAttention(
                f"The site's levels cannot be read: {problems[0]}.",
                "Correct the level's price and expiry settings at the site and save it again.",
                help=HelpTopic.LEVEL_MISSING,
            )
        return Levels(tuple(levels))

    def ensure(self, wanted: Wanted, *, record: Callable[[Attempt], None], before_write: Callable[[], None]) -> Ensured:
        """Make one member as wanted."""
        return Ensuring(Session(self._client, record, before_write), wanted).run()

    def holdings(
        self, cursor: str | None = None, *, member: str | None = None
    ) -> HoldingsPage | RetryLater | NeedsAttention:
        """Read one page of all transactions, or of one member's; newest first."""
        try:
            return holdings.page(Session(self._client, self._record), cursor, member)
        except UnsettledError as error:
            return error.outcome

    def holding(self, remote_id: str, ref: str, member: str) -> Holding | RetryLater | NeedsAttention | None:
        """One transaction of ours as it is now; None = it is gone."""
        try:
            return holdings.one(Session(self._client, self._record), remote_id, ref, member)
        except UnsettledError as error:
            return error.outcome

    def end(self, holding: Holding) -> Outcome:
        """End a transaction of ours, if it is still the one that was seen."""
        try:
            return holdings.end(Session(self._client, self._record), holding)
        except UnsettledError as error:
            return error.outcome

    def resend_password_mail(self, person: Person, *, record: Callable[[Attempt], None]) -> Outcome:
        """Have WordPress mail the member a link to set a password."""
        return passwords.resend(self._client, person, record)

    def close(self) -> None:
        """Close idle connections."""
        self._client.http.close()


class MemberPress:
    """WordPress with the plugins MemberPress and MemberPress Developer Tools (see `sites.contract.Platform`)."""

    kind = "memberpress"
    label = "MemberPress (WordPress)"
    capabilities = Capabilities(
        can_end_access=True,
        has_expiry=True,
        has_terms=True,
        can_resend_password_mail=True,
        can_list_members=True,
    )

    def check_credentials(self, credentials: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with the credentials as entered: field -> problem and remedy. Empty = fine."""
        return settings.check_credentials(credentials)

    def open(
        self,
        connection: Connection,
        *,
        record: Callable[[Attempt], None] | None = None,
        timeouts: Timeouts = Timeouts(),  # noqa: B008  frozen
    ) -> MemberPressSite:
        """Open a site. No request is made yet."""
        return MemberPressSite(connection, record, timeouts)


def _forget(attempt: Attempt) -> None:
    """Keep no record."""
