"""Sends deliveries to a webhook address, as ThriveCart does, and tells what came back."""

from __future__ import annotations

import time
from dataclasses import dataclass

import httpx2

from guestlist.sandbox.cart.delivery import Delivery

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook address said in the end.

    Attributes:
        status: HTTP status; None = no answer.
        text: the beginning of the answer, or why there was none.
        tries: how often it was sent.
    """

    status: int | None
    text: str
    seconds: float
    tries: int

    @property
    def taken(self) -> bool:
        """Whether the receiver has it."""
        return self.status is not None and 200 <= self.status < 300


def send(delivery: Delivery, to: str, *, as_json: bool = False, tries: int = 3, pause: float = 1.0) -> Answer:
    """Post a delivery; after no answer or a 5xx again, up to `tries` times, `pause` seconds apart."""
    body, kind = (delivery.as_json(), _JSON) if as_json else (delivery.as_form(), _FORM)
    headers = {"Content-Type": kind, "User-Agent": "Guestlist sandbox cart"}
    with httpx2.Client(timeout=15, headers=headers, trust_env=False) as client:
        for number in range(1, tries + 1):
            answer = _post(client, to, body, number)
            if answer.status is not None and answer.status < 500:
                break
            if number < tries:
                time.sleep(pause)
    return answer


def _post(client: httpx2.Client, to: str, body: bytes, number: int) -> Answer:
    began = time.monotonic()
    try:
        response = client.post(to, content=body)
    except httpx2.HTTPError as error:
        return Answer(None, str(error) or type(error).__name__, time.monotonic() - began, number)
    return Answer(response.status_code, response.text[:200].strip(), time.monotonic() - began, number)
