"""A web process of its own, spoken to over real HTTP, and what it has stored."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg

from guestlist.connections.models import HookToken
from guestlist.connections.secrets import encrypt

SECRET = "WORDOFTHESHOP"
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class RunningDoor:
    """`guestlist web` on a free port. Carts are made in its database with SQL, as another process would."""

    def __init__(self, env: dict[str, str], folder: Path, *arguments: str) -> None:
        self.database_url = env["DATABASE_URL"]
        self._log = folder / f"web-{uuid4().hex[:8]}.log"
        with self._log.open("wb") as log:
            command = [sys.executable, *(arguments or ("-m", "guestlist", "web", "--port", "0"))]
            self.process = subprocess.Popen(command, env=env, stderr=log)
        self.port = int(wait_until(lambda: self.logged("web_ready") or self._ended(), 60)[0]["port"])

    def _ended(self) -> None:
        assert self.process.poll() is None, self._log.read_text()

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)

    def log_text(self) -> str:
        return self._log.read_text()

    def logged(self, event: str) -> list[dict[str, Any]]:
        lines = [
            json.loads(line) for line in self.log_text().splitlines() if line.startswith("{") and line.endswith("}")
        ]
        return [line for line in lines if line.get("event") == event]

    # --- asking ---------------------------------------------------------------------------------------------------

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        content_type: str | None = None,
        timeout: float = 30,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            headers = {"Content-Type": content_type} if content_type is not None else {}
            connection.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes | None))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())

    def post(self, cart: str, body: bytes | Iterator[bytes], content_type: str = FORM) -> int:
        return self.ask("POST", f"/hooks/{cart}", body, content_type).status

    @contextlib.contextmanager
    def connected(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            yield connection

    # --- the owner's side -----------------------------------------------------------------------------------------

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def connect_cart(self, secret: str = SECRET, name: str = "shop") -> str:
        cart = f"{name}-{uuid4().hex[:8]}"
        self.sql(
            "INSERT INTO connections_cart (id, kind, mode, active, secret_encrypted, secret_env, api_key_encrypted,"
            " api_key_env, previous_secret_encrypted, version, created_at)"
            " VALUES (%s, 'thrivecart', 'live', true, %s, '', '', '', '', 1, now())",
            cart,
            encrypt(secret),
        )
        return cart

    def change_secret(self, cart: str, secret: str) -> None:
        statement = "UPDATE connections_cart SET secret_encrypted = %s, version = version + 1 WHERE id = %s"
        self.sql(statement, encrypt(secret), cart)

    def rotate_secret(self, cart: str, secret: str, former_counts_for: str) -> None:
        """The owner's change of the secret; the former one counts for a while, such as "1 hour"."""
        statement = (
            "UPDATE connections_cart SET previous_secret_encrypted = secret_encrypted, secret_encrypted = %s,"
            " previous_secret_until = now() + %s::interval, version = version + 1 WHERE id = %s"
        )
        self.sql(statement, encrypt(secret), former_counts_for, cart)

    def checked_at(self, cart: str) -> datetime | None:
        [(at,)] = self.sql("SELECT checked_at FROM connections_cart WHERE id = %s", cart)
        return at

    def set_active(self, cart: str, active: bool) -> None:
        self.sql("UPDATE connections_cart SET active = %s, version = version + 1 WHERE id = %s", active, cart)

    def add_token(self, cart: str, token: str) -> None:
        self.sql(
            "INSERT INTO connections_hooktoken (cart_id, digest, created_at) VALUES (%s, %s, now())",
            cart,
            HookToken.digest_of(token),
        )

    def remove_token(self, token: str) -> None:
        self.sql("DELETE FROM connections_hooktoken WHERE digest = %s", HookToken.digest_of(token))

    # --- what is stored -------------------------------------------------------------------------------------------

    def bodies(self, cart: str) -> list[bytes]:
        return [
            bytes(row[0]) for row in self.sql("SELECT body FROM inbox_delivery WHERE cart_id = %s ORDER BY id", cart)
        ]

    def refusals(self, cart: str) -> dict[str, int]:
        rows = self.sql("SELECT reason, count FROM inbox_refusal WHERE cart_id = %s", cart)
        return dict(rows)  # type: ignore[arg-type]

    def wait_for_refusals(self, cart: str, expected: dict[str, int]) -> None:
        wait_until(lambda: self.refusals(cart) == expected, 15, lambda: f"{self.refusals(cart)} is not {expected}")


def form(number: object, secret: str | None = SECRET, **fields: str) -> bytes:
    carried = {} if secret is None else {"thrivecart_secret": secret}
    return urlencode(
        {"event": "order.success", **carried, "order_id": str(number), "customer[email]": f"{number}@buyers.example"}
        | fields
    ).encode()


def blanked(body: bytes, secret: str = SECRET) -> bytes:
    return body.replace(urlencode({"": secret})[1:].encode(), b"(blanked)")


def read_answer(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1)
    length = int(received.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    for _ in range(length):
        received += connection.recv(1)
    return received


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(4096), b""))


def wait_until(is_so: Callable[[], Any], seconds: float, otherwise: Callable[[], str] = lambda: "it never came") -> Any:
    deadline = time.monotonic() + seconds
    while not (result := is_so()):
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)
    return result
