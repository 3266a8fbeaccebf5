"""Makes one member as wanted, step by step, and proves each step from the site's answer (reference section 15)."""

from __future__ import annotations

from collections.abc import Callable

from guestlist.domain.help_topics import HelpTopic
from guestlist.sites.contract import (
    AlreadyRight,
    Done,
    Ensured,
    NeedsAttention,
    Outcome,
    RetryLater,
    Wanted,
    WantedGrant,
)
from guestlist.sites.memberpress import members, transactions
from guestlist.sites.memberpress.client import Refused, Session, UnsettledError
from guestlist.sites.memberpress.transactions import COMPLETE, Transaction


class MemberUnsettledError(UnsettledError):
    """The outcome is the member's, not the grant's."""


class Ensuring:
    """One `ensure`: knows the member, and whether a welcome mail was asked for already."""

    def __init__(self, session: Session, wanted: Wanted) -> None:
        self._session = session
        self._wanted = wanted
        self._member = wanted.person.remote_id or ""  # "" = not known yet
        self._member_outcome: Outcome = AlreadyRight(self._member)
        self._made = wanted.made_by_us
        self._moves = 0
        self._welcomed = False
        # Until the address has followed, the site has another one; that makes nobody else of the member.
        self._other_address_is_fine = wanted.change_email
        self._address_trouble: RetryLater | None = None
        self._address_refused = False
        self._alerts: list[str] = []

    def run(self) -> Ensured:
        """Do it all; stops at the first outcome that concerns the whole site."""
        outcomes: dict[str, Outcome] = {}
        email_settled = False
        try:
            email_settled = self._settle_address()
            self._know_member()
            for grant in self._wanted.grants:
                outcome = self._settled(grant, self._settle)
                outcomes[grant.ref] = outcome
                if _concerns_site(outcome):
                    break
            if all(isinstance(outcome, Done | AlreadyRight) for outcome in outcomes.values()):
                outcomes |= self._made_again()
        except MemberUnsettledError as error:
            self._member_outcome = error.outcome
        if self._address_trouble is not None and isinstance(self._member_outcome, AlreadyRight):
            self._member_outcome = self._address_trouble
        return Ensured(
            self._member_outcome,
            outcomes,
            tuple(dict.fromkeys(self._alerts)),
            email_settled,
            self._address_refused,
        )

    def _settle_address(self) -> bool:
        """Have the address follow, if that is wanted; whether it is settled. Its trouble stops nothing else."""
        if not self._wanted.change_email:
            return False
        if not self._member:
            return True  # found or made with the new address
        try:
            followed = members.follow(self._session, self._member, self._wanted.person.email)
        except UnsettledError as error:
            if _concerns_site(error.outcome):
                raise MemberUnsettledError(error.outcome) from error
            match error.outcome:
                case RetryLater() as trouble:
                    self._address_trouble = trouble
                    return False
                case NeedsAttention(reason, remedy):
                    followed = members.Followed(alert=f"The member's address was not changed. {reason} {remedy}")
        if followed.gone:
            self._member = ""
            self._member_outcome = AlreadyRight("")
        if followed.alert:
            self._address_refused = True
            self._alerts.append(followed.alert)
        return True

    def _know_member(self) -> None:
        """Find or make the member, unless it is known or nothing that is wanted needs it."""
        if self._member:
            return
        if any(grant.live for grant in self._wanted.grants):
            self._find_or_make_member()
        elif any(grant.look_first and not grant.remote_id for grant in self._wanted.grants):
            try:
                found = members.find(self._session, self._wanted.person.email, maybe_made=self._wanted.look_first)
            except UnsettledError as error:
                raise MemberUnsettledError(error.outcome) from error
            if found is not None:
                self._use(found)

    def _find_or_make_member(self) -> None:
        try:
            member = members.find_or_make(
                self._session,
                self._wanted.person,
                send_password=self._wanted.send_password,
                maybe_made=self._wanted.look_first or self._made,
            )
        except UnsettledError as error:
            raise MemberUnsettledError(error.outcome) from error
        self._use(member)

    def _use(self, member: members.Member) -> None:
        self._member = member.id
        self._member_outcome = Done(member.id) if member.made else AlreadyRight(member.id)
        self._made = self._made or member.made
        if member.alert:
            self._alerts.append(member.alert)

    def _settled(self, grant: WantedGrant, settle: Callable[[WantedGrant], Outcome]) -> Outcome:
        self._moves = 0
        self._session.ref = grant.ref
        try:
            return settle(grant)
        except MemberUnsettledError:
            raise
        except UnsettledError as error:
            return error.outcome

    def _settle(self, grant: WantedGrant) -> Outcome:
        if not grant.live:
            return self._all_ended(grant)
        found = transactions.by_id(self._session, grant.remote_id, grant.ref) if grant.remote_id else None
        if found is not None:
            return self._corrected(grant, found)
        if grant.look_first or grant.remote_id:
            rows = self._found(grant)
            if rows:
                return self._corrected(grant, self._one_of(grant, rows))
        return self._made_anew(grant)

    def _all_ended(self, grant: WantedGrant) -> Outcome:
        """End the transaction, and whatever else has its reference: one that is left gives access."""
        known = grant.remote_id or ""
        if not known and not (self._member and grant.look_first):
            return AlreadyRight("")
        rows = self._found(grant) if self._member else []
        if known and known not in {row.id for row in rows}:
            # Somebody gave it to another member or level, or the member is gone.
            elsewhere = transactions.by_id(self._session, known, grant.ref)
            rows += [elsewhere] if elsewhere is not None else []
        done = [self._ended(row) for row in rows]
        kept = known if known or not rows else rows[0].id
        return Done(kept) if any(isinstance(one, Done) for one in done) else AlreadyRight(kept)

    def _made_again(self) -> dict[str, Outcome]:
        """Make again what vanished at the site; outcome by ref. One request tells whether anything did."""
        kept = self._wanted.kept
        if not kept or self._member != self._wanted.person.remote_id:
            return {}  # with another member, all access is due again
        self._session.ref = ""
        try:
            shown = transactions.refs_of(self._session, self._member)
        except UnsettledError as error:
            raise MemberUnsettledError(error.outcome) from error
        return {grant.ref: self._settled(grant, self._made_if_gone) for grant in kept if grant.ref not in shown}

    def _made_if_gone(self, grant: WantedGrant) -> Outcome:
        known = grant.remote_id or ""
        if transactions.by_id(self._session, known, grant.ref) is not None:
            return AlreadyRight(known)  # somebody gave it to another member
        return self._made_anew(grant)

    def _found(self, grant: WantedGrant) -> list[Transaction]:
        rows = transactions.find(self._session, grant.ref, self._member)
        return [row for row in rows if row.level == grant.level]

    def _one_of(self, grant: WantedGrant, rows: list[Transaction]) -> Transaction:
        """The transaction to keep: the oldest that gives access. Others that do so as well are ended."""
        complete = [row for row in rows if row.status == COMPLETE]
        if not complete:
            return rows[0]
        for double in complete[1:]:
            transactions.end(self._session, double)
        if len(complete) > 1:
            ids = ", ".join(row.id for row in complete[1:])
            self._alerts.append(
                f"The site had the transaction {grant.ref} more than once; {complete[0].id} was kept, {ids} ended."
            )
        return complete[0]

    def _made_anew(self, grant: WantedGrant) -> Outcome:
        if not (grant.level.isascii() and grant.level.isdecimal()):
            return NeedsAttention(
                f'"{grant.level}" is no level of this site.',
                "Choose another level in the rule.",
                help=HelpTopic.LEVEL_MISSING,
            )
        welcome = self._takes_welcome(grant)
        answer = self._session.create("/transactions", transactions.body(grant, self._member, welcome=welcome))
        if isinstance(answer, Refused):
            self._welcomed = self._welcomed and not welcome
            return NeedsAttention(
                f"The site refuses the transaction: {answer.sentence}",
                "See to what the site names, then try again. If it names nothing that you know, look whether the level "
                "still exists and update the plugin MemberPress Developer Tools.",
            )
        made = Transaction.read(answer)
        if made is None or made.ref != grant.ref:
            raise UnsettledError(RetryLater("The site's answer does not show the new transaction.", unclear=True))
        try:
            return self._corrected(grant, made, made_now=True)
        except MemberUnsettledError:
            raise
        except UnsettledError as error:
            # Whatever it is: the transaction is there by now, so the next attempt must find it and not make another.
            down = _concerns_site(error.outcome)
            raise UnsettledError(RetryLater(error.outcome.reason, site_down=down, unclear=True)) from error

    def _corrected(self, grant: WantedGrant, row: Transaction, *, made_now: bool = False) -> Outcome:
        """Compare a transaction of ours with what is wanted, and change what differs."""
        if row.member_email is None or row.member != self._member or (made_now and self._is_elsewhere(row)):
            return self._moved(grant, row)
        if row.level != grant.level or not row.level_published:
            return self._without_level(grant, row)
        changes: dict[str, str] = {}
        if row.status != COMPLETE:
            if not made_now and _ended_by_hand(grant):
                return NeedsAttention(
                    f'The transaction {row.ref} ({row.id}) is "{row.status}" at the site: somebody ended it there.',
                    "If it shall give access, `guestlist reconcile --fix` makes it live again; if not, revoke it in "
                    "Guestlist.",
                )
            changes["status"] = COMPLETE
        if not row.expires(grant.until_on):
            changes["expires_at"] = transactions.expires_at(grant.until_on)
        if not changes:
            return Done(row.id) if made_now else AlreadyRight(row.id)
        now = transactions.change(self._session, row, changes)
        if now.status != COMPLETE or not now.expires(grant.until_on):
            raise UnsettledError(
                NeedsAttention(
                    f"The site keeps the transaction {row.id} as {now.status}, ending {now.expires_at}, although it "
                    f"was told {COMPLETE}, ending {transactions.expires_at(grant.until_on)}.",
                    "Look for a plugin at the site that changes transactions; correct this one by hand.",
                )
            )
        return Done(row.id)

    def _ended(self, row: Transaction) -> Outcome:
        if row.status != COMPLETE:
            return AlreadyRight(row.id)
        transactions.end(self._session, row)
        return Done(row.id)

    def _is_elsewhere(self, row: Transaction) -> bool:
        """Whether the person is another member by now than the one that is known.

        Members may change their address at the site; then nobody has the wanted address, and they are still the ones.
        But if somebody else has it, the known id means somebody else.
        """
        email = self._wanted.person.email
        if self._other_address_is_fine or row.member_email == email.strip().lower():
            return False
        other = members.find(self._session, email, maybe_made=False)
        if other is not None and other.id != self._member:
            return True
        self._other_address_is_fine = True
        self._alerts.append(f"Member {self._member} has the address {row.member_email} at the site, not {email}.")
        return False

    def _moved(self, grant: WantedGrant, row: Transaction) -> Outcome:
        """The transaction gives access to nobody, or to somebody else: end it, and make it for the right member."""
        if row.status == COMPLETE:
            transactions.end(self._session, row)
        if self._moves == 2:
            return NeedsAttention(
                f"The site takes transactions for member {self._member} but does not show the member with them.",
                "Look at the site whether the member exists; a plugin there may hide it.",
            )
        self._moves += 1
        if row.member == self._member:
            # Made anew, the member was not welcomed yet.
            self._welcomed = False
            self._find_or_make_member()
        return self._made_anew(grant)

    def _without_level(self, grant: WantedGrant, row: Transaction) -> Outcome:
        # A transaction that Guestlist made before is left alone: the owner may have moved it, or taken the level off
        # sale while its members keep it.
        if row.status == COMPLETE and not grant.remote_id:
            transactions.end(self._session, row)
        return NeedsAttention(
            f"The level {grant.level} does not exist at the site any more, or is not published.",
            "Publish the level again at the site, or choose another one in the rule; then try again.",
            help=HelpTopic.LEVEL_MISSING,
        )

    def _takes_welcome(self, grant: WantedGrant) -> bool:
        """Whether this transaction asks for the welcome mail: a new member's first, and each that always does."""
        new = grant.welcome == "new" and self._made and not self._welcomed
        asks = grant.remote_id is None and (grant.welcome == "always" or new)
        self._welcomed = self._welcomed or asks
        return asks


def _ended_by_hand(grant: WantedGrant) -> bool:
    """Whether it was somebody at the site who ended what is to give access.

    Guestlist itself may have ended it, and want it live again since: by an attempt that it knows of (confirmed), or by
    one that ended unclear (then it looks first).
    """
    if grant.confirmed_live is None:
        return not grant.remote_id
    return grant.confirmed_live and not grant.look_first


def _concerns_site(outcome: Outcome) -> bool:
    match outcome:
        case RetryLater():
            return outcome.site_down
        case NeedsAttention():
            return outcome.site_wide
        case Done() | AlreadyRight():
            return False
