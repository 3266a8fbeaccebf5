"""The database goes away under the door: never a hang, never a 200 without its row, and it mends by itself."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from guestlist.engine.postgres import EmbeddedPostgres
from web.conftest import door_env
from web.running_door import RunningDoor, blanked, form, wait_until

# A cart waits longer than that; a hang would be the client's 30 s.
LONGEST_ANSWER_SECONDS = 8


@dataclass(frozen=True)
class Own:
    """A door on a database server of its own, which may be harmed."""

    door: RunningDoor
    server: EmbeddedPostgres
    cart: str

    def server_processes(self) -> list[psutil.Process]:
        first = int((self.server.home / "postgres/data/postmaster.pid").read_text().split()[0])
        return [psutil.Process(first), *psutil.Process(first).children(recursive=True)]

    def cut_connections(self) -> None:
        self.door.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'guestlist door'"
        )


@pytest.fixture(scope="module")
def own() -> Iterator[Own]:
    home = Path(tempfile.mkdtemp(prefix="guestlist-door-"))
    home.chmod(0o711)  # for root the server is another account, which must pass through
    server = EmbeddedPostgres(home)
    env = door_env(server.ensure_running(), home)
    try:
        door = RunningDoor(env, home)
        try:
            yield Own(door, server, door.connect_cart())
        finally:
            door.close()
    finally:
        server.stop()
        server.release()
        shutil.rmtree(home)


class Traffic:
    """Deliveries one after the other on several connections, until it is left."""

    def __init__(self, own: Own, mark: str) -> None:
        self._own = own
        self._mark = mark
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.answers: list[tuple[str, int, float]] = []
        self._pool = ThreadPoolExecutor(8)

    def __enter__(self) -> Traffic:
        self._workers = [self._pool.submit(self._deliver, worker) for worker in range(8)]
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with self._pool:
            for worker in self._workers:
                worker.result()

    def _deliver(self, worker: int) -> None:
        count = 0
        while not self._over.is_set():
            count += 1
            number = f"{self._mark}-{worker}-{count}"
            began_at = time.monotonic()
            answer = self._own.door.ask("POST", f"/hooks/{self._own.cart}", form(number))
            assert answer.status == 200 or answer.headers["retry-after"]
            with self._lock:
                self.answers.append((number, answer.status, time.monotonic() - began_at))

    def accepted(self) -> list[str]:
        with self._lock:
            return [number for number, status, _ in self.answers if status == 200]

    def wait_for_more(self, count: int = 20) -> None:
        enough = len(self.accepted()) + count
        wait_until(lambda: len(self.accepted()) >= enough, 30, lambda: f"no more than {len(self.accepted())} accepted")

    def prove(self) -> None:
        assert {status for _, status, _ in self.answers} <= {200, 503}
        assert max(seconds for _, _, seconds in self.answers) < LONGEST_ANSWER_SECONDS
        stored = set(self._own.door.bodies(self._own.cart))
        assert [number for number in self.accepted() if blanked(form(number)) not in stored] == []


def test_every_connection_is_cut_again_and_again_and_every_200_has_its_row(own):
    with Traffic(own, "cut") as traffic:
        for _ in range(5):
            traffic.wait_for_more()
            own.cut_connections()
        traffic.wait_for_more()
    traffic.prove()
    # A lost connection alone is no reason to send a cart away: the delivery goes out once more on a new one.
    assert {status for _, status, _ in traffic.answers} == {200}


def test_the_server_is_restarted_in_mid_traffic_and_every_200_has_its_row(own):
    with Traffic(own, "restart") as traffic:
        traffic.wait_for_more()
        own.server.stop()
        time.sleep(1)
        own.server.ensure_running()
        traffic.wait_for_more()
    traffic.prove()


def test_the_server_is_killed_in_mid_traffic_and_every_200_has_its_row(own):
    with Traffic(own, "kill") as traffic:
        traffic.wait_for_more()
        own.server_processes()[0].kill()
        own.server.ensure_running()
        traffic.wait_for_more()
    traffic.prove()


def test_while_the_database_is_away_the_answer_is_503_and_afterwards_200_again(own):
    assert own.door.post(own.cart, form("before")) == 200
    own.server.stop()
    try:
        for body in (form("away"), form("away", "WRONG"), form("away", None), b""):
            began_at = time.monotonic()
            answer = own.door.ask("POST", f"/hooks/{own.cart}", body)
            assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True)
            assert "database" in json.loads(answer.body)["error"]
            assert time.monotonic() - began_at < LONGEST_ANSWER_SECONDS
        assert own.door.ask("GET", "/hooks/another").status == 503
        assert own.door.ask("GET", "/healthz").status == 200
        ready = own.door.ask("GET", "/readyz")
        assert (ready.status, "database" in json.loads(ready.body)["error"]) == (503, True)
    finally:
        own.server.ensure_running()
    wait_until(lambda: own.door.ask("GET", "/readyz").status == 200, 15)
    assert own.door.post(own.cart, form("away")) == 200
    assert own.door.bodies(own.cart).count(blanked(form("away"))) == 1


def test_a_database_that_hangs_makes_503_in_bounded_time_and_the_door_recovers(own):
    assert own.door.post(own.cart, form("hang-before")) == 200
    stopped = own.server_processes()
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    try:
        began_at = time.monotonic()
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda n: own.door.post(own.cart, form(f"hang-{n}")), range(40)))
        assert answers == [503] * 40
        assert own.door.post(own.cart, form("hang-one-more")) == 503
        assert time.monotonic() - began_at < 2 * LONGEST_ANSWER_SECONDS
        assert own.door.ask("GET", "/healthz").status == 200
        assert own.door.ask("GET", "/readyz").status == 503
    finally:
        for process in stopped:
            process.send_signal(signal.SIGCONT)
    wait_until(lambda: own.door.post(own.cart, form("hang-after")) == 200, 15)
    answers = [own.door.post(own.cart, form(f"hang-{n}")) for n in range(40)]
    assert answers == [200] * 40
    for number in range(40):
        assert own.door.bodies(own.cart).count(blanked(form(f"hang-{number}"))) == 1


def test_a_locked_table_makes_503_in_bounded_time_and_the_door_recovers(own):
    with psycopg.connect(own.door.database_url) as blocker:
        blocker.execute("LOCK TABLE inbox_delivery")
        began_at = time.monotonic()
        assert own.door.post(own.cart, form("locked")) == 503
        assert time.monotonic() - began_at < LONGEST_ANSWER_SECONDS
        blocker.rollback()
    assert own.door.post(own.cart, form("locked")) == 200


def test_refusals_are_counted_also_when_the_database_was_away_meanwhile(own):
    cart = own.door.connect_cart()
    with psycopg.connect(own.door.database_url) as blocker:
        blocker.execute("LOCK TABLE inbox_refusal")
        for _ in range(3):
            assert own.door.post(cart, form("1", "WRONG")) == 403
        time.sleep(2.5)
        blocker.rollback()
    own.door.wait_for_refusals(cart, {"wrong-secret": 3})


def test_a_server_that_would_rather_be_quick_than_durable_is_overruled(own):
    def settings() -> set[str]:
        own.cut_connections()
        assert own.door.post(own.cart, form("durable", note=str(time.monotonic()))) == 200
        return {row[0] for row in own.door.sql("SELECT DISTINCT setting FROM door_settings")}

    # A trigger sees the setting under which a delivery is committed.
    own.door.sql("CREATE TABLE door_settings (setting text)")
    own.door.sql(
        "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO door_settings VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$"
    )
    own.door.sql("CREATE TRIGGER tell AFTER INSERT ON inbox_delivery FOR EACH STATEMENT EXECUTE FUNCTION tell()")
    try:
        own.door.sql("ALTER ROLE CURRENT_USER SET synchronous_commit = off")
        assert settings() == {"on"}
    finally:
        own.door.sql("ALTER ROLE CURRENT_USER RESET synchronous_commit")
        own.door.sql("DROP TRIGGER tell ON inbox_delivery")
        own.door.sql("DROP FUNCTION tell")
        own.door.sql("DROP TABLE door_settings")
