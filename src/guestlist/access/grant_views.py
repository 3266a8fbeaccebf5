"""Grants as they are shown: what each gives and why, what is behind it, and what all of a level's give together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TypeAlias

from guestlist.access.denied import as_change
from guestlist.access.evidence import RequestView, deliveries_by_item, requests_by_ref
from guestlist.access.models import Grant, GrantState, StaffChange
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.domain.staff import Act, Change, denied_in_words, in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChangeView:
    """What somebody of the staff did by hand.

    Attributes:
        level: "" = every level of the site.
        until_on: last day of what was granted or extended; None = for ever, or does not apply.
        in_force: a hold or a revocation that nobody has released.
    """

    id: int
    act: Act
    level: str
    level_title: str
    until_on: date | None
    who: str
    why: str
    at: datetime
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantView:
    """One charge's access to one level, or what staff gave by hand: what is desired and why, and what is behind it.

    Attributes:
        order: None = given by hand; then `by_hand` says who did, and what belongs to an order is empty.
        amount_minor, total_minor: in minor units of `currency`, on the charge's first level only.
        until_on: None = for ever.
        denied: it would give access, but staff hold or revoked it.
        confirmed_at, confirmed_live, confirmed_until_on: what the site last confirmed, and when.
        deliveries: those that told what happened to the order's item.
        requests: the latest that were made for it, newest first.
    """

    id: int
    site: str
    level: str
    level_title: str
    email: str
    order: int | None
    order_number: str
    cart: str
    item: str
    charge: str
    amount_minor: int
    total_minor: int
    currency: str
    charged_at: datetime
    by_hand: StaffChangeView | None
    live: bool
    denied: bool
    until_on: date | None
    reason: str
    state: GrantState
    problem: str
    remedy: str
    ref: str
    remote_id: str
    confirmed_at: datetime | None
    confirmed_live: bool | None
    confirmed_until_on: date | None
    deliveries: list[int]
    requests: list[RequestView]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRow:
    """Of a grant what decides what a person has; the names mean what they do in `GrantView`."""

    id: int
    level: str
    live: bool
    denied: bool
    until_on: date | None
    reason: str
    state: GrantState
    confirmed_live: bool | None
    confirmed_until_on: date | None


Held: TypeAlias = GrantView | GrantRow


class AccessState(StrEnum):
    """What a person has of a level, all grants together."""

    FOREVER = "forever"
    UNTIL = "until"  # a last day in the future, or today
    OVER = "over"  # the last day has passed
    ENDED = "ended"  # taken away
    UNKNOWN = "unknown"  # how long cannot be said yet: the site's levels were never read


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelAccess:
    """What a person should have of one level, and why; `confirmed`: the site said that it is so."""

    level: str
    title: str
    state: AccessState
    until_on: date | None
    confirmed: bool
    words: str


def grant_rows(members: Collection[int]) -> dict[int, list[GrantRow]]:
    """All grants of some members, oldest first; quick also where somebody bought hundreds of times."""
    rows: dict[int, list[GrantRow]] = {member: [] for member in members}
    stored = (
        Grant.objects.filter(member__in=members)
        .order_by("charged_at", "id")
        .values_list(
            "member_id",
            "id",
            "level",
            "live",
            "planned_live",
            "until_on",
            "reason",
            "state",
            "confirmed_live",
            "confirmed_until_on",
        )
    )
    for member, pk, level, live, planned, until_on, reason, state, was_live, was_until_on in stored:
        row = GrantRow(
            id=pk,
            level=level,
            live=live,
            denied=planned and not live,
            until_on=until_on,
            reason=reason,
            state=GrantState(state),
            confirmed_live=was_live,
            confirmed_until_on=was_until_on,
        )
        rows[member].append(row)
    return rows


def grant_views(grants: Sequence[Grant], *, with_evidence: bool = True) -> list[GrantView]:
    """Grants as they are shown; their member, order and staff change must be loaded.

    Args:
        with_evidence: name the deliveries and requests behind each.
    """
    sites = Site.objects.filter(pk__in={grant.member.site_id for grant in grants}).only("levels")
    titles = {site.pk: level_titles(site.levels) for site in sites}
    behind = grants if with_evidence else ()
    deliveries = deliveries_by_item({grant.order_id for grant in behind if grant.order_id is not None})
    requests = requests_by_ref({grant.member_id for grant in behind}, {grant.ref for grant in behind})
    return [
        _grant_view(
            grant,
            titles[grant.member.site_id],
            deliveries.get((grant.order_id, grant.item), []),
            requests[grant.ref],
        )
        for grant in grants
    ]


def staff_change_views(rows: Iterable[StaffChange], titles: Mapping[str, str]) -> list[StaffChangeView]:
    """One member's staff changes, given oldest first."""
    changes = [(row, as_change(row)) for row in rows]
    standing = in_force([change for _, change in changes])
    return [
        _staff_change_view(row, titles, standing=any(change is other for other in standing)) for row, change in changes
    ]


