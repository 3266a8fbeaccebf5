"""Rules as stored rows, as the domain knows them, and as dicts in the shape of the settings file's `[[rules]]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from guestlist.domain.facts import Item
from guestlist.domain.rules import (
    AfterLastPayment,
    OnEnd,
    OnFailedPayment,
    OnRefund,
    PasswordEmail,
    Rule,
    Target,
    WelcomeEmail,
    parse_access,
)
from guestlist.fulfilment.models import Rule as StoredRule

# What a rule's fields are when the settings file leaves them out, in the shape of the file.
RULE_DEFAULTS = {
    field.name: field.default if isinstance(field.default, int) else str(field.default)
    for field in fields(Rule)
    if field.name != "option" and field.default is not MISSING
}


def rules_of(cart_id: str) -> list[Rule]:
    """All rules of a cart, in the order they were made."""
    return [as_rule(row) for row in StoredRule.objects.filter(cart_id=cart_id).order_by("id")]


def as_rule(row: StoredRule) -> Rule:
    """A stored rule as the plan takes it."""
    return rule_from_dict(
        {
            "item": row.item,
            "option": row.option,
            "grants": row.grants,
            "access": row.access,
            "grace_days": row.grace_days,
            "on_refund": row.on_refund,
            "on_partial_refund": row.on_partial_refund,
            "on_cancel": row.on_cancel,
            "on_failed_payment": row.on_failed_payment,
            "on_pause": row.on_pause,
            "after_last_payment": row.after_last_payment,
            "welcome_email": row.welcome_email,
            "password_email": row.password_email,
        }
    )


def as_row(cart_id: str, rule: Rule) -> StoredRule:
    """An unsaved row for a rule of this cart."""
    return StoredRule(cart_id=cart_id, **{"option": None, **rule_to_dict(rule)})


def rule_to_dict(rule: Rule) -> dict[str, Any]:
    """The rule in the shape of the settings file, for JSON.

    Every field is written out, also those at their default, so that a kept rule means the same when a default changes.
    Only `option` is left out when there is none (the settings file has no word for "none").
    """
    option = {} if rule.option is None else {"option": rule.option}
    return {
        "item": str(rule.item),
        **option,
        "grants": [{"site": target.site, "level": target.level} for target in rule.grants],
        "access": str(rule.access),
        "grace_days": rule.grace_days,
        "on_refund": rule.on_refund.value,
        "on_partial_refund": rule.on_partial_refund.value,
        "on_cancel": rule.on_cancel.value,
        "on_failed_payment": rule.on_failed_payment.value,
        "on_pause": rule.on_pause.value,
        "after_last_payment": rule.after_last_payment.value,
        "welcome_email": rule.welcome_email.value,
        "password_email": rule.password_email.value,
    }


def rule_from_dict(stored: Mapping[str, Any]) -> Rule:
    """Read what `rule_to_dict` gave.

    Raises:
        KeyError, ValueError: the dict is no rule (a stored one always is).
    """
    return Rule(
        item=Item.parse(stored["item"]),
        option=stored.get("option"),
        grants=tuple(Target(grant["site"], grant["level"]) for grant in stored["grants"]),
        access=parse_access(stored["access"]),
        grace_days=stored["grace_days"],
        on_refund=OnRefund(stored["on_refund"]),
        on_partial_refund=OnRefund(stored["on_partial_refund"]),
        on_cancel=OnEnd(stored["on_cancel"]),
        on_failed_payment=OnFailedPayment(stored["on_failed_payment"]),
        on_pause=OnEnd(stored["on_pause"]),
        after_last_payment=AfterLastPayment(stored["after_last_payment"]),
        welcome_email=WelcomeEmail(stored["welcome_email"]),
        password_email=PasswordEmail(stored["password_email"]),
    )
