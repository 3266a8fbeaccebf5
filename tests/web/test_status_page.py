"""The plain status page, the metrics, and the headers around them."""

from __future__ import annotations

import re

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

import stored
from db.conftest import make_site
from factories import line, placed
from guestlist.access.models import Member, MemberState
from guestlist.connections.models import Site
from guestlist.dashboard.outage import DatabaseAway
from guestlist.inbox.models import DeliveryState

pytestmark = pytest.mark.django_db


def page(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 200
    return response.content.decode()


def headline(html: str) -> str:
    found = re.search("<h1>(.*?)</h1>", html)
    assert found is not None
    return found[1]


def test_a_fresh_guestlist_says_what_to_do_next(client):
    html = page(client)

    assert headline(html) == "Ready to be connected"
    assert "No cart is connected yet" in html
    assert "No site is connected yet" in html
    assert "guestlist apply FILE.toml" in html


def test_a_new_cart_shows_the_address_to_enter(client):
    stored.open_shop()

    assert "<code>/hooks/shop</code>" in page(client)


def test_a_settled_shop_says_so(client):
    stored.open_shop()
    stored.sell_monthly()
    stored.confirm("academy")
    stored.confirm("club")

    assert headline(page(client)) == "All access is as it should be"


def test_open_work_is_shown_as_work(client):
    stored.open_shop()
    stored.sell_monthly()

    html = page(client)

    assert headline(html) == "At work"
    assert re.search(r"<dt>waiting</dt><dd>2</dd>", html)


@pytest.mark.parametrize("state", [DeliveryState.UNREADABLE, DeliveryState.FAILED])
def test_a_delivery_that_needs_a_person_is_marked(client, state):
    stored.open_shop()
    stored.store(state=state)

    html = page(client)

    assert headline(html) == "Something needs you"
    assert f'<div class="alarm"><dt>{state.value}</dt><dd>1</dd></div>' in html


def test_a_member_who_needs_a_person_is_marked_at_the_site(client):
    stored.open_shop()
    stored.sell_monthly()
    Member.objects.filter(site="club").update(state=MemberState.ATTENTION)

    html = page(client)

    assert headline(html) == "Something needs you"
    assert "members needing attention: 1" in html


@pytest.mark.parametrize(
    ("state", "badge", "told"),
    [("down", "down", "A site does not answer"), ("attention", "needs attention", "Something needs you")],
)
def test_a_site_that_does_not_work_is_marked(client, state, badge, told):
    stored.open_shop()
    Site.objects.filter(pk="club").update(state=state)

    html = page(client)

    assert headline(html) == told
    assert f'<span class="badge bad">{badge}</span>' in html


def test_a_site_that_was_disconnected_troubles_nobody(client):
    stored.open_shop()
    Site.objects.filter(pk="club").update(state="attention", active=False)

    html = page(client)

    assert headline(html) == "All access is as it should be"
    assert '<span class="badge quiet">disconnected</span>' in html


def test_what_was_sold_and_is_not_mapped_is_counted(client):
    stored.open_shop()
    stored.deliver(placed("2026-03-10", line("bump-3", name="Workbook")))

    assert "One item was sold that no rule names" in page(client)


def test_the_page_tells_nothing_about_anybody(client):
    stored.open_shop()
    order = stored.sell_monthly()
    stored.note_requests(Member.objects.get(site="academy"), 1)
    stored.site_needs_its_owner("club")

    html = page(client) + client.get("/metrics").content.decode()

    for private in ("buyers.test", "Nora", "Lind", order.external_id, "Course", "127.0.0.1:9", "API key", "WORDOF"):
        assert private.lower() not in html.lower()


def test_ids_from_outside_cannot_write_into_the_page(client):
    stored.open_shop()
    make_site("a<b>&", state="down")

    html = page(client)

    assert "a<b>&" not in html
    assert "a&lt;b&gt;&amp;" in html


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/docs", "/api/v1/openapi.json", "/nothing"])
def test_every_answer_has_the_policy_and_stays_out_of_caches(client, path):
    response = client.get(path)

    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert response["Cache-Control"] == "no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/", "/api/v1/docs"])
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
    response = client.get("/static/dashboard/status.css")

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert "Content-Security-Policy" in response
    response.close()


def test_the_page_only_reads(client):
    assert client.post("/").status_code == 405
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
