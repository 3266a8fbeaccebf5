"""Requests to the REST API of one MemberPress site, and what its answers mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from guestlist.sites.contract import Attempt, Connection, NeedsAttention, RetryLater
from guestlist.sites.http import Answer, Http, NoAnswer, Timeouts
from guestlist.sites.memberpress import health
from guestlist.sites.memberpress.settings import credential
from guestlist.sites.text import before_trace, plain

ME = "/me"
NO_SUCH_THING = "mp_no_records_found"
PER_PAGE = 100
# A search that finds more than this is no search: something at the site drops the search word.
MAX_PAGES = 100
_SENTENCE_CHARACTERS = 300


class Root(StrEnum):
    """The two ways to the REST API. With plain permalinks only the second works; it always does."""

    PRETTY = "/wp-json/mp/v1"
    PLAIN = "/index.php?rest_route=/mp/v1"


# Found by asking, once per process and site.
_found_roots: dict[str, Root] = {}


@dataclass(frozen=True, slots=True)
class Reply:
    """Data. `pages`: how many pages there are, where the site says so."""

    data: Any
    pages: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `pages`: how many there are, where the site says so."""

    rows: list[dict[str, Any]]
    pages: int | None
    last: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """The plugin itself said no: nothing was changed. `sentence` is what it said, without HTML and stack trace."""

    code: str
    sentence: str


class UnsettledError(Exception):
    """There is no data and no refusal to go on with; `outcome` says what that means."""

    def __init__(self, outcome: RetryLater | NeedsAttention) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class Client:
    """An open site. Used by several threads at a time."""

    def __init__(self, connection: Connection, timeouts: Timeouts) -> None:
        """Prepare; no request is made."""
        url = connection.url.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            self._origin, self._folder = f"{parts.scheme}://{parts.netloc}", quote(parts.path, safe="/%")
        except ValueError:  # Http refuses to call it
            self._origin, self._folder = url, ""
        self._url = url
        self.credential = credential(connection.credentials)
        self.root = _found_roots.get(url, Root.PRETTY)
        # Some hosts block PUT; POST to an existing thing does the same (reference section 6).
        self.change_method = "PUT"
        self.http = Http(
            url,
            headers=dict((self.credential.header,)),
            secrets=self.credential.secrets,
            allow_private_address=connection.allow_private_address,
            timeouts=timeouts,
        )

    def target(self, root: Root, route: str, params: Mapping[str, str]) -> str:
        """Path and query of a route."""
        # `+` would be read as a space, and the search finds nothing (reference section 3).
        query = urlencode(params, quote_via=quote, safe="")
        joint = "" if not query else "?" if root is Root.PRETTY else "&"
        return f"{self._folder}{root.value}{route}{joint}{query}"

    def address(self, root: Root, route: str) -> str:
        """The full address of a route."""
        return f"{self._origin}{self.target(root, route, {})}"

    def page(self, path: str) -> tuple[str, str]:
        """Target and full address of a page of the site, whether it lives in a folder or not."""
        return f"{self._folder}{path}", f"{self._origin}{self._folder}{path}"

    def remember(self, root: Root) -> None:
        """Use this root from now on, here and in sites opened later."""
        self.root = root
        _found_roots[self._url] = root