def access_by_level(
    grants: Iterable[Held], changes: Sequence[StaffChangeView], titles: Mapping[str, str], today: date
) -> list[LevelAccess]:
    """What one person's grants at one site, oldest first, give together; a level that is just on hold is one, too."""
    by_level: dict[str, list[Held]] = {}
    for grant in grants:
        by_level.setdefault(grant.level, []).append(grant)
    for change in changes:
        if change.level and change.in_force:
            by_level.setdefault(change.level, [])
    return [
        _level_access(level, titles.get(level, ""), together, changes, today) for level, together in by_level.items()
    ]


def _level_access(
    level: str, title: str, grants: Sequence[Held], changes: Sequence[StaffChangeView], today: date
) -> LevelAccess:
    """Access lasts while any of the live grants does."""
    denying = _denying(level, changes)
    live = [grant for grant in grants if grant.live]
    known = [grant for grant in live if grant.state is not GrantState.BLOCKED]
    dates = [grant.until_on for grant in known if grant.until_on is not None]
    state, until_on = AccessState.ENDED, None
    if len(dates) < len(known):
        state = AccessState.FOREVER
    elif dates and max(dates) >= today:
        state, until_on = AccessState.UNTIL, max(dates)
    elif dates and not _was_taken_away(grants, denying):
        state, until_on = AccessState.OVER, max(dates)
    elif live and not dates:
        state = AccessState.UNKNOWN
    return LevelAccess(
        level=level,
        title=title,
        state=state,
        until_on=until_on,
        confirmed=all(grant.state is GrantState.RIGHT for grant in grants),
        words=_sentence(state, until_on, grants, denying, today),
    )


def _denying(level: str, changes: Sequence[StaffChangeView]) -> StaffChangeView | None:
    """The latest hold or revocation in force that names the level."""
    return next((c for c in reversed(changes) if c.in_force and c.level in ("", level)), None)


def _was_taken_away(grants: Sequence[Held], denying: StaffChangeView | None) -> bool:
    """Of a level that some grants gave until a day that is past: whether it is for more than that that it is gone."""
    held = denying is not None and denying.act is Act.HOLD
    return held or any(grant.denied for grant in grants) or not _latest(grants).live


def _latest(grants: Sequence[Held]) -> Held:
    return grants[-1]


def _sentence(
    state: AccessState,
    until_on: date | None,
    grants: Sequence[Held],
    denying: StaffChangeView | None,
    today: date,
) -> str:
    """Why there is access, or why there is none."""
    lasting = [g for g in grants if g.live and (g.until_on is None or g.until_on >= today)]
    over = _counted(sum(g.live for g in grants) - len(lasting), "is over", "are over")
    ended = _counted(sum(not g.live for g in grants), "ended", "ended")
    because = f"because of {len(lasting)} live grant{'s' if len(lasting) != 1 else ''}"
    others = "".join(f"; {words}" for words in (over, ended) if words)
    match state:
        case AccessState.FOREVER:
            return f"for ever, {because}{others}"
        case AccessState.UNTIL:
            return f"until {until_on}, {because}{others}"
        case AccessState.UNKNOWN:
            return f"not known yet, because the site's levels were never read{others}"
        case AccessState.OVER:
            return f"over; the last day was {until_on}"
        case AccessState.ENDED:
            return _why_none(grants, denying)


def _why_none(grants: Sequence[Held], denying: StaffChangeView | None) -> str:
    if denying is not None and (denying.act is Act.HOLD or any(grant.denied for grant in grants)):
        return f"none: {denied_in_words(_domain(denying))}"
    return f"none any more: {_latest(grants).reason}" if grants else "none"


def _domain(view: StaffChangeView) -> Change:
    return Change(act=view.act, level=view.level, at=view.at, who=view.who, why=view.why)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} more {one if count == 1 else many}" if count else ""


def _grant_view(
    grant: Grant, titles: Mapping[str, str], deliveries: list[int], requests: list[RequestView]
) -> GrantView:
    given = grant.staff_change
    return GrantView(
        id=grant.pk,
        site=grant.member.site_id,
        level=grant.level,
        level_title=titles.get(grant.level, ""),
        email=grant.member.email,
        order=grant.order_id,
        order_number=grant.order.external_id if grant.order else "",
        cart=grant.order.cart_id if grant.order else "",
        item=grant.item,
        charge=grant.charge_key,
        amount_minor=grant.amount_minor,
        total_minor=grant.total_minor,
        currency=grant.currency,
        charged_at=grant.charged_at,
        by_hand=_staff_change_view(given, titles, standing=False) if given else None,
        live=grant.live,
        denied=grant.planned_live and not grant.live,
        until_on=grant.until_on,
        reason=grant.reason,
        state=GrantState(grant.state),
        problem=grant.problem,
        remedy=grant.remedy,
        ref=grant.ref,
        remote_id=grant.remote_id,
        confirmed_at=grant.confirmed_at,
        confirmed_live=grant.confirmed_live,
        confirmed_until_on=grant.confirmed_until_on,
        deliveries=deliveries,
        requests=requests,
    )


def _staff_change_view(row: StaffChange, titles: Mapping[str, str], *, standing: bool) -> StaffChangeView:
    return StaffChangeView(
        id=row.pk,
        act=Act(row.act),
        level=row.level,
        level_title=titles.get(row.level, ""),
        until_on=row.until_on,
        who=row.who,
        why=row.why,
        at=row.at,
        in_force=standing,
    )
