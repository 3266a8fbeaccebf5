"""The one way out to a membership site: its own host only, checked addresses, caps on time and size.

Requests run on `httpcore2`, the layer beneath `httpx2`: it knows no redirects, cookies, proxies from the environment or
decompression, which a site adapter must not use anyway, and it needs less than half of the processor time.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import quote, urlsplit

import httpcore2

from guestlist import __version__
from guestlist.sites.contract import Attempt
from guestlist.sites.network import CheckedNetwork, Exchange, Fault, OutgoingError
from guestlist.sites.text import before_trace, plain

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
EXCERPT_CHARACTERS = 500
MAX_BODY_BYTES = 5 * 1024 * 1024
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0
# Apache, the commonest server under WordPress, closes an idle connection after 5 seconds. A request that meets the
# closing connection would be unclear.
KEEP_ALIVE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long one request may take, in seconds.

    Attributes:
        connect: until the connection stands, TLS included.
        read: between two pieces of an answer.
        create: the same for a request that changes something: sites send their mails inside such a request.
        total: for the request as a whole.
    """

    connect: float = 10.0
    read: float = 30.0
    create: float = 75.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the site answered. `headers` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_json(self) -> bool:
        """Whether the answer says that it is JSON."""
        return self.headers.get("content-type", "").lower().startswith(JSON)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the site asks to wait, from `Retry-After` (a number or a date)."""
        value = self.headers.get("retry-after", "").strip()
        if not value:
            return None
        try:
            seconds = float(value) if value.isdecimal() else _seconds_until(value)
        except (ValueError, OverflowError):
            return None
        return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """There was no usable answer.

    Attributes:
        reason: in words.
        sent: at least a part of the request was sent, so the site may have done what it asks for.
    """

    fault: Fault
    reason: str
    sent: bool


Record = Callable[[Attempt], None]


class Http:
    """Sends requests to one site. Used by several threads at a time; connections are kept and shared."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        secrets: Sequence[str],
        allow_private_address: bool,
        timeouts: Timeouts,
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            url: the site's address; its path is the caller's business.
            headers: sent with every request.
            secrets: values that must not appear in what is recorded.
        """
        self._timeouts = timeouts
        self._secrets = tuple(sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True))
        self._origin = _origin(url)
        self._exchange = Exchange()
        self._pool = httpcore2.ConnectionPool(
            ssl_context=_ssl_context(),
            max_connections=None,
            max_keepalive_connections=20,
            keepalive_expiry=KEEP_ALIVE_SECONDS,
            network_backend=CheckedNetwork(self._exchange, allow_private_address),
        )
        self._anonymous_headers = [
            (b"Host", self._origin.host_header if self._origin else b""),
            (b"User-Agent", f"Guestlist/{__version__}".encode()),
            (b"Accept", b"*/*"),
            (b"Accept-Encoding", b"identity"),
            (b"Cache-Control", b"no-cache"),
        ]
        self._headers = [
            *self._anonymous_headers,
            *((name.encode("ascii"), value.encode("utf-8")) for name, value in headers.items()),
        ]

    def request(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        content_type: str = JSON,
        anonymous: bool = False,
        changes: bool = False,
        record: Record,
    ) -> Answer | NoAnswer:
        """Send one request.

        Args:
            target: path and query, encoded.
            content_type: of the body.
            anonymous: without the headers that the site was opened with, which carry the credentials.
            changes: it changes something at the site, so the answer may take as long as `Timeouts.create`.
            record: gets the request as it is kept.
        """
        at = datetime.now(UTC)
        start = time.perf_counter()
        self._exchange.begin(self._timeouts.total)
        headers = self._anonymous_headers if anonymous else self._headers
        if body is not None:
            headers = [
                *headers,
                (b"Content-Type", content_type.encode("ascii")),
                (b"Content-Length", str(len(body)).encode()),
            ]
        result = self._try(method, target, headers, body, self._timeouts.create if changes else self._timeouts.read)
        record(
            Attempt(
                at=at,
                method=method,
                path=self.redact(target),
                status=result.status if isinstance(result, Answer) else None,
                seconds=time.perf_counter() - start,
                excerpt=self._excerpt(result) if isinstance(result, Answer) else self.redact(result.reason),
            )
        )
        return result

    def redact(self, text: str) -> str:
        """`text` without the secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "[secret]")
        return text

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    def _try(
        self, method: str, target: str, headers: list[tuple[bytes, bytes]], body: bytes | None, read_timeout: float
    ) -> Answer | NoAnswer:
        if self._origin is None:
            return NoAnswer(Fault.ADDRESS, "the site's address is not a complete http:// or https:// address", False)
        limits = {"connect": self._timeouts.connect, "read": read_timeout, "write": read_timeout, "pool": read_timeout}
        request = httpcore2.Request(
            method=method.encode("ascii"),
            url=self._origin.url(target.encode("ascii")),
            headers=headers,
            content=body,
            extensions={"timeout": limits},
        )
        try:
            response = self._pool.handle_request(request)
            try:
                return _read(response)
            finally:
                response.close()
        except OutgoingError as error:
            return NoAnswer(error.fault, error.reason, self._exchange.sent)
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            return _no_answer(error, self._exchange.sent)

    def _excerpt(self, answer: Answer) -> str:
        text = self.redact(answer.body[: 8 * EXCERPT_CHARACTERS].decode("utf-8", "replace"))
        return (before_trace(text) if answer.is_json else plain(text))[:EXCERPT_CHARACTERS]


