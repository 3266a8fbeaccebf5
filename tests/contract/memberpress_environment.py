"""MemberPress sites for the contract suite: the sandbox site, seen and touched through its own doors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from environments import SeenGrant, SeenMember

from guestlist.sandbox.site.server import SandboxSite
from guestlist.sites.contract import Attempt, Connection, Platform
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress import PLATFORM
from guestlist.sites.memberpress.site import MemberPress, MemberPressSite

# Long enough for a busy machine, short enough to wait for a site that hangs.
TIMEOUTS = Timeouts(connect=5, read=1.0, create=1.0, total=5)


class MemberPressEnvironment:
    """One sandbox site, at the root of its server or in a folder."""

    platform: Platform = PLATFORM
    level = "8"
    other_level = "9"
    unknown_level = "99999"
    page_size = 100

    def __init__(self, server: SandboxSite, name: str, *, with_key: bool = True, plain: bool = False) -> None:
        self.server = server
        self.name = name
        self.url = server.url_of(name) if name else server.url
        self._credentials = (
            {"api_key": server.key}
            if with_key
            else {"username": server.username, "application_password": server.application_password}
        )
        self._opened: list[MemberPressSite] = []
        self.switch(plain_permalinks=plain)

    def connection(self) -> Connection:
        return Connection(url=self.url, credentials=self._credentials, allow_private_address=True)

    def open(self, record: Callable[[Attempt], None] | None = None, timeouts: Timeouts = TIMEOUTS) -> MemberPressSite:
        self._opened.append(MemberPress().open(self.connection(), record=record, timeouts=timeouts))
        return self._opened[-1]

    def close(self) -> None:
        for site in self._opened:
            site.close()

    def secrets(self) -> tuple[str, ...]:
        return tuple(value for name, value in self._credentials.items() if name != "username")

    def members(self) -> list[SeenMember]:
        return [
            SeenMember(str(each["id"]), each["email"], each["username"], each["first_name"], each["last_name"])
            for each in self._state()["members"]
        ]

    def grants(self) -> list[SeenGrant]:
        return [
            SeenGrant(
                id=str(each["id"]),
                ref=each["trans_num"],
                member=str(each["user_id"]),
                level=str(each["membership_id"]),
                live=each["status"] == "complete",
                until_on=_day(each["expires_at"]),
                amount=each["amount"],
                total=each["total"],
            )
            for each in self._state()["transactions"]
        ]

    def access(self, email: str) -> Mapping[str, date | None]:
        [member] = [each for each in self._state()["members"] if each["email"].lower() == email.lower()]
        return {
            str(each["membership"]): date.fromisoformat(each["until"]) if each["until"] else None
            for each in member["access"]
        }

    def mails(self, email: str) -> list[str]:
        return [each["kind"] for each in self._state()["mails"] if each["to"].lower() == email.lower()]

    def requests(self) -> int:
        return len(self.seen())

    def writes(self) -> int:
        return sum(method != "GET" for method, _ in self.seen())

    def seen(self) -> list[tuple[str, str]]:
        """Method and route of every request."""
        return [(each["method"], each["path"]) for each in self.server.requests(self.name)]

    def bodies(self, method: str, route: str) -> list[str]:
        """What was sent to a route."""
        requests = self.server.requests(self.name)
        return [each["body"] for each in requests if (each["method"], each["path"]) == (method, route)]

    def add_member(self, email: str, username: str | None = None) -> str:
        sent = {"email": email, **({"username": username} if username else {})}
        return str(self._act("members", sent)["id"])

    def change_email(self, member: str, email: str) -> None:
        self._act(f"members/{member}", {"email": email})

    def delete_member(self, member: str) -> None:
        self._act(f"members/{member}/delete", {})

    def delete_grant(self, grant: str) -> None:
        self._act(f"transactions/{grant}/delete", {})

    def end_grant(self, grant: str) -> None:
        self._act(f"transactions/{grant}", {"status": "refunded"})

    def move_end(self, grant: str, until_on: date) -> None:
        self._act(f"transactions/{grant}", {"expires_at": until_on.isoformat()})

    def add_grant(self, member: str, level: str) -> str:
        return str(self._act("transactions", {"member": member, "membership": level, "status": "complete"})["id"])

    def retire_level(self, level: str) -> None:
        self._act(f"memberships/{level}", {"status": "trash"})

    def revoke_credentials(self) -> None:
        self.switch(key=None)
        self._act("members/1", {"application_password": None})

    def guard_password_mail(self) -> None:
        self.switch(login_guard="captcha")

    def break_terms(self, level: str) -> None:
        self._act(f"memberships/{level}", {"period_type": "lifetime", "expire_type": "fixed", "expire_fixed": "soon"})

    def change_grant(self, grant: str, **fields: Any) -> None:
        """The owner changes a transaction."""
        self._act(f"transactions/{grant}", fields)

    def change_level(self, level: str, **fields: Any) -> None:
        """The owner changes a membership."""
        self._act(f"memberships/{level}", fields)

    def switch(self, **switches: Any) -> None:
        self.server.switch(name=self.name, **switches)

    def _state(self) -> dict[str, Any]:
        return self.server.state(self.name)

    def _act(self, path: str, sent: dict[str, Any]) -> Any:
        return self.server.act("POST", path, sent, name=self.name)


def _day(text: str) -> date | None:
    return None if text.startswith("0000") else date.fromisoformat(text[:10])
