"""The form for lost passwords: what is sent to it, and what each of its answers means."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from raw_site import RawSite, json_page, page

from guestlist.sites.contract import Attempt, Connection, Done, NeedsAttention, Outcome, Person, RetryLater
from guestlist.sites.http import Timeouts
from guestlist.sites.memberpress.site import MemberPress

Start = Callable[..., RawSite]
PERSON = Person("jo+tag&co@x.test", "Jo", "Lee", remote_id="17")
CONFIRMED = "Location: /wp-login.php?checkemail=confirm"


def resend(raw: RawSite, folder: str = "", **credentials: str) -> tuple[Outcome, list[Attempt]]:
    connection = Connection(
        url=raw.url + folder, credentials=credentials or {"api_key": "Ab3dE6gH9k"}, allow_private_address=True
    )
    site = MemberPress().open(connection, timeouts=Timeouts(connect=2, read=1, create=1, total=5))
    attempts: list[Attempt] = []
    outcome = site.resend_password_mail(PERSON, record=attempts.append)
    site.close()
    return outcome, attempts


def found(location: str, status: str = "302 Found") -> bytes:
    return page("", status, "text/html", f"Location: {location}")


@pytest.mark.parametrize("credentials", [{"api_key": "Ab3dE6gH9k"}, {"username": "u", "application_password": "p p"}])
@pytest.mark.parametrize("folder", ["", "/members/area"])
def test_the_form_is_sent_as_a_form_without_credentials(
    raw_site: Start, credentials: dict[str, str], folder: str
) -> None:
    raw = raw_site(lambda request: found(f"{folder}/wp-login.php?checkemail=confirm"))
    outcome, attempts = resend(raw, folder, **credentials)
    assert outcome == Done("17")
    [request] = raw.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.startswith(f"POST {folder}/wp-login.php?action=lostpassword HTTP/1.1\r\n".encode())
    assert body == b"user_login=jo%2Btag%26co%40x.test"
    assert b"application/x-www-form-urlencoded" in head
    assert b"memberpress-api-key" not in head.lower()
    assert b"authorization" not in head.lower()
    [attempt] = attempts
    assert (attempt.method, attempt.status) == ("POST", 302)


@pytest.mark.parametrize(
    "location", ["wp-login.php?checkemail=confirm", "https://login.x.test/?lang=de&checkemail=confirm"]
)
def test_a_place_that_confirms_the_mail_is_done_wherever_it_is(raw_site: Start, location: str) -> None:
    outcome, _ = resend(raw_site(lambda request: found(location)))
    assert outcome == Done("17")


def test_the_redirect_is_not_followed(raw_site: Start) -> None:
    raw = raw_site(lambda request: found("/wp-login.php?checkemail=confirm"))
    resend(raw)
    assert len(raw.requests) == 1


def test_what_the_page_says_is_wrong_is_told(raw_site: Start) -> None:
    body = (
        "<html><head><title>Mot de passe perdu</title></head><body><h1>WordPress</h1>"
        "<div id='login_error' class='notice'><strong>Erreur :</strong> aucun compte.<br></div><form>Envoyer</form>"
    )
    outcome, _ = resend(raw_site(lambda request: page(body)))
    assert isinstance(outcome, NeedsAttention)
    assert outcome.reason == 'The site sent no mail to jo+tag&co@x.test: "Erreur : aucun compte".'
    assert not outcome.site_wide


@pytest.mark.parametrize("answer", [page("<p>Just a moment...</p>"), page(""), json_page("{}")])
def test_a_page_that_says_nothing_of_the_mail_is_not_called_done(raw_site: Start, answer: bytes) -> None:
    outcome, _ = resend(raw_site(lambda request: answer))
    assert isinstance(outcome, NeedsAttention)
    assert "captcha" in outcome.remedy or "Send password reset" in outcome.remedy


@pytest.mark.parametrize("location", ["/404/", "/?checkemail=registered", "/coming-soon?back=checkemail", ""])
def test_a_redirect_within_the_site_that_confirms_nothing_is_told(raw_site: Start, location: str) -> None:
    outcome, _ = resend(raw_site(lambda request: found(location)))
    assert isinstance(outcome, NeedsAttention)
    assert "wp-login.php" in outcome.remedy
    assert not outcome.site_wide


def test_a_site_that_moved_is_told_by_its_new_address(raw_site: Start) -> None:
    answer = found("https://www.moved.example/wp-login.php?action=lostpassword", "301 Moved Permanently")
    outcome, _ = resend(raw_site(lambda request: answer))
    assert isinstance(outcome, NeedsAttention)
    assert "https://www.moved.example" in outcome.reason


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "405 Method Not Allowed"])
def test_a_form_that_is_blocked_is_told_and_is_not_the_whole_sites_trouble(raw_site: Start, status: str) -> None:
    outcome, _ = resend(raw_site(lambda request: page("blocked", status)))
    assert isinstance(outcome, NeedsAttention)
    assert status[:3] in outcome.reason
    assert not outcome.site_wide


@pytest.mark.parametrize(
    ("status", "after"),
    [("429 Too Many Requests", 40.0), ("503 Service Unavailable", 40.0), ("500 Internal Server Error", None)],
)
def test_what_passes_by_itself_can_be_tried_again(raw_site: Start, status: str, after: float | None) -> None:
    headers = ("Retry-After: 40",) if after else ()
    outcome, _ = resend(raw_site(lambda request: page("", status, "text/html", *headers)))
    assert isinstance(outcome, RetryLater)
    assert (outcome.after, outcome.site_down) == (after, False)


def test_no_answer_may_mean_that_the_mail_was_sent(raw_site: Start) -> None:
    outcome, attempts = resend(raw_site(lambda request: None))
    assert isinstance(outcome, RetryLater)
    assert (outcome.unclear, outcome.site_down) == (True, False)
    assert attempts[0].status is None
