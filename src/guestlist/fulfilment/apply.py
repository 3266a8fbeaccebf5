"""Applies a settings file: all of it or nothing, and nothing at all that was not proved before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from guestlist.access.models import SiteRequest
from guestlist.access.sitestate import request_row
from guestlist.connections.models import CartMode
from guestlist.connections.modes import is_fulfilled
from guestlist.connections.proving import Proof, prove_all
from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.rules import Rule, Target
from guestlist.domain.terms import Level
from guestlist.fulfilment.in_force import InForce
from guestlist.fulfilment.outdated import find_outdated
from guestlist.fulfilment.planning import replan_blocked
from guestlist.fulfilment.settings_changes import Applied, Saved, changes_between
from guestlist.fulfilment.settings_fields import shortened
from guestlist.fulfilment.settings_file import SettingsFile, SettingsInvalid, read_settings_file
from guestlist.fulfilment.settings_store import stored_settings, write_settings
from guestlist.fulfilment.settings_values import NOTHING, Removal, Settings, SiteSettings, Way
from guestlist.fulfilment.settings_wanted import wanted_settings
from guestlist.fulfilment.toml_lines import Path
from guestlist.fulfilment.unmapped import unmapped_sales
from guestlist.orders.models import Fact, Order
from guestlist.sites.contract import Levels, NeedsAttention, RetryLater

# Any number that nothing else in the database uses: one `apply` at a time.
ADVISORY_LOCK = 0x6775_6573_7401
MANY_LEVELS = 30


def apply_settings(
    text: str,
    *,
    source: str = "",
    prune: bool = False,
    dry_run: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> Applied:
    """Make the stored settings as a file says, and look at what was sold before.

    Sites that are new, or are reached in a new way, or of which a level is named that is not known yet, are contacted
    first, outside of any transaction.

    Args:
        text: the file's text.
        source: the file's name, for messages.
        prune: remove what the file leaves out.
        dry_run: check everything, save nothing.
        environ: where `{ env = "NAME" }` is looked up.

    Raises:
        SettingsInvalid: with all mistakes at once; nothing was changed.
    """
    try:
        draft = _carried_out(lambda stored: Draft(read_settings_file(text, environ), stored, prune=prune), dry_run)
    except SettingsInvalid as invalid:
        raise SettingsInvalid(invalid.problems, source) from None
    saved = _saved(draft, dry_run)
    in_force = InForce(draft.rules_by_cart, draft.levels_read)
    return Applied(
        changes=saved.changes,
        warnings=saved.warnings,
        levels_read=saved.levels_read,
        dry_run=dry_run,
        outdated=find_outdated(draft.rules_by_cart.keys(), in_force=in_force),
        unmapped=tuple(sale for sale in unmapped_sales(in_force) if not sale.mapped),
    )


def save_settings(text: str, *, without: Removal = NOTHING, dry_run: bool = False) -> Saved:
    """Change single settings, as entered by somebody who waits for the answer.

    As with a file; but a site that has to be contacted must answer, the environment is not looked at, and past sales
    are not looked through, which takes seconds with a great many orders.

    Args:
        text: the changes in the shape of a settings file.
        without: what is removed besides.
        dry_run: check everything, save nothing.

    Raises:
        SettingsInvalid: with all mistakes at once; nothing was changed.
    """
    file = read_settings_file(text, {})
    draft = _carried_out(lambda stored: Draft(file, stored, prune=False, without=without, must_answer=True), dry_run)
    return _saved(draft, dry_run)


def _carried_out(make: Callable[[Settings], Draft], dry_run: bool) -> Draft:
    proofs: dict[Way, Proof] = {}
    while True:
        draft = make(stored_settings())
        draft.prove(proofs)
        if draft.problems:
            raise SettingsInvalid(draft.problems)
        if dry_run:
            return draft
        if _write(draft):
            replan_blocked(draft.levels_read.keys())
            return draft
        # Somebody else changed the settings meanwhile: lay the changes over what is stored now.


def _saved(draft: Draft, dry_run: bool) -> Saved:
    return Saved(
        changes=changes_between(draft.stored, draft.wanted),
        warnings=(*draft.warnings, *_told_of_held_orders(draft.stored, draft.wanted)),
        levels_read={site: len(found) for site, found in draft.levels_read.items()},
        dry_run=dry_run,
    )


def _write(draft: Draft) -> bool:
    """Save the draft if what it was made from is still what is stored. Returns whether it was."""
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
        if stored_settings() != draft.stored:
            return False
        write_settings(draft.stored, draft.wanted, draft.levels_read)
        attempts = [(site, attempt) for site, proof in draft.proofs.items() for attempt in proof.attempts]
        SiteRequest.objects.bulk_create([request_row(site, None, attempt) for site, attempt in attempts])
    return True


def _told_of_held_orders(before: Settings, after: Settings) -> Iterator[str]:
    """What was recorded only, at carts whose mode would have it fulfilled from now on: that does not come by itself."""
    bought = Fact.objects.filter(order=OuterRef("pk"), kind__in=("order_placed", "payment_received"))
    for cart in after.carts.values():
        known = before.carts.get(cart.id)
        if known is None or not cart.active:
            continue
        for mode in (CartMode.LIVE, CartMode.TEST):
            if is_fulfilled(mode, known.mode) or not is_fulfilled(mode, cart.mode):
                continue
            orders = Order.objects.filter(Exists(bought), cart=cart.id, mode=mode, decisions=None, unmapped=[]).count()
            if orders:
                counted = f"{orders:,} {mode} order{'s' if orders != 1 else ''} came"
                yield (
                    f"cart {cart.id}: {counted} while it did not fulfil {mode} orders. To have "
                    f"{'them' if orders != 1 else 'it'} fulfilled, replay: "
                    f"guestlist deliveries replay --all --cart {cart.id}"
                )


@dataclass(frozen=True, slots=True)
class _Named:
    """A level that a rule of the file names, and where."""

    path: Path
    rule: str
    target: Target


class Draft:
    """A file laid over the stored settings, with what is wrong or doubtful about the result."""

    def __init__(
        self,
        file: SettingsFile,
        stored: Settings,
        *,
        prune: bool,
        without: Removal = NOTHING,
        must_answer: bool = False,
    ) -> None:
        self.stored = stored
        self._must_answer = must_answer
        wanted, problems = wanted_settings(file, stored, prune=prune)
        self.wanted = without.of(wanted)
        self.problems = [*file.problems, *problems]
        self.warnings: list[str] = []
        self.proofs: dict[str, Proof] = {}
        self._file = file
        self._blocks = {entry.block.id: entry for entry in file.sites}

    @property
    def levels_read(self) -> dict[str, tuple[Level, ...]]:
        """The levels of the sites that were asked and answered."""
        return {site: proof.result.levels for site, proof in self.proofs.items() if isinstance(proof.result, Levels)}

    @property
    def rules_by_cart(self) -> dict[str, list[Rule]]:
        """The rules as they should be, of each cart that is in use."""
        found: dict[str, list[Rule]] = {cart.id: [] for cart in self.wanted.carts.values() if cart.active}
        for key, rule in self.wanted.rules.items():
            if key.cart in found:
                found[key.cart].append(rule)
        return found

    def prove(self, known: dict[Way, Proof]) -> None:
        """Contact the sites that have to be, and judge what they say.

        Args:
            known: proofs from an earlier try; the new ones are added.
        """
        to_prove = {site: self.wanted.sites[site] for site in sorted(self._moved() | self._with_unread_levels())}
        asked = {site.way: (site.kind, site.connection) for site in to_prove.values() if site.way not in known}
        known.update(prove_all(asked))
        self.proofs = {site.id: known[site.way] for site in to_prove.values()}
        for site in to_prove.values():
            self._judge(site, self.proofs[site.id])
        self._warn_of_open_addresses()
        for named in self._named_levels():
            self._check_level(named)
        self._warn_of_lost_levels()

    def _moved(self) -> set[str]:
        """Sites of the file that are new or reached in a new way."""
        return {site for site in self._blocks if site in self.wanted.sites and not self._reached_as_before(site)}

    def _reached_as_before(self, site_id: str) -> bool:
        before = self.stored.sites.get(site_id)
        return before is not None and before.active and before.way == self.wanted.sites[site_id].way

    def _with_unread_levels(self) -> set[str]:
        """Sites of which the file names a level that is not known."""
        return {
            named.target.site
            for named in self._named_levels()
            if named.target.level not in {level.id for level in self.stored.levels.get(named.target.site, ())}
        }

    def _named_levels(self) -> Iterator[_Named]:
        """The levels that the file names, of sites in use."""
        for entry in self._file.rules:
            for index, grant in enumerate(entry.block.grants):
                site = self.wanted.sites.get(grant.site)
                if site is not None and site.active:
                    path = (*entry.path, "grants", index, "level")
                    yield _Named(path, str(entry.block.key), Target(grant.site, grant.level))

    def _judge(self, site: SiteSettings, proof: Proof) -> None:
        path = self._blame(site, proof)
        match proof.result:
            case NeedsAttention():
                told = f"{site.id}: {proof.result.reason}"
                self.problems.append(self._file.problem(path, told, proof.result.remedy, proof.result.help))
            case RetryLater() if self._must_answer:
                told = f"{site.id} does not answer properly: {proof.result.reason}"
                remedy = "Check the address, and that the site works in a browser; then try again."
                topic = proof.result.help or HelpTopic.SITE_UNREACHABLE
                self.problems.append(self._file.problem(path, told, remedy, topic))
            case RetryLater():
                remedy = "Its levels could not be checked; they are read as soon as it works."
                self._warn(path, f"{site.id} does not answer properly: {proof.result.reason}", remedy)
            case Levels():
                pass

    def _blame(self, site: SiteSettings, proof: Proof) -> Path:
        """The field that a site's answer is about; for a site without a block, the first rule that names it."""
        entry = self._blocks.get(site.id)
        if entry is None:
            return next(named.path[:-1] for named in self._named_levels() if named.target.site == site.id)
        if proof.refused_credentials:
            return (*entry.path, list(site.credentials)[-1])
        return (*entry.path, "url")

    def _check_level(self, named: _Named) -> None:
        proof = self.proofs.get(named.target.site)
        if proof is None or not isinstance(proof.result, Levels):
            return
        levels = {level.id: level.title for level in proof.result.levels}
        site, level = named.target.site, named.target.level
        if level in levels:
            return
        listed = ", ".join(f'{id_} ("{shortened(title)}")' for id_, title in list(levels.items())[:MANY_LEVELS])
        more = f" and {len(levels) - MANY_LEVELS} more" if len(levels) > MANY_LEVELS else ""
        remedy = f"It has: {listed}{more}." if levels else "It has no level at all: publish one at the site first."
        problem = f'{site} has no published level "{shortened(level)}" that can be read'
        self.problems.append(self._file.problem(named.path, problem, remedy))

    def _warn_of_open_addresses(self) -> None:
        for site_id, entry in self._blocks.items():
            site = self.wanted.sites.get(site_id)
            if site is not None and site.url.startswith("http:") and not site.allow_private_address:
                problem = f"{site_id} is reached without encryption, so its credentials can be read on the way"
                self._warn((*entry.path, "url"), problem, "Use its https:// address.")

    def _warn_of_lost_levels(self) -> None:
        """Rules that are not in the file may name a level that their site, reached in a new way, does not have."""
        in_file = {entry.block.key for entry in self._file.rules}
        levels = {site: {level.id for level in found} for site, found in self.levels_read.items()}
        for key, rule in self.wanted.rules.items():
            for target in rule.grants:
                if key not in in_file and target.site in levels and target.level not in levels[target.site]:
                    self.warnings.append(f'rule {key} gives level "{target.level}", which {target.site} does not have.')

    def _warn(self, path: Path, problem: str, remedy: str) -> None:
        self.warnings.append(str(self._file.problem(path, problem, remedy)))
