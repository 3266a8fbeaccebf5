"""Connections to checked addresses only, and for no longer than one request may take."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import httpcore2


class Fault(StrEnum):
    """Why there is no answer."""

    ADDRESS = "address"  # the site's address may not be called, or is none
    UNKNOWN_HOST = "unknown-host"
    TLS = "tls"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    BROKEN = "broken"  # closed, cut short, too long, or not HTTP


class Exchange(threading.local):
    """What the connection needs to know of the request that this thread is sending."""

    deadline = 0.0
    sent = False

    def begin(self, seconds: float) -> None:
        """A request begins that may take so long as a whole."""
        self.deadline = time.monotonic() + seconds
        self.sent = False

    def left(self, timeout: float | None) -> float:
        """`timeout`, or less if the request has less time left."""
        left = self.deadline - time.monotonic()
        # A socket timeout of zero would mean "do not block".
        return max(left if timeout is None else min(left, timeout), 0.001)


class OutgoingError(Exception):
    """The request was ended here, not by the site or the network."""

    def __init__(self, fault: Fault, reason: str) -> None:
        super().__init__(reason)
        self.fault = fault
        self.reason = reason


class CheckedNetwork(httpcore2.NetworkBackend):
    """Resolves the name, checks every address it has, and connects to one of just these.

    A name that resolves differently a moment later (DNS rebinding) gains nothing: the address that was checked is the
    address that is connected to. TLS still checks the certificate against the name.
    """

    def __init__(self, exchange: Exchange, allow_private: bool) -> None:
        self._exchange = exchange
        self._allow_private = allow_private
        self._network = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to one of the name's addresses, if all of them may be called."""
        addresses = self._checked(host, port)
        deadline = time.monotonic() + self._exchange.left(timeout)
        while True:
            # Each address gets its share of the time, so that a dead first one does not hide the others.
            share = max((deadline - time.monotonic()) / len(addresses), 0.001)
            address = addresses.pop(0)
            try:
                stream = self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if not addresses:
                    raise
            else:
                return _TimedStream(stream, self._exchange)

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OutgoingError(Fault.UNKNOWN_HOST, f'the name "{host}" cannot be found') from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        for address in addresses:
            if not address_allowed(address, allow_private=self._allow_private):
                raise OutgoingError(Fault.ADDRESS, f'"{host}" is a private or reserved address ({address})')
        return addresses


class _TimedStream(httpcore2.NetworkStream):
    """A connection that keeps to the request's deadline and notes when something was sent."""

    def __init__(self, stream: httpcore2.NetworkStream, exchange: Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._exchange.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._exchange.sent = True
        self._stream.write(buffer, self._exchange.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._exchange.left(timeout))
        return _TimedStream(stream, self._exchange)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def address_allowed(text: str, *, allow_private: bool) -> bool:
    """Whether an IP address may be called: a public one, or a private one where the owner allowed that."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        # These carry an IPv4 address, which is where the connection really goes.
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return address_allowed(str(inner), allow_private=allow_private)
    if address.is_multicast:
        return False
    if allow_private:
        return True
    return address.is_global and not address.is_reserved and not getattr(address, "is_site_local", False)
