"""Fulfilment rules: which levels an item gives, for how long, and what ends them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from guestlist.domain.facts import Item
from guestlist.domain.periods import Period


class AccessKind(StrEnum):
    """The words `access` may be, besides a fixed length such as "90 days"."""

    AUTO = "auto"
    FOREVER = "forever"
    PAID_PERIOD = "paid-period"
    LEVEL_TERMS = "level-terms"


Access = AccessKind | Period


def parse_access(text: str) -> Access:
    """Read the settings file's `access`.

    Raises:
        ValueError: neither one of the words nor a length.
    """
    try:
        return AccessKind(text)
    except ValueError:
        try:
            return Period.parse(text)
        except ValueError:
            raise ValueError(
                f'"{text}" is not known: use auto, forever, paid-period, level-terms or a length like "90 days"'
            ) from None


class OnRefund(StrEnum):
    """What a refund does to the refunded charge's access."""

    REVOKE = "revoke"
    KEEP = "keep"


class OnEnd(StrEnum):
    """What a cancellation or a pause does."""

    PERIOD_END = "period-end"
    NOW = "now"
    KEEP = "keep"


class OnFailedPayment(StrEnum):
    """What a refused charge does."""

    GRACE = "grace"
    SUSPEND = "suspend"
    KEEP = "keep"


class AfterLastPayment(StrEnum):
    """What the last charge of a payment plan or limited subscription gives."""

    FOREVER = "forever"
    LEVEL_TERMS = "level-terms"
    PERIOD_END = "period-end"


class WelcomeEmail(StrEnum):
    """When the site is asked to send its welcome mail."""

    NEW = "new"
    ALWAYS = "always"
    NEVER = "never"


class PasswordEmail(StrEnum):
    """When the site is asked to send its set-your-password mail."""

    NEW = "new"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Target:
    """A level at a site."""

    site: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What buying one item (or one pricing option of it) gives. Defaults are the settings file's.

    Attributes:
        grants: the levels; none = it gives no access, on purpose, and is not among what still has to be mapped.
    """

    item: Item
    grants: tuple[Target, ...]
    option: str | None = None
    access: Access = AccessKind.AUTO
    grace_days: int = 3
    on_refund: OnRefund = OnRefund.REVOKE
    on_partial_refund: OnRefund = OnRefund.KEEP
    on_cancel: OnEnd = OnEnd.PERIOD_END
    on_failed_payment: OnFailedPayment = OnFailedPayment.GRACE
    on_pause: OnEnd = OnEnd.PERIOD_END
    after_last_payment: AfterLastPayment = AfterLastPayment.FOREVER
    welcome_email: WelcomeEmail = WelcomeEmail.NEW
    password_email: PasswordEmail = PasswordEmail.NEW


def rule_for(rules: Iterable[Rule], item: Item, option: str | None) -> Rule | None:
    """The rule that applies to exactly this item and option; a rule with an option beats one without."""
    general = None
    for rule in rules:
        if rule.item != item:
            continue
        if rule.option is None:
            general = rule
        elif rule.option == option:
            return rule
    return general
