"""Signing in, the invitation's page, and one's own account, as a browser sees them."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.test import Client

from accounts.conftest import PASSWORD
from guestlist.accounts.invitations import invite, owner_link
from guestlist.accounts.models import AuditEntry, User
from guestlist.accounts.roles import Role
from guestlist.dashboard.staff import browsers

pytestmark = pytest.mark.django_db


def sign_in(client: Client, email: str, password: str = PASSWORD):
    return client.post("/account/login", {"login": email, "password": password})


def is_signed_in(client: Client) -> bool:
    return client.get("/account/profile").status_code == 200


def text(response) -> str:
    return response.content.decode()


def test_as_long_as_there_is_no_owner_the_sign_in_page_says_where_the_link_is(client):
    assert "guestlist owner-link" in text(client.get("/account/login"))


def test_once_there_is_an_owner_the_sign_in_page_says_no_more_of_it(client, owner):
    assert "guestlist owner-link" not in text(client.get("/account/login"))


def test_the_owner_s_link_makes_the_owner_and_signs_them_in(client):
    path = owner_link().path
    assert client.get(path).status_code == 200

    answer = client.post(path, {"email": "Olive@Example.com", "name": "Olive", "password": PASSWORD})

    assert answer.status_code == 302
    assert is_signed_in(client)
    user = User.objects.get()
    assert (user.email, user.role) == ("olive@example.com", Role.OWNER)


def test_a_used_link_says_so(client):
    path = owner_link().path
    client.post(path, {"email": "olive@example.com", "name": "", "password": PASSWORD})

    answer = Client().get(path)

    assert answer.status_code == 410
    assert "does not work any more" in text(answer)


def test_a_weak_password_is_refused_at_its_field_and_the_link_stays_good(client):
    path = owner_link().path
    answer = client.post(path, {"email": "olive@example.com", "name": "", "password": "short"})
    assert answer.status_code == 422
    assert "too short" in text(answer)

    assert client.post(path, {"email": "olive@example.com", "name": "", "password": PASSWORD}).status_code == 302


def test_an_invitation_for_an_address_makes_no_other(client, owner):
    path = invite(owner, Role.OPERATOR, "nora@example.com").path

    client.post(path, {"email": "mallory@example.com", "name": "", "password": PASSWORD})

    assert not User.objects.filter(email="mallory@example.com").exists()
    assert User.objects.get(email="nora@example.com").role == Role.OPERATOR


def test_upper_and_lower_case_sign_in_alike(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)

    sign_in(client, "Nora@EXAMPLE.com")

    assert is_signed_in(client)


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)

    def answer(email: str) -> str:
        page = text(sign_in(Client(), email, "not this one"))
        return re.sub(r'value="[^"]*"|X-CSRFToken": "[^"]*"', "", page).replace(email, "")

    assert answer("nora@example.com") == answer("nobody@example.com")


def test_an_account_that_is_switched_off_is_answered_like_one_that_is_not_there(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD, is_active=False)

    answer = sign_in(client, "nora@example.com")

    assert not is_signed_in(client)
    assert answer.status_code in (200, 302)


def test_guessing_is_stopped_also_for_the_right_password(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    for _ in range(5):
        sign_in(Client(), "nora@example.com", "not this one")

    answer = sign_in(client, "nora@example.com")

    assert not is_signed_in(client)
    assert "Too many" in text(answer)


def test_nobody_signs_up(client):
    assert client.get("/account/signup").status_code == 302
    client.post("/account/signup", {"email": "mallory@example.com", "password1": PASSWORD})
    assert not User.objects.exists()


def test_after_signing_in_one_is_led_to_no_other_server(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    for there in ("https://evil.example/", "//evil.example/", "http://testserver.evil.example/"):
        answer = Client().post("/account/login", {"login": "nora@example.com", "password": PASSWORD, "next": there})
        assert answer.status_code == 302
        assert "evil" not in answer["Location"]


def test_without_e_mail_the_reset_page_says_what_to_do(client, settings):
    settings.EMAIL_URL = ""

    page = text(client.get("/account/password/reset"))

    assert "cannot send e-mail" in page
    assert "guestlist owner-link" in page
    assert '<form method="post" action="/account/password/reset"' not in page


def test_with_a_mail_server_but_no_public_address_no_link_is_mailed(client, settings, make_user):
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://localhost", ""
    make_user(email="nora@example.com", password=PASSWORD)

    answer = client.post("/account/password/reset", {"email": "nora@example.com"}, headers={"host": "evil.example"})

    assert "GUESTLIST_PUBLIC_URL" in text(answer)
    assert mail.outbox == []


@pytest.fixture
def mailing(settings) -> None:
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://localhost", "https://guests.example.com"


def mailed(count: int) -> list[mail.EmailMessage]:
    deadline = time.monotonic() + 10
    while len(mail.outbox) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return mail.outbox


def test_a_reset_link_goes_to_the_public_address_and_sets_a_password(client, mailing, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    answer = client.post("/account/password/reset", {"email": "nora@example.com"}, headers={"host": "evil.example"})
    assert answer.status_code == 302

    (message,) = mailed(1)
    assert message.to == ["nora@example.com"]
    link = re.search(r"https://guests\.example\.com(/account/\S+)", message.body)
    assert link is not None
    assert "evil" not in message.body
    page = client.get(link[1], follow=True)
    action = page.redirect_chain[-1][0]
    client.post(action, {"password1": "another long one", "password2": "another long one"})
    fresh = Client()
    sign_in(fresh, "nora@example.com", "another long one")
    assert is_signed_in(fresh)
    assert "does not work any more" in text(Client().get(link[1]))


def test_an_unknown_address_is_answered_alike_and_gets_no_mail(client, mailing, make_user):
    make_user(email="nora@example.com", password=PASSWORD)

    unknown = client.post("/account/password/reset", {"email": "nobody@example.com"})
    known = client.post("/account/password/reset", {"email": "nora@example.com"})

    assert (unknown.status_code, unknown["Location"]) == (known.status_code, known["Location"])
    assert [message.to for message in mailed(1)] == [["nora@example.com"]]


def test_two_factor_sign_in_from_switching_on_to_a_recovery_code(client, make_user, django_capture_on_commit_callbacks):
    user = make_user(email="nora@example.com", password=PASSWORD)
    sign_in(client, user.email)
    asked = client.get("/account/2fa/totp/activate", follow=True)
    assert "Is it you?" in text(asked)
    page = client.post(asked.redirect_chain[-1][0], {"password": PASSWORD}, follow=True)
    secret = page.context["form"].secret
    assert secret in text(page)
    code = totp.format_hotp_value(totp.hotp_value(secret, next(iter(totp.yield_hotp_counters_from_time()))))
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/account/2fa/totp/activate", {"code": code})
    kept = Authenticator.objects.get(user=user, type="totp")
    assert secret not in str(kept.data)
    codes = Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()
    assert codes[0] in text(client.get("/account/2fa/recovery-codes"))

    other = Client()
    answer = sign_in(other, user.email)
    assert answer["Location"] == "/account/2fa/authenticate"
    assert not is_signed_in(other)
    assert other.post("/account/2fa/authenticate", {"code": "000000"}).status_code == 200
    assert not is_signed_in(other)
    other.post("/account/2fa/authenticate", {"code": codes[0]})
    assert is_signed_in(other)
    did = set(AuditEntry.objects.filter(kind="sign-in").values_list("did", flat=True))
    assert {"switched two-factor sign-in on", "failed to sign in: wrong code of the authenticator app"} <= did


def test_other_browsers_can_be_signed_out(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    other = Client()
    for browser in (client, other):
        sign_in(browser, "nora@example.com")
        assert is_signed_in(browser)
    assert "this one" in text(client.get("/account/sessions"))

    client.post("/account/sessions")

    assert is_signed_in(client)
    assert not is_signed_in(other)


def test_a_changed_password_signs_out_elsewhere(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    other = Client()
    for browser in (client, other):
        sign_in(browser, "nora@example.com")
    new = {"oldpassword": PASSWORD, "password1": "another long one", "password2": "another long one"}

    assert client.post("/account/password/change", new).status_code == 302

    assert is_signed_in(client)
    assert not is_signed_in(other)


def test_another_address_wants_the_password(client, make_user):
    user = make_user(email="nora@example.com", password=PASSWORD)
    client.force_login(user)

    told = {"name": "Nora", "email": "Nora.Lind@example.com", "password": "not this one"}
    assert client.post("/account/profile", told).status_code == 422
    assert client.post("/account/profile", {**told, "password": PASSWORD}).status_code == 302

    user.refresh_from_db()
    assert (user.name, user.email) == ("Nora", "nora.lind@example.com")


def test_failed_sign_ins_are_written_down_without_what_was_typed(client, make_user):
    make_user(email="nora@example.com", password=PASSWORD)
    sign_in(client, "nora@example.com", "typed by mistake")
    sign_in(client, "typed-by-mistake@example.com", "typed by mistake")
    sign_in(client, "nora@example.com")
    client.post("/account/logout")

    found = AuditEntry.objects.filter(kind="sign-in").order_by("id").values_list("by", "did", "object_repr")
    assert list(found) == [
        ("", "failed to sign in: wrong password", "nora@example.com"),
        ("", "failed to sign in: no account has that address", ""),
        ("nora@example.com", "signed in", "nora@example.com"),
        ("nora@example.com", "signed out", "nora@example.com"),
    ]
    assert "by mistake" not in (everything := str(list(AuditEntry.objects.values())))
    assert "by-mistake" not in everything


@pytest.mark.parametrize(
    ("called", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36 Edg/126.0", "Edge, Linux"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "unknown"),
    ],
)
def test_browsers_have_the_names_that_people_know(called, words):
    assert browsers.browser(called) == words


def test_an_address_is_called_alike_on_each_page_on_which_one_is_typed(client, owner, settings):
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://localhost", "https://guests.example.com"
    welcome = invite(owner, Role.VIEWER).path.removeprefix("https://guests.example.com")
    pages = ["/account/login", "/account/password/reset", welcome]

    for path in pages:
        page = text(client.get(path))
        assert re.search(r'<label[^>]*for="id_(login|email)"[^>]*>\s*E-mail address', page), path
        assert not re.search(r"\bEmail\b", page), path