@dataclass(frozen=True, slots=True)
class _Origin:
    scheme: bytes
    host: bytes
    port: int | None

    def url(self, target: bytes) -> httpcore2.URL:
        return httpcore2.URL(scheme=self.scheme, host=self.host, port=self.port, target=target)

    @property
    def host_header(self) -> bytes:
        host = b"[" + self.host + b"]" if b":" in self.host else self.host
        return host if self.port is None else host + b":" + str(self.port).encode()


def _origin(url: str) -> _Origin | None:
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna")
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        return None
    return _Origin(parts.scheme.encode(), host, port)


@cache
def _ssl_context() -> ssl.SSLContext:
    # Reading the certificate authorities takes tens of milliseconds, so all sites share one.
    return httpcore2.default_ssl_context()


def _read(response: httpcore2.Response) -> Answer:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_stream():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise OutgoingError(Fault.BROKEN, f"the answer is longer than {MAX_BODY_BYTES // (1024 * 1024)} MB")
        pieces.append(piece)
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
    return Answer(response.status, headers, b"".join(pieces))


def _no_answer(error: Exception, sent: bool) -> NoAnswer:
    # httpcore2 hands the original error over as its own error's first argument.
    cause = error.args[0] if error.args else error
    match error:
        case httpcore2.ConnectTimeout():
            return NoAnswer(Fault.UNREACHABLE, "the site does not accept connections in time", sent)
        case httpcore2.TimeoutException():
            return NoAnswer(Fault.TIMEOUT, "the site did not answer in time", sent)
        case httpcore2.ConnectError() if isinstance(cause, ssl.SSLCertVerificationError):
            return NoAnswer(Fault.TLS, f"the site's certificate is not valid: {cause.verify_message}", sent)
        case httpcore2.ConnectError() if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return NoAnswer(Fault.TLS, f"no secure connection to the site: {cause.reason or cause}", sent)
        case httpcore2.ConnectError() if isinstance(cause, ConnectionRefusedError):
            return NoAnswer(Fault.UNREACHABLE, "the site refuses the connection", sent)
        case httpcore2.ConnectError():
            return NoAnswer(Fault.UNREACHABLE, f"the site cannot be reached: {_words(cause)}", sent)
        case _:
            return NoAnswer(Fault.BROKEN, f"the site broke the answer off: {_words(cause)}", sent)


def _words(cause: object) -> str:
    return cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)


def _seconds_until(http_date: str) -> float:
    moment = parsedate_to_datetime(http_date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time()


def _forms(secret: str) -> set[str]:
    """The secret as it stands in headers, in an address, and in JSON."""
    if not secret:
        return set()
    as_json = json.dumps(secret)[1:-1]
    return {secret, quote(secret, safe=""), as_json, as_json.replace("/", "\\/")}
