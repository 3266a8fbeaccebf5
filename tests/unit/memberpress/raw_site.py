"""A server at the HTTP boundary that says exactly what a test tells it to say, byte for byte."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

# Answers one request; None = close the connection without a word.
Say = Callable[[bytes], bytes | None]


def page(body: str, status: str = "200 OK", content_type: str = "text/html", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body.encode())}", *headers]
    return "\r\n".join([*lines, "", body]).encode()


def json_page(body: str, status: str = "200 OK", *headers: str) -> bytes:
    return page(body, status, "application/json; charset=UTF-8", *headers)


class RawSite:
    """Answers each request with what `say` makes of it, on connections that stay open."""

    def __init__(self, say: Say, context: ssl.SSLContext | None = None) -> None:
        self.say = say
        self.requests: list[bytes] = []
        self.connections = 0
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if context else 'http'}://{self.host}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection:
            stream = self._context.wrap_socket(connection, server_side=True) if self._context else connection
            with stream:
                while (request := self._read(stream)) is not None:
                    self.requests.append(request)
                    answer = self.say(request)
                    if answer is None:
                        return
                    stream.sendall(answer)

    def _read(self, stream: socket.socket) -> bytes | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = stream.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length:
            body += stream.recv(65536)
        return head + b"\r\n\r\n" + body
