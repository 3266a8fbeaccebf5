"""The headers of every answer, what pages may load, the metrics, and what is said while the database is away."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.core.handlers.asgi import ASGIHandler
from django.db import OperationalError
from django.http import HttpResponse

import stored
from guestlist.access.models import Member
from guestlist.dashboard.outage import DatabaseAway

pytestmark = pytest.mark.django_db


def test_what_needs_no_sign_in_tells_nothing_about_anybody(client):
    stored.open_shop()
    order = stored.sell_monthly()
    stored.note_requests(Member.objects.get(site="academy"), 1)
    stored.site_needs_its_owner("club")

    html = client.get("/account/login").content.decode() + client.get("/metrics").content.decode()

    for private in ("buyers.test", "Nora", "Lind", order.external_id, "Course", "127.0.0.1:9", "API key", "WORDOF"):
        assert private.lower() not in html.lower()


@pytest.mark.parametrize(
    "path", ["/", "/account/login", "/metrics", "/api/v1/docs", "/api/v1/openapi.json", "/nothing"]
)
def test_every_answer_has_the_policy_and_stays_out_of_caches(client, path):
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/account/login", "/api/v1/docs"])
def test_pages_take_everything_from_this_server_and_run_nothing_inline(client, path):
    html = client.get(path).content.decode()

    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", html)
    assert "<style" not in html
    assert " style=" not in html
    assert not re.search(r"\son\w+=", html)
    for attributes in re.findall("<script([^>]*)>", html):
        # Data for a script is no script: a browser does not run it.
        assert "src=" in attributes or 'type="application/json"' in attributes
    for address in re.findall(r"""(?:src|href)=["'](/static/[^"']+)["']""", html):
        assert finders.find(address.removeprefix("/static/")), address


def test_static_files_are_served_with_the_policy_too(client):
    response = client.get("/static/dashboard/dashboard.css")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert "Content-Security-Policy" in response


def over_asgi(path: str, **headers: str) -> tuple[int, bytes]:
    """Status and body as the server of `guestlist serve` gets them. Any warning is an error."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not asked:
            await asyncio.Event().wait()
        return asked.pop()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asked: list[dict[str, Any]] = [{"type": "http.request", "body": b"", "more_body": False}]
    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": named}
    asyncio.run(ASGIHandler()(scope, receive, send))
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def test_a_static_file_is_sent_whole_in_part_or_not_at_all():
    path = "/static/dashboard/dashboard.css"
    content = Path(finders.find(path.removeprefix("/static/"))).read_bytes()

    assert over_asgi(path) == (200, content)
    assert over_asgi(path, range="bytes=10-19") == (206, content[10:20])
    assert over_asgi(path, if_modified_since="Fri, 01 Jan 2100 00:00:00 GMT") == (304, b"")
    assert over_asgi("/static/dashboard/none.css")[0] == 404


def test_the_metrics_only_read(client):
    assert client.post("/metrics").status_code == 405


def test_the_metrics_count_what_waits_and_what_needs_a_person(client):
    stored.open_shop()
    stored.sell_monthly()
    stored.store()
    stored.site_needs_its_owner("club")

    lines = client.get("/metrics").content.decode().splitlines()

    assert 'guestlist_deliveries{state="waiting"} 1.0' in lines
    assert 'guestlist_members{site="academy",state="due"} 1.0' in lines
    assert 'guestlist_members{site="club",state="attention"} 1.0' in lines
    assert 'guestlist_site_works{site="academy"} 1.0' in lines
    assert 'guestlist_site_works{site="club"} 0.0' in lines


def test_no_metric_is_told_twice(client):
    names = re.findall(r"^# TYPE (\S+)", client.get("/metrics").content.decode(), re.MULTILINE)

    assert len(names) == len(set(names))
    assert "process_start_time_seconds" in names


def test_while_the_database_is_away_pages_say_so(rf):
    middleware = DatabaseAway(lambda _request: HttpResponse())

    answer = middleware.process_exception(rf.get("/"), OperationalError("connection refused"))

    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert middleware.process_exception(rf.get("/"), ValueError("a mistake")) is None
