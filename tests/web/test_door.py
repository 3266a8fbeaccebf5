"""The webhook door over real HTTP: what is stored, what is refused, and with which status."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote_from_bytes, urlencode

import psycopg
import pytest

from guestlist.connections.kick import CHANNEL
from guestlist.inbox.models import SHARDS
from web.running_door import FORM, JSON, SECRET, RunningDoor, blanked, form, read_all, read_answer

LARGEST = 256 * 1024


@pytest.fixture
def cart(door: RunningDoor) -> str:
    return door.connect_cart()


# --- stored ---------------------------------------------------------------------------------------------------------


def test_a_delivery_with_the_right_secret_is_stored_as_it_came_but_for_the_secret(door, cart):
    body = form("1001", name="Ann & Bob", note="50 % “off” é")
    answer = door.ask("POST", f"/hooks/{cart}", body, f"{FORM}; charset=utf-8")
    assert (answer.status, json.loads(answer.body)) == (200, {"ok": True})
    assert answer.headers["content-type"] == "application/json"
    [(stored, content_type, shard, state, age)] = door.sql(
        "SELECT body, content_type, shard, state, extract(epoch FROM now() - received_at)"
        " FROM inbox_delivery WHERE cart_id = %s",
        cart,
    )
    assert bytes(stored) == blanked(body) != body
    assert (content_type, state) == (f"{FORM}; charset=utf-8", "waiting")
    assert 0 <= shard < SHARDS
    assert 0 <= age < 60


def test_a_json_body_is_read_whatever_its_content_type_says(door, cart):
    body = json.dumps({"event": "order.success", "thrivecart_secret": SECRET, "order_id": "7"}).encode()
    assert door.post(cart, body, FORM) == 200
    assert door.bodies(cart) == [body.replace(SECRET.encode(), b"(blanked)")]


def test_a_form_body_is_read_whatever_its_content_type_says(door, cart):
    assert door.post(cart, form("7"), JSON) == 200
    assert door.ask("POST", f"/hooks/{cart}", form("8")).status == 200
    assert door.bodies(cart) == [blanked(form("7")), blanked(form("8"))]


def test_a_percent_encoded_secret_is_the_secret_and_is_blanked(door, cart):
    encoded = "".join(f"%{byte:02x}" for byte in SECRET.encode())
    assert door.post(cart, f"event=order.success&thrivecart_secret={encoded}&order_id=1".encode()) == 200
    assert door.bodies(cart) == [b"event=order.success&thrivecart_secret=(blanked)&order_id=1"]


@pytest.mark.parametrize(
    "secret", ['a&b="c"', "back\\slash\\n", "é€ 日本", "50% + 50%", "<b>'x'</b>", " spaced ", "%41"]
)
def test_a_secret_of_special_characters_is_found_in_forms_and_in_json(door, secret):
    cart = door.connect_cart(secret)
    tree = {"thrivecart_secret": secret, "order_id": "1"}
    bodies = [
        form("1", secret),
        f"order_id=2&thrivecart_secret={quote_from_bytes(secret.encode(), safe='')}".encode(),
        json.dumps(tree).encode(),
        json.dumps({**tree, "order_id": "2"}, ensure_ascii=False).encode(),
    ]
    assert [door.post(cart, body) for body in bodies] == [200] * 4
    assert door.post(cart, form("1", secret[:-1])) == 403
    for stored in door.bodies(cart):
        assert b"(blanked)" in stored
        assert secret.encode() not in stored
        assert urlencode({"": secret})[1:].encode() not in stored
        assert json.dumps(secret).encode() not in stored


def test_the_secret_is_in_no_row_and_in_no_log_line(door):
    secret = "VERYRAREWORD42"
    cart = door.connect_cart(secret)
    bodies = [
        form("1", secret),
        form("2", secret, note=f"my word is {secret}"),
        json.dumps({"thrivecart_secret": secret, "again": {"thrivecart_secret": secret}, "x": [secret]}).encode(),
    ]
    assert [door.post(cart, body) for body in bodies] == [200] * 3
    assert door.post(cart, form("3", secret + "X")) == 403
    assert len(door.bodies(cart)) == 3
    found = door.sql("SELECT row FROM inbox_delivery row WHERE convert_from(body, 'UTF8') LIKE %s", f"%{secret}%")
    assert found == []
    assert secret not in door.log_text()


def test_the_same_body_again_answers_200_and_adds_nothing(door, cart):
    assert [door.post(cart, form("5")) for _ in range(3)] == [200] * 3
    assert door.bodies(cart) == [blanked(form("5"))]


def test_the_same_body_twenty_times_at_once_is_stored_once(door, cart):
    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda _: door.post(cart, form("6")), range(20))) == [200] * 20
    assert door.bodies(cart) == [blanked(form("6"))]


def test_the_same_body_at_two_carts_is_two_deliveries(door):
    first, second = door.connect_cart(), door.connect_cart()
    assert (door.post(first, form("9")), door.post(second, form("9"))) == (200, 200)
    assert door.bodies(first) == door.bodies(second) == [blanked(form("9"))]


def test_all_deliveries_of_one_customer_go_to_one_shard_and_customers_are_spread(door, cart):
    for customer in range(24):
        for order in range(2):
            fields = {"customer[email]": f"{customer}@buyers.example"}
            assert door.post(cart, form(f"{customer}-{order}", **fields)) == 200
    rows = door.sql("SELECT convert_from(body, 'UTF8'), shard FROM inbox_delivery WHERE cart_id = %s", cart)
    shards: dict[str, set[int]] = {}
    for body, shard in rows:
        shards.setdefault(body.rpartition("=")[2], set()).add(shard)
    assert len(shards) == 24
    assert all(len(found) == 1 for found in shards.values())
    assert len(set.union(*shards.values())) > 4


def test_a_stored_delivery_kicks_its_shard_once_and_a_repeated_one_kicks_nothing(door, cart):
    with psycopg.connect(door.database_url, autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        assert door.post(cart, form("11")) == 200
        assert door.post(cart, form("11")) == 200
        [(shard,)] = door.sql("SELECT shard FROM inbox_delivery WHERE cart_id = %s", cart)
        heard = [notice.payload for notice in listener.notifies(timeout=5, stop_after=1)]
        heard += [notice.payload for notice in listener.notifies(timeout=0.3)]
    assert heard == [f"inbox:{shard}"]


@pytest.mark.parametrize("content_type", ["text/\xff\xfe; \x80", "x" * 5000, ""])
def test_an_odd_content_type_harms_nothing(door, cart, content_type):
    with door.connected() as connection:
        body = form("12")
        head = (
            f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        )
        connection.sendall(head.encode("latin-1") + b"Connection: close\r\n\r\n" + body)
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    [(stored,)] = door.sql("SELECT content_type FROM inbox_delivery WHERE cart_id = %s", cart)
    assert stored == content_type[:200].strip()


# --- refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "secret", [SECRET[:-1], SECRET + "X", SECRET.lower(), f" {SECRET}", f"{SECRET} ", "x", SECRET + "\0"]
)
def test_a_secret_that_is_not_the_carts_byte_for_byte_is_refused(door, cart, secret):
    assert door.post(cart, form("1", secret)) == 403
    assert door.post(cart, json.dumps({"thrivecart_secret": secret}).encode(), JSON) == 403
    assert door.bodies(cart) == []
    door.wait_for_refusals(cart, {"wrong-secret": 2})


@pytest.mark.parametrize("value", [True, False, None, 1, 12345, 1.5, [SECRET], {"0": SECRET}, [], {}])
def test_a_json_value_that_is_no_string_is_no_secret(door, value):
    cart = door.connect_cart(str(value) if isinstance(value, int) else SECRET)
    answer = door.ask("POST", f"/hooks/{cart}", json.dumps({"thrivecart_secret": value, "event": "x"}).encode(), JSON)
    assert answer.status == 403
    assert door.bodies(cart) == []
    door.wait_for_refusals(cart, {"no-secret": 1})


@pytest.mark.parametrize(
    "body",
    [b"event=order.success", b"thrivecart_secret[]=" + SECRET.encode(), b"{broken", b"\x00\xff\xfe", b"[]", b"="],
)
def test_a_body_without_a_secret_is_refused(door, cart, body):
    assert door.post(cart, body) == 403
    assert door.bodies(cart) == []
    door.wait_for_refusals(cart, {"no-secret": 1})


def test_a_secret_in_the_query_or_in_a_header_does_not_count(door, cart):
    assert door.ask("POST", f"/hooks/{cart}?thrivecart_secret={SECRET}", form("1", None), FORM).status == 403
    assert door.bodies(cart) == []


@pytest.mark.parametrize("body", [b"thrivecart_secret=&event=x", b"event=x", b'{"thrivecart_secret": ""}'])
def test_an_empty_secret_matches_nothing(door, body):
    cart = door.connect_cart("")
    assert door.post(cart, body) == 403
    assert door.post(cart, form("1")) == 403
    assert door.bodies(cart) == []


def test_refusals_are_counted_by_cart_day_and_reason_and_told_in_words(door, cart):
    door.add_token(cart, "a-token")
    for _ in range(3):
        answer = door.ask("POST", f"/hooks/{cart}", form("1", "WRONG"), FORM)
        assert answer.status == 403
        assert "secret word" in json.loads(answer.body)["error"]
    assert door.post(cart, form("1", None)) == 403
    assert door.post(f"{cart}/another-token", form("1", None)) == 403
    assert door.post(cart, b"x" * (LARGEST + 1)) == 413
    door.wait_for_refusals(cart, {"wrong-secret": 3, "no-secret": 1, "unknown-token": 1, "too-large": 1})
    rows = door.sql(
        """SELECT "on" = (now() AT TIME ZONE 'UTC')::date, now() - last_at < '1 minute'
        FROM inbox_refusal WHERE cart_id = %s""",
        cart,
    )
    assert rows == [(True, True)] * 4


@pytest.mark.parametrize(
    "path", ["nobody", "", "a/b/c", "x%20y", "..%2f..", "x" * 65, "%C3%A9", "shop.php", "x/", "/", "x%00"]
)
def test_an_unknown_address_answers_404(door, path):
    for method in ("POST", "GET", "HEAD", "PUT"):
        answer = door.ask(method, f"/hooks/{path}", form("1") if method == "POST" else None)
        assert answer.status == 404, method


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_another_method_answers_405_and_names_those_that_work(door, cart, method):
    answer = door.ask(method, f"/hooks/{cart}", form("1"), FORM)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert door.bodies(cart) == []


@pytest.mark.parametrize(("method", "body"), [("HEAD", None), ("GET", None), ("POST", b""), ("POST", b" \r\n\t ")])
def test_the_carts_check_of_the_address_answers_200_and_stores_nothing(door, cart, method, body):
    answer = door.ask(method, f"/hooks/{cart}", body)
    assert answer.status == 200
    assert answer.body == (b"" if method == "HEAD" else b'{"ok": true}')
    assert door.bodies(cart) == []
    assert door.refusals(cart) == {}


# --- size and shape of requests -------------------------------------------------------------------------------------


def test_256_kib_are_stored_and_one_byte_more_answers_413(door, cart):
    body = form("1")
    body += b"&note=" + b"x" * (LARGEST - len(body) - len("&note="))
    assert len(body) == LARGEST
    assert door.post(cart, body) == 200
    assert door.post(cart, body + b"x") == 413
    assert door.bodies(cart) == [blanked(body)]


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(door, cart):
    with door.connected() as connection:
        connection.sendall(f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_a_too_large_body_in_chunks_answers_413(door, cart):
    assert door.post(cart, iter([b"thrivecart_secret=" + SECRET.encode(), *[b"x" * 50_000] * 6])) == 413
    assert door.bodies(cart) == []
    door.wait_for_refusals(cart, {"too-large": 1})


def test_a_connection_goes_on_after_a_body_that_was_too_large(door, cart):
    with door.connected() as connection:
        send(connection, cart, b"x" * 300_000)
        assert read_answer(connection).startswith(b"HTTP/1.1 413 ")
        send(connection, cart, form("1"))
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
    assert door.bodies(cart) == [blanked(form("1"))]


def test_a_body_in_small_chunks_is_put_together(door, cart):
    body = form("1", note="é" * 200)
    assert door.post(cart, (body[start : start + 7] for start in range(0, len(body), 7))) == 200
    assert door.bodies(cart) == [blanked(body)]


def test_a_slow_client_is_waited_for_and_keeps_nobody_waiting(door, cart):
    body = form("slow")

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 20):
            time.sleep(0.2)
            yield body[start : start + 20]

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(door.post, cart, pieces())
        time.sleep(0.3)
        assert door.post(cart, form("quick")) == 200
        assert not slow.done()
        assert slow.result(30) == 200
    assert door.bodies(cart) == [blanked(form("quick")), blanked(body)]


def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(door, cart):
    body = form("gone")
    with door.connected() as connection:
        head = f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) + 1}\r\n\r\n"
        connection.sendall(head.encode() + body)
    assert door.post(cart, form("next")) == 200
    assert door.bodies(cart) == [blanked(form("next"))]


def test_pipelined_requests_are_answered_in_their_order(door, cart):
    with door.connected() as connection:
        for body in (form("1"), form("2", "WRONG"), form("3")):
            send(connection, cart, body)
        answers = [read_answer(connection)[9:12] for _ in range(3)]
    assert answers == [b"200", b"403", b"200"]
    assert door.bodies(cart) == [blanked(form("1")), blanked(form("3"))]


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(door, cart):
    body = form("1")
    with door.connected() as connection:
        head = f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_answer(connection).startswith(b"HTTP/1.1 200 ")
    assert door.bodies(cart) == [blanked(body)]


# --- many at once ---------------------------------------------------------------------------------------------------


def test_of_200_mixed_requests_at_once_exactly_the_accepted_ones_are_stored(door):
    first, second = door.connect_cart("FIRSTWORD1"), door.connect_cart("SECONDWORD2")

    def requests() -> Iterator[tuple[str, bytes, int]]:
        for number in range(40):
            yield first, form(f"a{number}", "FIRSTWORD1"), 200
            yield second, form(f"b{number}", "SECONDWORD2"), 200
            yield first, form(f"c{number}", "SECONDWORD2"), 403
            yield second, form(f"a{number % 4}", "SECONDWORD2"), 200  # each of four bodies ten times
            yield "nobody", form(f"e{number}"), 404

    wanted = list(requests())
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda request: door.post(request[0], request[1]), wanted))
    assert answers == [status for _, _, status in wanted]
    assert sorted(door.bodies(first)) == sorted(blanked(form(f"a{n}", "FIRSTWORD1"), "FIRSTWORD1") for n in range(40))
    expected = [f"b{n}" for n in range(40)] + [f"a{n}" for n in range(4)]
    assert sorted(door.bodies(second)) == sorted(blanked(form(n, "SECONDWORD2"), "SECONDWORD2") for n in expected)
    door.wait_for_refusals(first, {"wrong-secret": 40})


def test_a_delivery_that_the_database_refuses_fails_alone(door, cart):
    door.sql(
        """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF position('unfit'::bytea IN new.body) > 0 THEN
            RAISE EXCEPTION USING errcode = '22000', message = 'unfit';
        END IF;
        RETURN new; END $$"""
    )
    door.sql("CREATE TRIGGER refuse BEFORE INSERT ON inbox_delivery FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        numbers = [f"fit{number}" for number in range(30)]
        with ThreadPoolExecutor(31) as pool:
            unfit = pool.submit(door.post, cart, form("unfit"))
            answers = list(pool.map(lambda number: door.post(cart, form(number)), numbers))
        assert unfit.result() == 500
        assert answers == [200] * 30
        assert sorted(door.bodies(cart)) == sorted(blanked(form(number)) for number in numbers)
    finally:
        door.sql("DROP TRIGGER refuse ON inbox_delivery")
        door.sql("DROP FUNCTION refuse")
    assert door.post(cart, form("unfit")) == 200


def test_health_readiness_and_pages_answer_beside_the_door(door):
    assert door.ask("GET", "/healthz").status == 200
    assert door.ask("GET", "/readyz").status == 200
    page = door.ask("GET", "/")
    assert (page.status, page.headers["location"]) == (302, "/account/login?next=/")
    assert b"guestlist_door_deliveries_total" in door.ask("GET", "/metrics").body


def send(connection, cart: str, body: bytes) -> None:
    connection.sendall(f"POST /hooks/{cart} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
