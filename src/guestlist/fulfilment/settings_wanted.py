"""What a settings file, laid over what is stored, asks for.

An entry that the file does not name stays, and a field that a known entry's block leaves out keeps its value. With
`prune`, what is not named goes and what is left out returns to its default; only secrets and addresses always stay,
because there is no default for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from guestlist.carts.registry import all_carts
from guestlist.connections.models import CartMode
from guestlist.domain.rules import Rule, Target
from guestlist.fulfilment.settings_blocks import CartBlock, RuleBlock, SiteBlock
from guestlist.fulfilment.settings_fields import did_you_mean
from guestlist.fulfilment.settings_file import EXAMPLES, Entry, Problem, SettingsFile
from guestlist.fulfilment.settings_values import CartSettings, RuleKey, Secret, Settings, SiteSettings
from guestlist.fulfilment.toml_lines import Path
from guestlist.sites.registry import all_platforms

T = TypeVar("T")


def wanted_settings(file: SettingsFile, stored: Settings, *, prune: bool) -> tuple[Settings, list[Problem]]:
    """The settings as they should be, without the entries that have a problem, and these problems."""
    reader = _Overlay(file, stored, prune=prune)
    wanted = Settings(reader.carts(), reader.sites(), reader.rules(), stored.levels)
    return wanted, reader.problems


class _Overlay:
    def __init__(self, file: SettingsFile, stored: Settings, *, prune: bool) -> None:
        self._file = file
        self._stored = stored
        self._prune = prune
        self.problems: list[Problem] = []

    def carts(self) -> dict[str, CartSettings]:
        wanted = {
            known.id: replace(known, active=known.active and not self._prune) for known in self._stored.carts.values()
        }
        for entry in self._file.carts:
            cart = self._cart(entry, self._stored.carts.get(entry.block.id))
            if cart is not None:
                wanted[cart.id] = cart
        return wanted

    def _cart(self, entry: Entry[CartBlock], known: CartSettings | None) -> CartSettings | None:
        block = entry.block
        kind = self._kind(entry, known.kind if known else None, all_carts())
        secret = block.secret or (known.secret if known else None)
        if secret is None:
            self._missing(entry, "secret", lost=known is not None)
        if kind is None or secret is None:
            return None
        base = self._base(known) or CartSettings(id=block.id, kind=kind, secret=secret)
        return CartSettings(
            id=block.id,
            kind=kind,
            secret=secret,
            api_key=block.api_key or base.api_key,
            mode=CartMode(block.mode or base.mode),
        )

    def sites(self) -> dict[str, SiteSettings]:
        wanted = {
            known.id: replace(known, active=known.active and not self._prune) for known in self._stored.sites.values()
        }
        for entry in self._file.sites:
            site = self._site(entry, self._stored.sites.get(entry.block.id))
            if site is not None:
                wanted[site.id] = site
            else:
                # What is half known must not be contacted.
                wanted.pop(entry.block.id, None)
        return wanted

    def _site(self, entry: Entry[SiteBlock], known: SiteSettings | None) -> SiteSettings | None:
        block = entry.block
        kind = self._kind(entry, known.kind if known else None, all_platforms())
        url = block.url or (known.url if known else None)
        if url is None:
            self._missing(entry, "url")
        credentials = self._credentials(entry, known, kind) if kind else None
        if kind is None or url is None or credentials is None:
            return None
        base = self._base(known) or SiteSettings(id=block.id, kind=kind, url=url, credentials=credentials)
        allow = block.allow_private_address
        return SiteSettings(
            id=block.id,
            kind=kind,
            url=url,
            credentials=credentials,
            concurrency=block.concurrency or base.concurrency,
            allow_private_address=base.allow_private_address if allow is None else allow,
            on_email_change=block.on_email_change or base.on_email_change,
        )

    def _credentials(
        self, entry: Entry[SiteBlock], known: SiteSettings | None, kind: str
    ) -> Mapping[str, Secret] | None:
        """The block's credentials completed by the known ones; only the block's where these are of another kind."""
        given = entry.block.credentials()
        kept = dict(known.credentials) if known else {}
        platform = all_platforms()[kind]
        mistakes: dict[str, str] = {}
        for credentials in (kept | given, given):
            mistakes = platform.check_credentials({name: secret.value for name, secret in credentials.items()})
            if not mistakes:
                return credentials
        for field, mistake in mistakes.items():
            self._refuse((*entry.path, field), mistake, "")
        return None

    def rules(self) -> dict[RuleKey, Rule]:
        wanted: dict[RuleKey, Rule] = {} if self._prune else dict(self._stored.rules)
        for entry in self._file.rules:
            self._check_ids(entry)
            key = entry.block.key
            grants = tuple(Target(grant.site, grant.level) for grant in entry.block.grants)
            base = self._base(self._stored.rules.get(key)) or Rule(item=key.item, option=key.option, grants=grants)
            wanted[key] = replace(base, grants=grants, **entry.block.policies())
        return wanted

    def _check_ids(self, entry: Entry[RuleBlock]) -> None:
        """Whether the rule's cart and sites are in the file, or are stored and stay."""
        block = entry.block
        carts, sites = self._stored.carts.values(), self._stored.sites.values()
        self._check_id((*entry.path, "cart"), "cart", block.cart, self._file.named_carts, carts)
        for index, grant in enumerate(block.grants):
            path = (*entry.path, "grants", index, "site")
            self._check_id(path, "site", grant.site, self._file.named_sites, sites)

    def _check_id(
        self, path: Path, noun: str, id_: str, named: frozenset[str], stored: Iterable[CartSettings | SiteSettings]
    ) -> None:
        if id_ in named:
            return
        active = {known.id: known.active for known in stored}
        if active.get(id_) and not self._prune:
            return
        block = f"Add a [[{noun}s]] block for it, or remove the rule"
        if active.get(id_):
            problem = f'{noun} "{id_}" is not in the file, so --prune would disconnect it, but this rule needs it'
            self._refuse(path, problem, f"{block}.")
        elif id_ in active:
            self._refuse(path, f'{noun} "{id_}" is disconnected', f"{block}.")
        else:
            known = sorted(named | {name for name, is_active in active.items() if is_active and not self._prune})
            hint = f"Known: {', '.join(known)}." if known else "None is known yet."
            self._refuse(path, f'there is no {noun} "{id_}"', f"{did_you_mean(id_, known)}{hint} {block}.")

    def _kind(self, entry: Entry[CartBlock] | Entry[SiteBlock], known: str | None, kinds: Iterable[str]) -> str | None:
        kind = entry.block.kind or known
        if kind is None:
            self._refuse((*entry.path, "kind"), "is missing", f"Add it; one of: {', '.join(sorted(kinds))}.")
        elif known is not None and kind != known:
            problem = f'"{entry.block.id}" is connected as {known} and cannot become {kind}'
            self._refuse((*entry.path, "kind"), problem, "Give the new one an id of its own.")
            return None
        return kind

    def _base(self, known: T | None) -> T | None:
        """Where the values that a block leaves out come from; None = the defaults."""
        return None if self._prune else known

    def _missing(self, entry: Entry[CartBlock] | Entry[SiteBlock], field: str, *, lost: bool = False) -> None:
        why = " (the stored one cannot be decrypted any more)" if lost else ""
        self._refuse((*entry.path, field), f"is missing{why}", f"Add it, like: {EXAMPLES[field]}")

    def _refuse(self, path: Path, problem: str, remedy: str) -> None:
        self.problems.append(self._file.problem(path, problem, remedy))
