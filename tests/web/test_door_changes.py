"""What the owner changes holds at the door at once: secrets, connections, tokens."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from web.running_door import SECRET, RunningDoor, blanked, form, wait_until


@pytest.fixture
def cart(door: RunningDoor) -> str:
    cart = door.connect_cart()
    assert door.post(cart, form("first")) == 200
    return cart


def stored(door: RunningDoor, cart: str) -> list[bytes]:
    first, *others = door.bodies(cart)
    assert first == blanked(form("first"))
    return others


# --- secrets --------------------------------------------------------------------------------------------------------


def test_a_new_secret_is_accepted_at_once_and_the_old_one_refused(door, cart):
    for number, word in enumerate(["NEWWORD1", "NEWWORD2", "NEWWORD3"]):
        door.change_secret(cart, word)
        assert door.post(cart, form(number, word)) == 200
        assert door.post(cart, form("old")) == 403
    assert stored(door, cart) == [blanked(form(number)) for number in range(3)]


def test_the_old_secret_is_refused_also_when_nothing_else_came_since_the_change(door, cart):
    door.change_secret(cart, "NEWWORD")
    assert door.post(cart, form("old")) == 403
    assert stored(door, cart) == []
    door.wait_for_refusals(cart, {"wrong-secret": 1})


def test_while_a_secret_is_rotated_both_are_accepted_and_neither_is_kept(door, cart):
    door.rotate_secret(cart, "NEWWORD", "1 hour")
    assert door.post(cart, form("new", "NEWWORD")) == 200
    assert door.post(cart, form("old", note="NEWWORD")) == 200
    assert door.post(cart, form("wrong", "OTHERWORD")) == 403
    assert stored(door, cart) == [
        blanked(form("new", "NEWWORD"), "NEWWORD"),
        blanked(blanked(form("old", note="NEWWORD")), "NEWWORD"),
    ]


def test_the_former_secret_is_refused_once_its_time_is_over_and_is_blanked_all_the_same(door, cart):
    door.rotate_secret(cart, "NEWWORD", "-1 second")
    assert door.post(cart, form("old")) == 403
    assert door.post(cart, form("new", "NEWWORD", note=SECRET)) == 200
    assert stored(door, cart) == [blanked(blanked(form("new", "NEWWORD", note=SECRET), "NEWWORD"))]


def test_a_cart_without_a_former_secret_takes_no_empty_one(door, cart):
    assert door.post(cart, form("1", "")) == 403


# --- the check of the address ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("HEAD", None), ("POST", b"")])
def test_the_carts_check_of_its_address_is_noted(door, method, body):
    cart = door.connect_cart()
    assert door.checked_at(cart) is None
    assert door.ask(method, f"/hooks/{cart}", body).status == 200
    first = door.checked_at(cart)
    assert first is not None
    assert door.ask(method, f"/hooks/{cart}", body).status == 200
    assert door.checked_at(cart) == first  # not with each request


# --- emptied secrets ------------------------------------------------------------------------------------------------


def test_a_secret_that_was_emptied_lets_nothing_in(door, cart):
    door.change_secret(cart, "")
    assert door.post(cart, form("1")) == 403
    assert door.post(cart, form("1", "")) == 403
    assert stored(door, cart) == []


def test_nobody_is_let_in_with_the_old_secret_while_it_changes_under_load(door, cart):
    words = [SECRET, "SECONDWORD"]
    changed_at = [float("inf")]

    def deliver(worker: int) -> list[tuple[float, int, int]]:
        answers = []
        for number in range(25):
            which = number % 2
            began_at = time.monotonic()
            answers.append((began_at, which, door.post(cart, form(f"{worker}-{number}", words[which]))))
        return answers

    def change() -> None:
        time.sleep(0.2)
        door.change_secret(cart, words[1])
        changed_at[0] = time.monotonic()

    changer = threading.Thread(target=change)
    with ThreadPoolExecutor(8) as pool:
        changer.start()
        answers = [answer for found in pool.map(deliver, range(8)) for answer in found]
    changer.join()
    after = [(which, status) for began_at, which, status in answers if began_at > changed_at[0]]
    assert after
    assert {status for which, status in after if which == 0} == {403}
    assert {status for which, status in after if which == 1} == {200}
    assert len(stored(door, cart)) == sum(status == 200 for _, _, status in answers)


def test_a_flood_of_wrong_secrets_does_not_hide_a_new_secret(door, cart):
    over = threading.Event()

    def flood(worker: int) -> int:
        sent = 0
        while not over.is_set():
            assert door.post(cart, form(sent, f"WRONG{worker}")) == 403
            sent += 1
        return sent

    with ThreadPoolExecutor(20) as pool:
        floods = [pool.submit(flood, worker) for worker in range(20)]
        try:
            wait_until(lambda: door.refusals(cart).get("wrong-secret", 0) > 40, 20)
            door.change_secret(cart, "NEWWORD")
            assert door.post(cart, form("new", "NEWWORD")) == 200
        finally:
            over.set()
        sent = sum(found.result() for found in floods)
    door.wait_for_refusals(cart, {"wrong-secret": sent})


def test_a_cart_whose_secret_cannot_be_decrypted_answers_503_until_it_is_entered_again(door, cart):
    [(encrypted,)] = door.sql("SELECT secret_encrypted FROM connections_cart WHERE id = %s", cart)
    broken = encrypted[:-8] + "AAAAAAA="
    door.sql("UPDATE connections_cart SET secret_encrypted = %s, version = version + 1 WHERE id = %s", broken, cart)
    answer = door.ask("POST", f"/hooks/{cart}", form("1"))
    assert answer.status == 503
    assert [line["cart"] for line in door.logged("cart_unusable")] == [cart]
    door.change_secret(cart, "NEWWORD")
    assert door.post(cart, form("1", "NEWWORD")) == 200
    assert len(stored(door, cart)) == 1


# --- connections ----------------------------------------------------------------------------------------------------


def test_a_cart_works_as_soon_as_it_is_connected(door):
    assert door.post("shop-new", form("1")) == 404
    cart = door.connect_cart()
    assert door.post(cart, form("1")) == 200


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_a_disconnected_cart_answers_404_at_once_and_works_again_when_connected(door, cart, method):
    def ask(number: int) -> int:
        return door.ask(method, f"/hooks/{cart}", form(number) if method == "POST" else None).status

    door.set_active(cart, False)
    assert ask(1) == 404
    assert stored(door, cart) == []
    door.set_active(cart, True)
    assert ask(2) == 200


def test_an_empty_post_to_a_disconnected_cart_answers_404(door, cart):
    door.set_active(cart, False)
    assert door.post(cart, b"") == 404


# --- tokens ---------------------------------------------------------------------------------------------------------


def test_a_delivery_to_a_token_address_needs_no_secret(door, cart):
    door.add_token(cart, "t0ken_A-long.enough~one")
    body = b'{"event": "order_created", "order_id": 7, "webhook_id": "1"}'
    assert door.post(f"{cart}/t0ken_A-long.enough~one", body) == 200
    assert stored(door, cart) == [body]


def test_a_secret_in_a_delivery_to_a_token_address_is_blanked(door, cart):
    door.add_token(cart, "token-b")
    assert door.post(f"{cart}/token-b", form("1", note=SECRET)) == 200
    assert door.post(f"{cart}/token-b", form("2", "NOTTHEWORD")) == 200
    first, second = stored(door, cart)
    assert first == blanked(form("1", note=SECRET))
    assert b"NOTTHEWORD" not in second


@pytest.mark.parametrize("token", ["token-", "token-cc", "TOKEN-C", "x", "%74oken-c%20", "%C3%A9", "%FF"])
def test_a_wrong_token_is_refused_and_counted_even_with_the_right_secret(door, cart, token):
    door.add_token(cart, "token-c")
    try:
        assert door.post(f"{cart}/{token}", form("1")) == 403
        door.wait_for_refusals(cart, {"unknown-token": 1})
        assert stored(door, cart) == []
    finally:
        door.remove_token("token-c")


def test_a_token_of_another_cart_is_refused(door, cart):
    other = door.connect_cart()
    door.add_token(other, "token-d")
    assert door.post(f"{cart}/token-d", form("1")) == 403
    assert door.post(f"{other}/token-d", form("1", None)) == 200


def test_a_removed_token_is_refused_at_once(door, cart):
    door.add_token(cart, "token-e")
    assert door.post(f"{cart}/token-e", form("1", None)) == 200
    door.remove_token("token-e")
    assert door.post(f"{cart}/token-e", form("2", None)) == 403
    assert stored(door, cart) == [form("1", None)]
    door.wait_for_refusals(cart, {"unknown-token": 1})


def test_a_token_address_of_a_disconnected_cart_answers_404(door, cart):
    door.add_token(cart, "token-f")
    assert door.post(f"{cart}/token-f", form("1", None)) == 200
    door.set_active(cart, False)
    assert door.post(f"{cart}/token-f", form("2", None)) == 404
    assert stored(door, cart) == [form("1", None)]
