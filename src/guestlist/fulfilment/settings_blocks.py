"""The tables of a settings file: their keys and what each may hold."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator

from guestlist.carts.registry import all_carts
from guestlist.connections.models import CartMode, OnEmailChange
from guestlist.domain.facts import Item
from guestlist.domain.rules import (
    Access,
    AfterLastPayment,
    OnEnd,
    OnFailedPayment,
    OnRefund,
    PasswordEmail,
    WelcomeEmail,
)
from guestlist.fulfilment.settings_fields import (
    one_of,
    read_access,
    read_id,
    read_item,
    read_remote_id,
    read_secret,
    read_url,
    read_word,
    read_yes_or_no,
    whole_number,
)
from guestlist.fulfilment.settings_values import RuleKey, Secret
from guestlist.sites.registry import all_platforms


class Block(BaseModel):
    """A table of the file. None = the file leaves the field out (TOML has no null)."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Id = Annotated[str, PlainValidator(read_id)]
RemoteId = Annotated[str, PlainValidator(read_remote_id)]
SecretField = Annotated[Secret, PlainValidator(read_secret)]


class CartBlock(Block):
    """`[[carts]]`."""

    id: Id
    kind: Annotated[str, PlainValidator(lambda value: read_word(value, sorted(all_carts())))] | None = None
    secret: SecretField | None = None
    api_key: SecretField | None = None
    mode: Annotated[CartMode, PlainValidator(one_of(CartMode))] | None = None


class SiteBlock(Block):
    """`[[sites]]`."""

    id: Id
    kind: Annotated[str, PlainValidator(lambda value: read_word(value, sorted(all_platforms())))] | None = None
    url: Annotated[str, PlainValidator(read_url)] | None = None
    api_key: SecretField | None = None
    username: SecretField | None = None
    application_password: SecretField | None = None
    concurrency: Annotated[int, PlainValidator(whole_number(1, 16))] | None = None
    allow_private_address: Annotated[bool, PlainValidator(read_yes_or_no)] | None = None
    on_email_change: Annotated[OnEmailChange, PlainValidator(one_of(OnEmailChange))] | None = None

    def credentials(self) -> dict[str, Secret]:
        """The credential fields that the block has."""
        fields = {"api_key": self.api_key, "username": self.username, "application_password": self.application_password}
        return {name: secret for name, secret in fields.items() if secret is not None}


class GrantBlock(Block):
    """One `{ site, level }` of a rule."""

    site: Id
    level: RemoteId


class RuleBlock(Block):
    """`[[rules]]`."""

    cart: Id
    item: Annotated[Item, PlainValidator(read_item)]
    option: RemoteId | None = None
    grants: list[GrantBlock]
    access: Annotated[Access, PlainValidator(read_access)] | None = None
    grace_days: Annotated[int, PlainValidator(whole_number(0, 365))] | None = None
    on_refund: Annotated[OnRefund, PlainValidator(one_of(OnRefund))] | None = None
    on_partial_refund: Annotated[OnRefund, PlainValidator(one_of(OnRefund))] | None = None
    on_cancel: Annotated[OnEnd, PlainValidator(one_of(OnEnd))] | None = None
    on_failed_payment: Annotated[OnFailedPayment, PlainValidator(one_of(OnFailedPayment))] | None = None
    on_pause: Annotated[OnEnd, PlainValidator(one_of(OnEnd))] | None = None
    after_last_payment: Annotated[AfterLastPayment, PlainValidator(one_of(AfterLastPayment))] | None = None
    welcome_email: Annotated[WelcomeEmail, PlainValidator(one_of(WelcomeEmail))] | None = None
    password_email: Annotated[PasswordEmail, PlainValidator(one_of(PasswordEmail))] | None = None

    @property
    def key(self) -> RuleKey:
        """What makes it the same rule as a stored one."""
        return RuleKey(self.cart, self.item, self.option)

    def policies(self) -> dict[str, Any]:
        """The fields that may be left out and are there, as `domain.rules.Rule` takes them."""
        named = {"cart", "item", "option", "grants"}
        return {name: value for name, value in self if name not in named and value is not None}
