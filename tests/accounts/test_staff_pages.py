"""What owners do with the accounts of others, and what is refused."""

from __future__ import annotations

import re
import threading
import time

import pytest
from django.core import mail
from django.db import connection
from django.test import Client

from accounts.conftest import PASSWORD
from guestlist.accounts import staff
from guestlist.accounts.models import ApiToken, AuditEntry, Invitation, User
from guestlist.accounts.roles import Role
from guestlist.accounts.staff import NotPossible
from guestlist.accounts.tokens import create_token, use_token

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


def test_the_list_shows_everybody_with_role_and_second_factor(as_owner, make_user):
    make_user(Role.VIEWER, "vera@example.com", name="Vera")

    page = text(as_owner.get("/settings/staff"))

    for shown in ("Olive", "Vera", "vera@example.com", "Viewer", "Owner", "Off"):
        assert shown in page


def test_an_invitation_s_link_is_shown_once_and_works(as_owner):
    page = text(as_owner.post("/settings/staff/invite", {"role": "operator", "email": "nora@example.com"}))
    link = re.search(r"http://testserver(/account/welcome/[\w-]+)", page)
    assert link is not None
    listed = text(as_owner.get("/settings/staff"))
    assert "nora@example.com" in listed
    assert link[1] not in listed

    Client().post(link[1], {"name": "Nora", "password": PASSWORD})

    assert User.objects.get(email="nora@example.com").role == Role.OPERATOR
    assert "Nobody. Whoever you invite" in text(as_owner.get("/settings/staff"))


def test_an_invitation_is_mailed_where_mail_is_set_up(as_owner, settings):
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://localhost", "https://guests.example.com"
    as_owner.post("/settings/staff/invite", {"role": "viewer", "email": "nora@example.com"})

    deadline = time.monotonic() + 10
    while not mail.outbox and time.monotonic() < deadline:
        time.sleep(0.02)
    (message,) = mail.outbox
    assert message.to == ["nora@example.com"]
    assert "https://guests.example.com/account/welcome/" in message.body


def test_somebody_who_is_here_is_not_invited_again(as_owner):
    answer = as_owner.post("/settings/staff/invite", {"role": "viewer", "email": "OWNER@example.com"})

    assert answer.status_code == 422
    assert "here already" in text(answer)


def test_an_invitation_can_be_taken_back(as_owner):
    as_owner.post("/settings/staff/invite", {"role": "viewer"})
    as_owner.post(f"/settings/staff/invitations/{Invitation.objects.get().pk}/withdraw")

    assert not Invitation.objects.exists()


def test_a_role_is_changed_and_the_change_is_written_down_under_the_owner_s_name(as_owner, make_user):
    vera = make_user(Role.VIEWER, "vera@example.com")

    as_owner.post(f"/settings/staff/{vera.pk}", {"role": "operator"})

    vera.refresh_from_db()
    assert vera.role == Role.OPERATOR
    entry = AuditEntry.objects.filter(kind="staff").latest("id")
    assert (entry.by, entry.changes) == ("owner@example.com", {"role": ["viewer", "operator"]})
    page = text(as_owner.get("/settings/audit?kind=staff"))
    assert re.search(r"role: Viewer .*→.* Operator", page)


def test_who_is_switched_off_is_out_at_once_and_can_come_back(as_owner, make_user):
    vera = make_user(Role.VIEWER, "vera@example.com")
    browser = Client()
    browser.force_login(vera)
    assert browser.get("/account/profile").status_code == 200

    # Two owners, or two clicks.
    for _ in range(2):
        as_owner.post(f"/settings/staff/{vera.pk}/switch", {"to": "off"})
        assert browser.get("/account/profile").status_code == 302

    as_owner.post(f"/settings/staff/{vera.pk}/switch", {"to": "on"})
    vera.refresh_from_db()
    assert vera.is_active


def test_who_is_removed_is_gone_and_stays_in_the_log(as_owner, make_user):
    vera = make_user(Role.VIEWER, "vera@example.com", name="Vera")

    as_owner.post(f"/settings/staff/{vera.pk}/remove")

    assert not User.objects.filter(pk=vera.pk).exists()
    assert "removed the account of Vera" in text(as_owner.get("/settings/audit"))


