"""The web role as a process: how it starts, shares its work with others, bounds its clients, and ends."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from web.conftest import door_env
from web.running_door import FORM, RunningDoor, blanked, form, read_all, read_answer, wait_until


@pytest.fixture
def second(door: RunningDoor, tmp_path) -> Iterator[RunningDoor]:
    running = RunningDoor(door_env(door.database_url, tmp_path), tmp_path)
    try:
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def impatient(door: RunningDoor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDoor]:
    """Gives a request one second instead of thirty."""
    folder = tmp_path_factory.mktemp("impatient")
    code = "from guestlist.engine import web; web.REQUEST_SECONDS = 1; web.run_web('127.0.0.1', 0)"
    running = RunningDoor(door_env(door.database_url, folder), folder, "-c", code)
    try:
        yield running
    finally:
        running.close()


def test_a_taken_port_is_told_in_words_and_ends_with_1(door, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "guestlist", "web", "--port", str(port)],
            env=door_env(door.database_url, tmp_path),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert f"Port {port} on 127.0.0.1 is taken" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_web_processes_that_get_the_same_bodies_at_once_store_each_once(door, second):
    cart = door.connect_cart()
    requests = [(web, form(number)) for number in range(40) for web in (door, second)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda request: request[0].post(cart, request[1]), requests))
        refused = list(pool.map(lambda web: web.post(cart, form("1", "WRONG")), [door, second] * 20))
    assert answers == [200] * 80
    assert refused == [403] * 40
    assert sorted(door.bodies(cart)) == sorted(blanked(form(number)) for number in range(40))
    door.wait_for_refusals(cart, {"wrong-secret": 40})


def test_a_change_made_by_one_process_is_seen_by_the_other_at_once(door, second):
    cart = door.connect_cart()
    assert [web.post(cart, form(1)) for web in (door, second)] == [200, 200]
    door.change_secret(cart, "NEWWORD")
    assert [web.post(cart, form(2)) for web in (door, second)] == [403, 403]
    assert [web.post(cart, form(2, "NEWWORD")) for web in (door, second)] == [200, 200]


def test_on_sigterm_a_delivery_under_way_is_finished_and_the_process_ends_with_0(second):
    cart = second.connect_cart()
    body = form("last")
    with second.connected() as connection, second.connected() as idle:
        head = f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:10])
        # Answered means that the server has read what was sent before on the other connection.
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert read_answer(idle).startswith(b"HTTP/1.1 200 ")
        second.process.terminate()
        wait_until(lambda: _refuses(second), 10)
        connection.sendall(body[10:])
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
    assert second.process.wait(20) == 0
    assert second.bodies(cart) == [blanked(body)]


def test_refusals_not_yet_written_are_written_at_the_end(second):
    cart = second.connect_cart()
    for _ in range(5):
        assert second.post(cart, b"x" * (256 * 1024 + 1)) == 413
    second.process.terminate()
    assert second.process.wait(20) == 0
    assert second.refusals(cart) == {"too-large": 5}


def test_a_head_without_end_is_cut_off(door):
    with door.connected() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert _is_cut_off(connection, b"X-Filler: " + b"x" * 2000 + b"\r\n", 4000)
    assert door.ask("GET", "/healthz").status == 200


def test_a_request_without_end_is_cut_off(door):
    cart = door.connect_cart()
    with door.connected() as connection:
        connection.sendall(f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"x" * 100_000
        assert _is_cut_off(connection, f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n", 400)
    assert door.bodies(cart) == []
    assert door.ask("GET", "/healthz").status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /hooks/shop HTTP/1.1\r\nHost: x\r\n",
        b"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nevent=",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half a second request"],
)
def test_a_request_that_never_ends_is_given_up(impatient, sent):
    cart = impatient.connect_cart()
    with impatient.connected() as connection:
        connection.sendall(sent.replace(b"{cart}", cart.encode()))
        received = read_all(connection)
    assert received.count(b"HTTP/1.1 ") == sent.count(b"\r\n\r\nGET")
    assert impatient.bodies(cart) == []


def test_a_connection_that_is_idle_between_two_requests_is_kept(impatient):
    with impatient.connected() as connection:
        for _ in range(2):
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
            time.sleep(1.5)


def _is_cut_off(connection: socket.socket, piece: bytes, times: int) -> bool:
    try:
        for _ in range(times):
            connection.sendall(piece)
            time.sleep(0)
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def _refuses(web: RunningDoor) -> bool:
    try:
        with web.connected():
            return False
    except ConnectionRefusedError:
        return True
