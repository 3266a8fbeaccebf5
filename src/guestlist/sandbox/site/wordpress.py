"""One stand-in site: its state, its switches, and what was asked of it."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime

from guestlist.sandbox.site.clock import Clock
from guestlist.sandbox.site.http import Request, Response
from guestlist.sandbox.site.store import Membership, Store
from guestlist.sandbox.site.switches import Switches

REQUESTS_KEPT = 50_000
DEFAULT_KEY = "SANDBOXKEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What each site starts with, and returns to when it is reset."""

    key: str = DEFAULT_KEY
    username: str = "admin"
    application_password: str = "SANDsandBOXboxPASSpass24"  # noqa: S105 the sandbox guards nothing
    editor_password: str = "editorEDITOReditorEDITOR"  # noqa: S105
    now: datetime | None = None
    latency_ms: float = 0
    race_window_ms: float = 5


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it came in, whatever became of it."""

    number: int
    at: datetime
    method: str
    path: str
    query: str
    body: str


class WordPress:
    """A site with MemberPress. Used from its server's event loop only."""

    def __init__(self, name: str, options: Options) -> None:
        self.name = name
        self.options = options
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.clock = Clock(self.options.now)
        self.store = furnished(self.clock, self.options)
        self.switches = Switches(
            self.clock,
            self.options.key,
            latency_ms=self.options.latency_ms,
            race_window_ms=self.options.race_window_ms,
        )
        self.requests: deque[Recorded] = deque(maxlen=REQUESTS_KEPT)
        self.counts: Counter[str] = Counter()
        self.cached: dict[str, Response] = {}

    def record(self, request: Request) -> None:
        """Write a request down before anything is done about it."""
        self.counts["all"] += 1
        segments = request.route.split("/")
        self.counts[f"{request.method} /{segments[1]}{'/{id}' if len(segments) > 2 else ''}"] += 1
        body = request.body.decode(errors="replace")
        number = self.counts["all"]
        self.requests.append(Recorded(number, self.clock.now(), request.method, request.route, request.query, body))


def furnished(clock: Clock, options: Options) -> Store:
    """A new site: an administrator, an editor, and a membership of each kind of term."""
    store = Store(clock)
    staff = (
        (options.username, "administrator", options.application_password),
        ("editor", "editor", options.editor_password),
    )
    for login, role, password in staff:
        store.add_user(
            email=f"{login}@academy.test",
            username=login,
            nicename=login,
            display_name=login,
            password=f"{login}-login",
            role=role,
            application_password=password,
            welcomed=True,
        )
    for membership in _memberships(clock.now()):
        store.memberships[membership.id] = membership
    return store


def _memberships(now: datetime) -> tuple[Membership, ...]:
    return (
        Membership(id=8, title="Gold monthly", price="29.00", created_at=now, period_type="months"),
        Membership(
            id=9,
            title="Silver yearly",
            price="120.00",
            created_at=now,
            expire_type="delay",
            expire_after="1",
            expire_unit="years",
        ),
        Membership(id=10, title="Lifetime", price="490.00", created_at=now),
        Membership(
            id=11,
            title="Season pass",
            price="75.00",
            created_at=now,
            expire_type="fixed",
            expire_fixed=f"{now.year + 1}-12-31",
        ),
    )
