"""Changes of single settings from a form: laid over what is stored, proved and saved as a settings file is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import tomlkit

from guestlist.connections.rotation import rotate_secret
from guestlist.domain.help_topics import HelpTopic
from guestlist.domain.rules import Rule
from guestlist.fulfilment.apply import save_settings
from guestlist.fulfilment.rules import rule_to_dict
from guestlist.fulfilment.settings_changes import Saved
from guestlist.fulfilment.settings_file import Problem, SettingsInvalid
from guestlist.fulfilment.settings_values import Removal, RuleKey

_PLACE = re.compile(r"(carts|sites|rules)\[(\d+)\](?:\.(\w+))?")
_WHERE = re.compile(r"line \d+, \S+: ")


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A mistake in a form.

    Attributes:
        entry: which of the entries that were sent, counted from 0.
        field: its field; "" = the entry as a whole.
        problem, remedy: in words.
        help: the page of help about it.
    """

    entry: int
    field: str
    problem: str
    remedy: str
    help: HelpTopic | None

    def __str__(self) -> str:
        said = f"{self.problem.rstrip('.')}. {self.remedy}".strip()
        return said[:1].upper() + said[1:]


class EditRefused(Exception):
    """A change cannot be saved, for these reasons; nothing was changed."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


def save_cart(fields: Mapping[str, Any]) -> Saved:
    """Connect or change a cart.

    Args:
        fields: as in a `[[carts]]` block of the settings file; what is left out stays as it is.

    Raises:
        EditRefused: with the problem of each field.
    """
    return _save({"carts": [dict(fields)]})


def rotate_cart_secret(cart_id: str, secret: str, *, keep_for: timedelta) -> None:
    """Make another word a cart's secret; the present one counts as well for so long.

    Raises:
        EditRefused: it can be no secret.
    """
    _save({"carts": [{"id": cart_id, "secret": secret}]}, dry_run=True)
    rotate_secret(cart_id, secret, keep_for=keep_for)


def save_site(fields: Mapping[str, Any]) -> Saved:
    """Connect or change a site; one that is new, or reached in another way, must answer and let us in first.

    Args:
        fields: as in a `[[sites]]` block of the settings file; what is left out stays as it is.

    Raises:
        EditRefused: with the problem of each field. Not to be called inside a transaction.
    """
    return _save({"sites": [dict(fields)]})


def save_rules(
    cart_id: str, rules: Sequence[Rule], *, instead_of: Iterable[RuleKey] = (), dry_run: bool = False
) -> Saved:
    """Save rules of a cart, all or none.

    Args:
        instead_of: stored rules that go, unless they are among the new ones.
        dry_run: check only.

    Raises:
        EditRefused: `entry` says which rule.
    """
    kept = {RuleKey(cart_id, rule.item, rule.option) for rule in rules}
    blocks = [{"cart": cart_id, **rule_to_dict(rule)} for rule in rules]
    return _save({"rules": blocks}, Removal(rules=frozenset(instead_of) - kept), dry_run=dry_run)


def disconnect_cart(cart_id: str) -> Saved:
    """Take nothing more from a cart; its rules go, its orders and what they gave stay."""
    return _save({}, Removal(carts=frozenset([cart_id])))


def disconnect_site(site_id: str) -> Saved:
    """Change nothing more at a site; rules no longer give its levels, and its members keep what they have there."""
    return _save({}, Removal(sites=frozenset([site_id])))


def _save(content: Mapping[str, Any], without: Removal | None = None, *, dry_run: bool = False) -> Saved:
    try:
        saved = save_settings(tomlkit.dumps(content), without=without or Removal(), dry_run=dry_run)
    except SettingsInvalid as invalid:
        raise EditRefused(_of_field(problem, content) for problem in invalid.problems) from None
    # Who filled in a form knows of no lines.
    return replace(saved, warnings=tuple(_WHERE.sub("", warning, count=1) for warning in saved.warnings))


def _of_field(problem: Problem, content: Mapping[str, Any]) -> FieldProblem:
    found = _PLACE.match(problem.place)
    entry, field = (int(found[2]), found[3] or "") if found else (0, "")
    told = problem.problem
    for site in content.get("sites", ()):
        # A file has several sites, a form is about one.
        told = told.removeprefix(f"{site.get('id')}: ").removeprefix(f"{site.get('id')} does not answer properly: ")
    return FieldProblem(entry, field, told, problem.remedy, problem.help)
