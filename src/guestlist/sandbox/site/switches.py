"""The switches of a sandbox site: how slow, how broken, and in which way."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from guestlist.sandbox.site.clock import Clock


class Down(StrEnum):
    """Ways for the whole site to be down."""

    REFUSE = "refuse"
    HANG = "hang"
    MAINTENANCE = "maintenance"
    DATABASE = "database"


class LoginGuard(StrEnum):
    """What security plugins do with WordPress's login page."""

    CAPTCHA = "captcha"
    HIDDEN = "hidden"


class FaultKind(StrEnum):
    """What goes wrong with one request. "after work": the site did what was asked, the answer does not say so.

    `old_answer`: a cache stands before the site and answers a GET with what the same address was answered first, if it
    was allowed to keep that; `old_answer:route` = it does not look at the query. `first_page`: whichever page of a list
    is asked for, the first one comes, and how many there are is not said.
    """

    CLOSE_BEFORE_WORK = "close_before_work"
    CLOSE_AFTER_WORK = "close_after_work"
    HANG = "hang"
    HANG_AFTER_WORK = "hang_after_work"
    HTML_200 = "html_200"
    HTML_200_AFTER_WORK = "html_200_after_work"
    HTML_500 = "html_500"
    HTML_500_AFTER_WORK = "html_500_after_work"
    TRUNCATED_JSON_AFTER_WORK = "truncated_json_after_work"
    WRONG_ID = "wrong_id"
    HUGE = "huge"
    SLOW_BODY = "slow_body"
    STATUS = "status"
    REDIRECT = "redirect"
    OLD_ANSWER = "old_answer"
    FIRST_PAGE = "first_page"


class BadSwitch(ValueError):
    """A switch that does not exist or cannot be set to this."""


@dataclass(slots=True)
class Fault:
    """Requests that match go wrong.

    Attributes:
        match: method and beginning of the route, whole segments: `POST /transactions`; `* /` = every request.
        kind: of `FaultKind`; `status:429` and `redirect:<url>` carry a value.
        times: so many requests; None = until it is switched off.
        skip: let so many matching requests through first.
        retry_after: seconds, sent along with status 429 and 503.
        email: only requests about the member with this address; "" = about anybody.
    """

    match: str
    kind: str
    times: int | None = 1
    skip: int = 0
    retry_after: int = 30
    email: str = ""

    def __post_init__(self) -> None:
        method, _, prefix = self.match.partition(" ")
        if not method or not prefix.startswith("/"):
            raise BadSwitch(f'fault: match is written like "POST /transactions", not "{self.match}"')
        name, _, value = self.kind.partition(":")
        if name not in {kind.value for kind in FaultKind}:
            raise BadSwitch(f'fault: unknown kind "{self.kind}"; known: {", ".join(FaultKind)}')
        if name == FaultKind.STATUS and not (value.isdigit() and 200 <= int(value) <= 599):
            raise BadSwitch('fault: write a status as "status:429"')
        if name == FaultKind.OLD_ANSWER and value not in ("", "route"):
            raise BadSwitch('fault: write a cache as "old_answer" or "old_answer:route"')
        if name == FaultKind.REDIRECT and not value:
            raise BadSwitch('fault: write a redirect as "redirect:https://elsewhere.example/"')

    @property
    def what(self) -> FaultKind:
        """The kind without its value."""
        return FaultKind(self.kind.partition(":")[0])

    @property
    def value(self) -> str:
        """The kind's value, if it carries one."""
        return self.kind.partition(":")[2]

    def concerns(self, method: str, route: str, people: Container[str]) -> bool:
        """Whether the request, about the members with these addresses, matches."""
        wanted, _, prefix = self.match.partition(" ")
        prefix = prefix.rstrip("/")
        asked = wanted in ("*", method) and (route == prefix or route.startswith(prefix + "/"))
        return asked and (not self.email or self.email.lower() in people)


@dataclass(slots=True)
class Switches:
    """All switches of one site. See `update` for the names and values that can be set.

    Attributes:
        race_window_ms: time between WordPress's check for a used address and the insert (it hashes the password there):
            two creations at once within it make two users.
        key: the API key; None = revoked.
    """

    clock: Clock
    key: str | None
    latency_ms: float = 0
    race_window_ms: float = 5
    down: Down | None = None
    faults: list[Fault] = field(default_factory=list)
    plain_permalinks: bool = False
    plugin_active: bool = True
    strip_authorization: bool = False
    application_passwords: bool = True
    login_guard: LoginGuard | None = None

    def take_fault(self, method: str, route: str, people: Container[str] = ()) -> Fault | None:
        """The fault that this request, about the members with these addresses, meets; counted off."""
        for fault in self.faults:
            if not fault.concerns(method, route, people):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
            return fault
        return None

    def update(self, changes: Mapping[str, Any]) -> None:
        """Set some switches; all or none.

        Args:
            changes: `latency_ms`, `race_window_ms` (numbers), `down` (of `Down`, or None), `faults` (list of fields of
                `Fault`; replaces the list), `plain_permalinks`, `plugin_active`, `strip_authorization`,
                `application_passwords` (booleans), `login_guard` (of `LoginGuard`, or None), `key` (text or None),
                `now` (ISO date or moment, UTC; None = the machine's time).

        Raises:
            BadSwitch: an unknown name or an impossible value.
        """
        read = {name: _read(name, value) for name, value in changes.items()}
        if "now" in read:
            self.clock.move_to(read.pop("now"))
        for name, value in read.items():
            setattr(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The switches as `update` takes them."""
        return {
            "latency_ms": self.latency_ms,
            "race_window_ms": self.race_window_ms,
            "down": self.down,
            "faults": [asdict(fault) for fault in self.faults],
            "plain_permalinks": self.plain_permalinks,
            "plugin_active": self.plugin_active,
            "strip_authorization": self.strip_authorization,
            "application_passwords": self.application_passwords,
            "login_guard": self.login_guard,
            "key": self.key,
            "now": self.clock.now().isoformat() if self.clock.moved else None,
        }


def _read(name: str, value: Any) -> Any:
    try:
        match name:
            case "latency_ms" | "race_window_ms":
                return _milliseconds(value)
            case "down":
                return Down(value) if value else None
            case "login_guard":
                return LoginGuard(value) if value else None
            case "faults":
                return [fault if isinstance(fault, Fault) else Fault(**fault) for fault in value]
            case "plain_permalinks" | "plugin_active" | "strip_authorization" | "application_passwords" if isinstance(
                value, bool
            ):
                return value
            case "key" if value is None or (isinstance(value, str) and value):
                return value
            case "now":
                return _moment(value) if value else None
    except (TypeError, ValueError) as problem:
        raise BadSwitch(f"{name}: {problem}") from problem
    raise BadSwitch(f"{name}: no such switch, or it cannot be {value!r}")


def _milliseconds(value: Any) -> float:
    number = float(value)
    if not 0 <= number <= 600_000:
        raise BadSwitch("between 0 and 600000 milliseconds")
    return number


def _moment(value: str | datetime) -> datetime:
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
