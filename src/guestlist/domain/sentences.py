"""Each choice that a rule offers in one sentence, for the person who makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType

from guestlist.domain.periods import Period
from guestlist.domain.rules import Rule

# Field of a rule -> value -> what it means. The keys are those of the settings file.
CHOICES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "access": {
            "auto": "A subscription gives access while it is paid; what is paid once gives what the level itself says.",
            "forever": "Every charge gives access without an end.",
            "paid-period": "Every charge gives access until the next one is due.",
            "level-terms": "Every charge gives what the level itself says, counted from the day of the charge.",
        },
        "on_refund": {
            "revoke": "Who gets all the money back for a charge loses what that charge gave.",
            "keep": "Who gets all the money back keeps the access.",
        },
        "on_partial_refund": {
            "keep": "Who gets part of the money back keeps the access.",
            "revoke": "Who gets part of the money back for a charge loses what that charge gave.",
        },
        "on_cancel": {
            "period-end": "Who cancels keeps access until the end of the period that is paid, without grace.",
            "now": "Who cancels loses access at once.",
            "keep": "Who cancels keeps what the charges so far have given.",
        },
        "on_failed_payment": {
            "grace": "When a payment fails, access lasts until the days of grace are over; a later payment mends it.",
            "suspend": "When a payment fails, access is suspended at once, until a payment succeeds.",
            "keep": "When a payment fails, access stays open until it is paid or the subscription is cancelled.",
        },
        "on_pause": {
            "period-end": "Who pauses keeps access until the end of the period that is paid, without grace.",
            "now": "Who pauses loses access at once, and gets the rest of the paid period back on resuming.",
            "keep": "Who pauses keeps what the charges so far have given.",
        },
        "after_last_payment": {
            "forever": "Who has made the last payment of a plan has access for ever.",
            "level-terms": "The last payment of a plan gives what the level itself says.",
            "period-end": "The last payment of a plan gives access until the end of the period it paid.",
        },
        "welcome_email": {
            "new": "The site welcomes members whom Guestlist makes, once.",
            "always": "The site sends its welcome mail with every purchase, also to members it knows.",
            "never": "The site is not asked for a welcome mail.",
        },
        "password_email": {
            "new": "Members whom Guestlist makes get a mail to set their password.",
            "never": "Nobody is sent a mail to set a password.",
        },
    }
)


def sentence(field: str, value: object) -> str:
    """What a rule's field means with this value. `value` may also be a length of access or a number of days.

    Raises:
        KeyError: the field has no such choice.
    """
    if field == "grace_days":
        return (
            f"Access lasts {value} days longer than paid, so that a late charge locks nobody out."
            if value
            else ("Access ends with the period that is paid; a charge that comes late leaves a gap.")
        )
    if isinstance(value, Period):
        return f"Every charge gives access for {value}."
    return CHOICES[field][str(value)]


def consequences(rule: Rule) -> dict[str, str]:
    """What a rule means, field by field."""
    told = [field.name for field in fields(rule) if field.name in CHOICES or field.name == "grace_days"]
    return {name: sentence(name, getattr(rule, name)) for name in told}
