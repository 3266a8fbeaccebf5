import re

from hypothesis import given
from hypothesis import strategies as st

from guestlist.sites.memberpress.usernames import MAX_LENGTH, another_username, is_ours, username

LOCAL_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789._-+'&%!#$*/=?^`{|}~"
emails = st.builds(
    lambda local, domain: f"{local}@{domain}.test",
    st.text(LOCAL_CHARACTERS, min_size=1, max_size=64) | st.text(min_size=1, max_size=64),
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=60),
)


def cleaned_by_wordpress(name: str) -> str:
    """`sanitize_user` with `strict`, as far as it can change plain ASCII."""
    name = re.sub(r"<[^>]*>", "", name)
    name = re.sub(r"%[a-fA-F0-9]{2}", "", name)
    name = re.sub(r"&.+?;", "", name)
    name = re.sub(r"[^a-zA-Z0-9 _.\-@]", "", name)
    return re.sub(r"\s+", " ", name.strip())


@given(emails)
def test_wordpress_would_change_nothing_in_any_username(email: str) -> None:
    for name in (username(email), another_username(email)):
        assert cleaned_by_wordpress(name) == name
        assert 0 < len(name) <= MAX_LENGTH
        assert re.fullmatch(r"[a-z0-9._@-]+", name)


@given(emails)
def test_members_made_by_guestlist_are_recognised_by_their_username(email: str) -> None:
    assert is_ours(username(email), email)
    assert is_ours(another_username(email), email)
    assert not is_ours(username("somebody-else@x.test"), email)
    assert not is_ours(email.partition("@")[0], email)


def test_the_username_is_the_same_for_the_address_in_any_case() -> None:
    assert username(" Ann.Lee@X.Test ") == username("ann.lee@x.test")


def test_addresses_that_wordpress_would_clean_to_one_name_get_different_usernames() -> None:
    names = {username(email) for email in ("jo+tag@x.test", "jotag@x.test", "jo'tag@x.test", "jotag@y.test")}
    assert len(names) == 4


def test_a_local_part_without_any_usable_letter_still_gives_a_name() -> None:
    assert username("山田@x.test").startswith("member-")
    assert username("+++@x.test").startswith("member-")


def test_accents_become_plain_letters() -> None:
    assert username("zoë@x.test").startswith("zoe-")
