"""Links that make an account."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.db import connection
from django.utils import timezone

from accounts.conftest import PASSWORD
from guestlist.accounts import invitations, staff
from guestlist.accounts.invitations import AddressTaken, LinkUseless, NewLink
from guestlist.accounts.models import AuditEntry, Invitation, User
from guestlist.accounts.roles import Role

pytestmark = pytest.mark.django_db


def accept(link: NewLink, email: str = "nora@example.com") -> User:
    return invitations.accept(link.path.rpartition("/")[2], email=email, name="Nora", password=PASSWORD)


def test_only_a_hash_of_the_token_is_kept_and_none_of_it_is_logged():
    token = invitations.owner_link().path.rpartition("/")[2]

    assert token not in str(list(Invitation.objects.values()))
    stored = Invitation.objects.get().digest
    entries = str(list(AuditEntry.objects.values()))
    assert token not in entries
    assert stored not in entries


def test_a_link_works_once(owner):
    link = invitations.invite(owner, Role.VIEWER)
    accept(link)

    with pytest.raises(LinkUseless):
        accept(link, "another@example.com")
    assert User.objects.count() == 2


def test_a_link_is_of_no_use_after_its_time(owner):
    link = invitations.invite(owner, Role.VIEWER)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(LinkUseless):
        accept(link)


def test_a_link_that_was_taken_back_is_of_no_use(owner):
    link = invitations.invite(owner, Role.VIEWER)
    assert invitations.withdraw(link.invitation.pk)

    with pytest.raises(LinkUseless):
        accept(link)
    assert not invitations.withdraw(link.invitation.pk)


def test_an_invitation_gives_its_role_and_no_other(owner):
    assert accept(invitations.invite(owner, Role.OPERATOR)).role == Role.OPERATOR


def test_an_invitation_never_takes_an_account_over(owner):
    link = invitations.invite(owner, Role.OWNER)

    with pytest.raises(AddressTaken):
        accept(link, "OWNER@example.com")
    owner.refresh_from_db()
    assert not owner.has_usable_password()
    # The link stays good for another address.
    assert accept(link).role == Role.OWNER


def test_the_server_s_link_lets_a_locked_out_owner_in_again(make_user):
    user = make_user(Role.VIEWER, "nora@example.com", "forgotten", is_active=False)
    Authenticator.objects.create(user=user, type="totp", data={})

    accept(invitations.owner_link())

    user.refresh_from_db()
    assert (user.role, user.is_active, user.check_password(PASSWORD)) == (Role.OWNER, True, True)
    assert not Authenticator.objects.filter(user=user).exists()


def test_once_the_owner_is_made_no_other_link_of_a_start_is_left():
    first, second = invitations.owner_link(), invitations.owner_link()
    accept(second)

    with pytest.raises(LinkUseless):
        accept(first, "mallory@example.com")


def test_there_is_a_first_link_as_long_as_nobody_owns_this():
    link = invitations.first_link("http://127.0.0.1:8000")
    assert link is not None
    assert link.startswith("http://127.0.0.1:8000/account/welcome/")

    accept(invitations.owner_link())

    assert invitations.first_link("http://127.0.0.1:8000") is None


def test_the_public_address_comes_first(settings):
    settings.PUBLIC_URL = "https://guests.example.com/"

    assert str(invitations.first_link("http://127.0.0.1:8000")).startswith("https://guests.example.com/account/")


def test_what_a_former_owner_offered_is_void(owner, make_user):
    other = make_user(Role.OWNER, "other@example.com")
    link = invitations.invite(other, Role.OWNER)
    staff.change_role(other.pk, Role.VIEWER)

    with pytest.raises(LinkUseless):
        accept(link)


@pytest.mark.django_db(transaction=True)
def test_a_link_that_two_use_at_the_same_moment_makes_one_account():
    link = invitations.owner_link()
    start = threading.Barrier(2)
    results: list[str] = []

    def use(email: str) -> None:
        start.wait(10)
        try:
            results.append(accept(link, email).email)
        except LinkUseless:
            results.append("useless")
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=[f"{name}@example.com"]) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert results.count("useless") == 1
    assert User.objects.count() == 1
