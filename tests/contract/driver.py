"""A tiny engine: calls `ensure` again until all is settled, and keeps between the calls what an engine has to keep."""

from __future__ import annotations

from dataclasses import replace

from guestlist.sites.contract import (
    AlreadyRight,
    Attempt,
    Done,
    Ensured,
    Outcome,
    Person,
    RetryLater,
    Site,
    Wanted,
    WantedGrant,
)


def settled(ensured: Ensured, wanted: Wanted) -> bool:
    """Whether the site has confirmed all that was wanted."""
    outcomes = [ensured.member, *ensured.grants.values()]
    confirmed = all(isinstance(outcome, Done | AlreadyRight) for outcome in outcomes)
    return confirmed and set(ensured.grants) == {grant.ref for grant in wanted.grants}


class Driver:
    """Works on one member of one site."""

    def __init__(self, site: Site, wanted: Wanted) -> None:
        self.site = site
        self.wanted = wanted
        self.attempts: list[Attempt] = []

    @classmethod
    def of(cls, site: Site, email: str, *grants: WantedGrant, **fields: object) -> Driver:
        return cls(site, Wanted(person=Person(email, "Ann", "Lee"), grants=grants, **fields))  # type: ignore[arg-type]

    def step(self) -> Ensured:
        """One call, and what an engine writes down of it."""
        ensured = self.site.ensure(self.wanted, record=self.attempts.append, before_write=lambda: None)
        self.wanted = replace(
            self._with_member(ensured.member),
            change_email=self.wanted.change_email and not ensured.email_settled,
            grants=tuple(self._with_outcome(grant, ensured.grants.get(grant.ref)) for grant in self.wanted.grants),
        )
        return ensured

    def run(self, most: int = 6) -> Ensured:
        """Until all is settled."""
        for _ in range(most):
            ensured = self.step()
            if settled(ensured, self.wanted):
                return ensured
        raise AssertionError(f"not settled after {most} attempts: {ensured}")

    def want(self, *grants: WantedGrant) -> None:
        """Want other grants, or the same ones otherwise; ids and doubts that are known stay known."""
        known = {grant.ref: grant for grant in self.wanted.grants}
        self.wanted = replace(
            self.wanted,
            grants=tuple(
                replace(
                    grant,
                    remote_id=known[grant.ref].remote_id,
                    look_first=known[grant.ref].look_first,
                    confirmed_live=known[grant.ref].confirmed_live,
                )
                if grant.ref in known
                else grant
                for grant in grants
            ),
        )

    def want_address(self, email: str) -> None:
        """Want the address to follow."""
        self.wanted = replace(self.wanted, person=replace(self.wanted.person, email=email), change_email=True)

    def _with_member(self, outcome: Outcome) -> Wanted:
        person = self.wanted.person
        match outcome:
            case Done(remote_id):
                person = replace(person, remote_id=remote_id or None)
                return replace(self.wanted, person=person, made_by_us=True, look_first=False)
            case AlreadyRight(remote_id):
                return replace(self.wanted, person=replace(person, remote_id=remote_id or None), look_first=False)
            case RetryLater(unclear=True):
                return replace(self.wanted, look_first=True)
            case _:
                return self.wanted

    def _with_outcome(self, grant: WantedGrant, outcome: Outcome | None) -> WantedGrant:
        match outcome:
            case Done(remote_id) | AlreadyRight(remote_id):
                return replace(grant, remote_id=remote_id or None, look_first=False, confirmed_live=grant.live)
            case RetryLater(unclear=True):
                return replace(grant, look_first=True)
            case _:
                return grant
