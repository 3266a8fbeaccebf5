"""The pages of help by name, so that whoever says what is wrong can say where to read on."""

from __future__ import annotations

from enum import StrEnum


class HelpTopic(StrEnum):
    """A page of help; the value is its name in `/help/<slug>`. The pages are in `dashboard/help/topics`."""

    NOTHING_ARRIVES = "nothing-arrives"
    SECRET_REJECTED = "secret-rejected"  # noqa: S105 - the name of a page
    DELIVERY_UNREADABLE = "delivery-unreadable"
    UNMAPPED_ITEM = "unmapped-item"
    NO_MAIL = "no-mail"
    OTHER_ADDRESS = "other-address"
    ACCESS_MISSING = "access-missing"
    ACCESS_STILL_THERE = "access-still-there"
    MEMBER_STUCK = "member-stuck"
    LEVEL_MISSING = "level-missing"
    SITE_UNREACHABLE = "site-unreachable"
    PRIVATE_ADDRESS = "private-address"
    WRONG_CREDENTIALS = "wrong-credentials"
    HEADER_STRIPPED = "header-stripped"
    APPLICATION_PASSWORDS_DISABLED = "application-passwords-disabled"
    USER_WITHOUT_RIGHT = "user-without-right"
    DEVELOPER_TOOLS_MISSING = "developer-tools-missing"
    REST_BLOCKED = "rest-blocked"
    PERMALINKS_PLAIN = "permalinks-plain"
    PAGE_CACHE = "page-cache"
