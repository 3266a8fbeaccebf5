import pytest

WELCOME, PASSWORD, RECEIPT, NOTICE, THANKS = "welcome", "password", "receipt", "payment notice", "thanks"
PAID = {"membership": 8, "status": "complete", "total": "29.00"}


@pytest.mark.parametrize(
    ("body", "mails"),
    [
        ({}, []),
        ({"transaction": PAID}, []),
        ({"send_welcome_email": True}, []),
        ({"send_welcome_email": True, "transaction": PAID}, [WELCOME]),
        ({"transaction": {**PAID, "send_welcome_email": True}}, [WELCOME]),
        ({"send_welcome_email": True, "transaction": {**PAID, "send_welcome_email": True}}, [WELCOME]),
        ({"send_welcome_email": True, "transaction": {**PAID, "status": "bogus"}}, []),
        ({"send_password_email": True}, [PASSWORD]),
        ({"send_welcome_email": True, "send_password_email": True, "transaction": PAID}, [PASSWORD, WELCOME]),
        ({"send_welcome_email": "false", "send_password_email": "false", "transaction": PAID}, [PASSWORD, WELCOME]),
        ({"send_welcome_email": 0, "send_password_email": False, "transaction": PAID}, []),
        ({"transaction": {**PAID, "send_receipt_email": True}}, [RECEIPT, NOTICE]),
        ({"transaction": {**PAID, "status": "pending", "send_receipt_email": True}}, [RECEIPT, NOTICE]),
    ],
)
def test_which_mails_a_new_member_gets(api, body, mails):
    api.member("ann", **body)
    assert api.mails() == mails


def test_the_welcome_mail_comes_once_even_for_another_membership(api):
    ann = api.member("ann")
    api.grant(ann, 8, send_welcome_email=True)
    api.grant(ann, 9, send_welcome_email=True)
    assert api.mails() == [WELCOME]


def test_a_receipt_goes_to_the_member_and_the_owner_and_shows_the_total(api):
    api.grant(api.member("ann"), amount="29.00", total="34.80", send_receipt_email=True)
    mails = api.site.state()["mails"]
    assert [mail["to"] for mail in mails] == ["ann@x.test", "admin@academy.test"]
    assert all("$34.80" in mail["subject"] for mail in mails)


def test_a_memberships_own_mail_comes_instead_and_every_time(api):
    api.site.act("POST", "memberships/8", {"own_welcome_mail": True})
    ann = api.member("ann")
    for _ in range(2):
        api.grant(ann, send_welcome_email=True)
    assert api.mails() == [THANKS, THANKS]
    api.grant(ann)
    assert api.mails() == [THANKS, THANKS]


def test_a_memberships_own_mail_comes_twice_when_asked_for_on_both_levels(api):
    api.site.act("POST", "memberships/8", {"own_welcome_mail": True})
    api.member("ann", send_welcome_email=True, transaction={**PAID, "send_welcome_email": True})
    assert api.mails() == [THANKS, THANKS]


def test_the_members_the_owner_made_are_not_welcomed_again(api):
    bea = api.site.act("POST", "members", {"email": "bea@x.test"})["id"]
    api.grant(bea, send_welcome_email=True)
    assert api.mails() == []