def test_sessions_are_ended_everywhere(as_owner, make_user):
    vera = make_user(Role.VIEWER, "vera@example.com")
    browser = Client()
    browser.force_login(vera)
    browser.get("/account/profile")

    as_owner.post(f"/settings/staff/{vera.pk}/end-sessions")

    assert browser.get("/account/profile").status_code == 302


def test_an_owner_s_reset_link_sets_a_password_and_is_in_no_log(as_owner, make_user):
    vera = make_user(Role.VIEWER, "vera@example.com")
    page = text(as_owner.post(f"/settings/staff/{vera.pk}/reset-link"))
    link = re.search(r"http://testserver(/account/password/reset/key/[\w-]+)", page)
    assert link is not None

    browser = Client()
    action = browser.get(link[1], follow=True).redirect_chain[-1][0]
    browser.post(action, {"password1": PASSWORD, "password2": PASSWORD})

    vera.refresh_from_db()
    assert vera.check_password(PASSWORD)
    assert link[1].rpartition("/")[2] not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize("act", ["", "/switch", "/remove"])
def test_nobody_locks_themselves_out(as_owner, owner, make_user, act):
    make_user(Role.OWNER, "other@example.com")

    answer = as_owner.post(f"/settings/staff/{owner.pk}{act}", {"role": "viewer"})

    assert "This is your own account" in text(as_owner.get(answer["Location"]))
    owner.refresh_from_db()
    assert owner.may(Role.OWNER)


@pytest.mark.parametrize(
    "act",
    [
        lambda user: staff.change_role(user.pk, Role.OPERATOR),
        lambda user: staff.set_active(user.pk, active=False),
        lambda user: staff.remove(user.pk),
    ],
)
def test_the_last_owner_stays(owner, make_user, act):
    make_user(Role.OWNER, "sleeping@example.com", is_active=False)

    with pytest.raises(NotPossible, match="must be an owner"):
        act(owner)

    owner.refresh_from_db()
    assert owner.may(Role.OWNER)


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_demote_each_other_at_the_same_moment_are_not_both_done():
    pair = [User.objects.create_user(f"{name}@example.com", role=Role.OWNER) for name in ("a", "b")]
    start = threading.Barrier(2)
    refused: list[str] = []

    def demote(user_id: int) -> None:
        start.wait(10)
        try:
            staff.change_role(user_id, Role.VIEWER)
        except NotPossible as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=demote, args=[user.pk]) for user in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(refused) == 1
    assert User.objects.filter(role=Role.OWNER).count() == 1


def test_a_token_is_shown_once_and_works_with_its_role(as_owner):
    page = text(as_owner.post("/settings/tokens", {"name": "reports", "role": "viewer"}))
    found = re.search(r"gl_[\w-]+", page)
    assert found is not None
    stored = use_token(found[0])
    assert stored is not None
    assert stored.role == Role.VIEWER

    again = text(as_owner.get("/settings/tokens"))
    assert "reports" in again
    assert found[0] not in again
    assert found[0] not in text(as_owner.get("/settings/audit"))


def test_a_name_of_a_token_is_given_once(as_owner):
    create_token("reports")

    answer = as_owner.post("/settings/tokens", {"name": "reports", "role": "viewer"})

    assert answer.status_code == 422
    assert "There is a token named" in text(answer)


def test_a_revoked_token_is_of_no_use(as_owner):
    token = create_token("reports")
    as_owner.post(f"/settings/tokens/{ApiToken.objects.get().pk}/revoke")

    assert use_token(token) is None
    assert "revoked the API token reports" in text(as_owner.get("/settings/audit"))


def test_the_audit_log_is_filtered_and_paged(as_owner):
    AuditEntry.objects.bulk_create(
        [AuditEntry(action=3, kind="work", by="token a", did=f"did thing {number}") for number in range(60)]
        + [AuditEntry(action=3, kind="work", by="", did="did nothing")]
    )

    first = as_owner.get("/settings/audit?by=token+a")
    assert "did thing 59" in text(first)
    assert "did thing 9<" not in text(first)
    assert "did nothing" not in text(first)
    second = text(as_owner.get(f"/settings/audit?by=token+a&after={first.context['listing'].next}"))
    assert "did thing 0" in second
    assert "did nothing" in text(as_owner.get("/settings/audit?by=-"))