class Session:
    """Requests with one `record` and one `before_write`; belongs to one thread.

    All methods raise `UnsettledError` when there is neither data nor a refusal.
    """

    def __init__(
        self, client: Client, record: Callable[[Attempt], None], before_write: Callable[[], None] = lambda: None
    ) -> None:
        self._client = client
        self._record = record
        self._before_write = before_write
        # The grant that requests for transactions are made for.
        self.ref = ""

    def get(self, route: str, params: Mapping[str, str] | None = None) -> Reply | Refused:
        """Read."""
        return self._understood("GET", route, params=params)

    def page(self, route: str, number: int, params: Mapping[str, str] | None = None) -> Page:
        """Read one page of a list."""
        reply = self.get(route, {**(params or {}), "per_page": str(PER_PAGE), "page": str(number)})
        if isinstance(reply, Refused):
            raise UnsettledError(RetryLater(f"The site cannot list {route[1:]}: {reply.sentence}"))
        if not isinstance(reply.data, list) or not all(isinstance(row, dict) for row in reply.data):
            raise UnsettledError(RetryLater(f"The site answered with something else than a list of {route[1:]}."))
        last = number >= reply.pages if reply.pages is not None else len(reply.data) < PER_PAGE
        return Page(reply.data, reply.pages, last=last or not reply.data)

    def rows(self, route: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Read a list, all its pages."""
        rows: list[dict[str, Any]] = []
        for number in range(1, MAX_PAGES + 1):
            page = self.page(route, number, params)
            rows += page.rows
            if page.last:
                return rows
        raise UnsettledError(
            NeedsAttention(
                f"The site lists more than {MAX_PAGES * PER_PAGE} {route[1:]} where few can match.",
                "A plugin at the site breaks the search of the MemberPress REST API: switch plugins off one by one to "
                "find it.",
            )
        )

    def create(self, route: str, body: Mapping[str, Any]) -> dict[str, Any] | Refused:
        """Make something new. Never sent twice: after an unclear answer the caller must look first."""
        return self._write("POST", route, body)

    def change(self, route: str, body: Mapping[str, Any]) -> dict[str, Any] | Refused:
        """Change fields of something that exists."""
        return self._write(self._client.change_method, route, body)

    def shown(self, text: str) -> str:
        """Words of the site's as they may be shown."""
        return self._client.http.redact(plain(before_trace(text)))[:_SENTENCE_CHARACTERS]

    def _write(self, method: str, route: str, body: Mapping[str, Any]) -> dict[str, Any] | Refused:
        reply = self._understood(method, route, body=json.dumps(body).encode())
        if isinstance(reply, Refused):
            return reply
        if not isinstance(reply.data, dict):
            raise UnsettledError(RetryLater("The site answered with something unexpected.", unclear=True))
        return reply.data

    def _understood(
        self, method: str, route: str, *, params: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Reply | Refused:
        """Send a request and read the answer."""
        changing = body is not None
        answer, address = self._exchange(method, route, params, body)
        outcome: RetryLater | NeedsAttention
        if isinstance(answer, NoAnswer):
            outcome = health.no_answer(answer, changing=changing)
        else:
            data = _data(answer)
            if not changing and data is not None and health.is_from_cache(answer):
                raise UnsettledError(health.FROM_CACHE)
            if answer.status in (200, 201) and data is not None:
                return Reply(data, _number(answer.headers.get("x-wp-totalpages")))
            code = str(data.get("code", "")) if isinstance(data, dict) else ""
            if code.startswith("mp_") or (code and answer.status in (400, 405, 409, 422)):
                return Refused(code, self.shown(str(data.get("message", ""))) or code)
            hint = self._client.credential.hint
            outcome = health.trouble(answer, code, requested=address, changing=changing, hint=hint)
            if answer.status == 401 and not self._client.credential.is_key and self._has_no_application_passwords():
                outcome = health.NO_APPLICATION_PASSWORDS
        # Others must not wait for a site that works but for this one member.
        if route != ME and health.may_be_this_request_only(answer, changing=changing) and self._works():
            outcome = health.of_this_request_only(outcome)
        raise UnsettledError(outcome)

    def _exchange(
        self, method: str, route: str, params: Mapping[str, str] | None, body: bytes | None
    ) -> tuple[Answer | NoAnswer, str]:
        """Send a request, the right way if the first one clearly leads nowhere. Returns the address that was asked."""
        root = self._client.root
        answer = self._send(root, method, route, params, body)
        if self._leads_nowhere(answer, root, route, changing=body is not None) and self._found_other_root(root):
            root = self._client.root
            answer = self._send(root, method, route, params, body)
        if method == "PUT" and isinstance(answer, Answer) and answer.status in (403, 405, 501) and not answer.is_json:
            self._client.change_method = "POST"
            answer = self._send(root, "POST", route, params, body)
        return answer, self._client.address(root, route)

    def _send(
        self,
        root: Root,
        method: str,
        route: str,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer | NoAnswer:
        if body is not None:
            self._before_write()
        elif self._client.credential.is_key:
            # Answers to the key carry no Cache-Control: caches may keep them (reference section 1.1).
            params = {**(params or {}), "_": format(time.time_ns(), "x")}
        target = self._client.target(root, route, params or {})
        ref = self.ref if route.startswith("/transactions") else ""
        return self._client.http.request(
            method,
            target,
            body=body,
            changes=body is not None,
            record=lambda attempt: self._record(replace(attempt, ref=ref)),
        )

    def _has_no_application_passwords(self) -> bool:
        """Whether the site's index says that they are not available: then it has an empty list where their entry is."""
        client = self._client
        index = client.root.value.removesuffix("/mp/v1")
        fields = f"{'?' if client.root is Root.PRETTY else '&'}_fields=authentication"
        answer = client.http.request(
            "GET", f"{client.page(index)[0]}/{fields}", body=None, changes=False, record=self._record
        )
        data = _data(answer) if isinstance(answer, Answer) and answer.status == 200 else None
        return isinstance(data, dict) and data.get("authentication") == []

    def _works(self) -> bool:
        answer, _ = self._exchange("GET", ME, None, None)
        data = _data(answer) if isinstance(answer, Answer) and answer.status == 200 else None
        return data is not None and not (isinstance(answer, Answer) and health.is_from_cache(answer))

    def _leads_nowhere(self, answer: Answer | NoAnswer, root: Root, route: str, *, changing: bool) -> bool:
        """Whether the request clearly did not get to the REST API, so that it may go out again another way.

        A web page in answer to a write is not clear: a cache or a plugin may have put it there after the work.
        """
        if not isinstance(answer, Answer) or (changing and 200 <= answer.status < 300):
            return False
        return health.hides_rest(answer, self._client.address(root, route))

    def _found_other_root(self, tried: Root) -> bool:
        if self._client.root is not tried:
            return True  # another thread has found it meanwhile
        other = Root.PLAIN if tried is Root.PRETTY else Root.PRETTY
        answer = self._send(other, "GET", ME)
        # A refusal in JSON shows as well that the REST API is there.
        found = isinstance(answer, Answer) and isinstance(_data(answer), dict)
        if found:
            self._client.remember(other)
        return found


def _data(answer: Answer) -> Any:
    """The JSON in the answer; None when it is none, or says nothing."""
    if not answer.is_json:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
