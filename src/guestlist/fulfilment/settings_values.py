"""The owner's settings as plain values: what is stored and what a file asks for are told in the same words.

Carts, sites and rules as rows carry more (states, versions, levels); these hold only what the settings file can say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from guestlist.connections.models import CartMode, OnEmailChange
from guestlist.domain.facts import Item
from guestlist.domain.rules import Rule
from guestlist.domain.terms import Level
from guestlist.sites.contract import Connection


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and the environment variable that it came from, if any. The same value is the same secret."""

    value: str = field(repr=False)
    env: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartSettings:
    """`[[carts]]`. `secret` is None only for a stored one that can no longer be decrypted."""

    id: str
    kind: str
    secret: Secret | None
    api_key: Secret | None = None
    mode: CartMode = CartMode.LIVE
    active: bool = True

    @property
    def variables(self) -> dict[str, str]:
        """The environment variable of each secret that came from one."""
        secrets = {"secret": self.secret, "api_key": self.api_key}
        return {name: secret.env for name, secret in secrets.items() if secret is not None and secret.env}


# Everything that decides where requests go and whether they are let in.
Way = tuple[str, str, frozenset[tuple[str, str]], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """`[[sites]]`. `credentials` is empty only when the stored ones can no longer be decrypted."""

    id: str
    kind: str
    url: str
    credentials: Mapping[str, Secret]
    concurrency: int = 2
    allow_private_address: bool = False
    on_email_change: OnEmailChange = OnEmailChange.LEAVE
    active: bool = True

    @property
    def plain_credentials(self) -> dict[str, str]:
        """The credential fields as the platform takes them."""
        return {name: secret.value for name, secret in self.credentials.items()}

    @property
    def variables(self) -> dict[str, str]:
        """The environment variable of each credential that came from one."""
        return {name: secret.env for name, secret in self.credentials.items() if secret.env}

    @property
    def way(self) -> Way:
        """How the site is reached, to be compared."""
        return self.kind, self.url, frozenset(self.plain_credentials.items()), self.allow_private_address

    @property
    def connection(self) -> Connection:
        """How the site is reached, as the platform takes it."""
        return Connection(
            url=self.url, credentials=self.plain_credentials, allow_private_address=self.allow_private_address
        )


class RuleKey(NamedTuple):
    """What makes a rule the same rule."""

    cart: str
    item: Item
    option: str | None

    def __str__(self) -> str:
        option = "" if self.option is None else f" option {self.option}"
        return f"{self.cart} {self.item}{option}"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings by id; disconnected carts and sites are in it with `active` false.

    Attributes:
        levels: the levels of each site whose levels were ever read.
    """

    carts: Mapping[str, CartSettings]
    sites: Mapping[str, SiteSettings]
    rules: Mapping[RuleKey, Rule]
    levels: Mapping[str, tuple[Level, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is taken out of the settings. A cart or site with history stays stored, disconnected."""

    carts: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    rules: frozenset[RuleKey] = frozenset()

    def of(self, settings: Settings) -> Settings:
        """The settings without it, and without the rules of the carts and the levels of the sites that go."""
        rules = {}
        for key, rule in settings.rules.items():
            grants = tuple(target for target in rule.grants if target.site not in self.sites)
            # A rule that loses all its levels goes; one that never had any says so on purpose.
            stays = bool(grants) or not rule.grants
            if stays and key not in self.rules and key.cart not in self.carts:
                rules[key] = replace(rule, grants=grants)
        return Settings(
            carts={
                id_: replace(cart, active=cart.active and id_ not in self.carts) for id_, cart in settings.carts.items()
            },
            sites={
                id_: replace(site, active=site.active and id_ not in self.sites) for id_, site in settings.sites.items()
            },
            rules=rules,
            levels=settings.levels,
        )


NOTHING = Removal()
