"""What all pages have in common: sign-in and roles, headers, the viewer's zone, where a form leads back to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from django_htmx.middleware import HtmxDetails

import stored
from guestlist.access.models import Member, MemberState
from guestlist.accounts.models import User
from guestlist.accounts.roles import Role
from guestlist.dashboard.pages import back, page
from guestlist.dashboard.zones import ViewersZone
from guestlist.inbox.models import Delivery, DeliveryState

pytestmark = pytest.mark.django_db


def test_who_is_not_signed_in_is_sent_there_and_comes_back(client: Client) -> None:
    answer = client.get("/orders?q=nora")
    assert answer.status_code == 302
    assert answer["Location"] == "/account/login?next=/orders%3Fq%3Dnora"


def test_a_live_part_of_somebody_signed_out_sends_the_whole_page_to_sign_in(client: Client) -> None:
    answer = client.get("/attention/count", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == "/account/login"


@pytest.mark.parametrize(
    ("role", "method", "status"),
    [
        (Role.VIEWER, "get", 200),
        (Role.VIEWER, "post", 403),
        (Role.OPERATOR, "post", 200),
        (Role.OWNER, "post", 200),
        (Role.OWNER, "put", 405),
    ],
)
def test_a_page_is_seen_and_changed_by_the_roles_it_names(role: Role, method: str, status: int) -> None:
    @page(change=Role.OPERATOR)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("shown")

    request = getattr(RequestFactory(), method)("/")
    request.user = User.objects.create_user("somebody@example.com", role=role)
    request.htmx = HtmxDetails(request)
    assert view(request).status_code == status


def test_who_may_not_is_told_what_is_needed(viewer: Client) -> None:
    answer = viewer.get("/settings/audit")
    assert answer.status_code == 403
    assert "Your role is Viewer; this needs the role Owner." in answer.content.decode()


def test_pages_allow_no_inline_scripts_and_nothing_from_elsewhere(owner: Client) -> None:
    answer = owner.get("/orders")
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Cache-Control"] == "no-store"
    html = answer.content.decode()
    assert " style=" not in html
    assert "<script>" not in html
    assert "onclick" not in html


@pytest.mark.parametrize(
    ("cookie", "shown"),
    [
        ("Europe/Berlin", "11 Mar 2026, 00:30"),
        ("America/New_York", "10 Mar 2026, 19:30"),
        ("../etc/passwd", "10 Mar 2026, 23:30"),
        ("", "10 Mar 2026, 23:30"),
    ],
)
def test_times_are_written_in_the_zone_that_the_browser_tells(cookie: str, shown: str) -> None:
    at = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)

    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(Template("{{ at|moment }}").render(Context({"at": at})))

    request = RequestFactory().get("/")
    request.COOKIES["zone"] = cookie
    html = ViewersZone(view)(request).content.decode()
    assert f">{shown}</time>" in html
    assert 'datetime="2026-03-10T23:30:00+00:00"' in html
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("wanted", ["https://elsewhere.test/", "//elsewhere.test/", "/\\elsewhere.test", "", "orders"])
def test_a_form_leads_back_to_our_own_pages_only(wanted: str) -> None:
    request = RequestFactory().post("/", {"next": wanted})
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    assert back(request, "orders:list")["Location"] == "/orders"


def test_a_form_leads_back_to_where_it_was_sent_from() -> None:
    request = RequestFactory().post("/", {"next": "/people?q=nora"})
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    answer = back(request, "orders:list")
    assert (answer.status_code, answer["Location"]) == (303, "/people?q=nora")


def test_money_is_written_as_the_language_writes_it() -> None:
    template = Template("{% amount 123450 'usd' %}|{% amount None 'usd' %}")
    assert template.render(Context()) == "1,234.50 USD|–"
    with translation.override("de"):
        assert template.render(Context()).replace("\xa0", " ") == "1.234,50 USD|–"


def test_the_chosen_theme_and_language_are_kept(owner: Client) -> None:
    owner.cookies["theme"] = "dark"
    assert 'data-bs-theme="dark"' in owner.get("/orders").content.decode()
    owner.post("/language", {"language": "de", "next": "/"})
    assert '<html lang="de"' in owner.get("/orders").content.decode()


@pytest.mark.parametrize(
    "address",
    [
        "/attention/members?site=%00",
        "/attention/members?group=%00",
        "/attention/deliveries?cart=%00",
        "/people/grant?email=%00&site=%00&level=%00",
        "/people/show?email=%00",
        "/products/%00/product-1",
        "/products/shop/product-%00",
        "/settings/audit?by=%00&kind=%00",
        "/settings/integrations/connect/cart?id=%00",
        "/settings/integrations/connect/site?id=%00",
    ],
)
def test_what_postgresql_cannot_hold_is_found_nowhere_and_breaks_nothing(owner: Client, address: str) -> None:
    assert owner.get(address).status_code in (200, 404)


@pytest.mark.parametrize("path", ["/attention/members", "/attention/deliveries"])
def test_what_postgresql_cannot_hold_names_nothing_to_be_done_again(owner: Client, path: str) -> None:
    stored.open_shop()
    stored.sell_monthly()
    Delivery.objects.update(state=DeliveryState.FAILED)
    Member.objects.update(state=MemberState.ATTENTION)

    assert owner.post(path, {"all": "yes", "site": "\0", "group": "\0", "cart": "\0"}).status_code == 303

    assert {*Delivery.objects.values_list("state", flat=True)} == {DeliveryState.FAILED}
    assert {*Member.objects.values_list("state", flat=True)} == {MemberState.ATTENTION}
