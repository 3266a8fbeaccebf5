"""The forms with which a seller says what an item gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from guestlist.connections.levels import levels_from_json
from guestlist.connections.models import Site
from guestlist.dashboard.said import said
from guestlist.domain.facts import Item
from guestlist.domain.periods import Period, Unit
from guestlist.domain.rules import (
    AccessKind,
    AfterLastPayment,
    OnEnd,
    OnFailedPayment,
    OnRefund,
    PasswordEmail,
    Rule,
    Target,
    WelcomeEmail,
)
from guestlist.domain.sentences import CHOICES
from guestlist.domain.terms import Level, LevelTerms
from guestlist.fulfilment.catalogue import CatalogueItem, Option
from guestlist.fulfilment.editing import EditRefused
from guestlist.fulfilment.rules import rule_to_dict
from guestlist.fulfilment.settings_values import RuleKey
from guestlist.sites.registry import all_platforms

SAME, EACH = "same", "each"
FIXED = "fixed"


@dataclass(frozen=True, slots=True)
class SiteLevels:
    """A connected site with its levels as last read; `id` and `platform` as in Settings > Integrations."""

    id: str
    platform: str
    levels: tuple[Level, ...]


def sites_with_levels() -> list[SiteLevels]:
    """The sites whose levels can be chosen."""
    rows, platforms = Site.objects.filter(active=True).order_by("pk"), all_platforms()
    return [SiteLevels(row.pk, platforms[row.kind].label, levels_from_json(row.levels)) for row in rows]


def terms_of(sites: Iterable[SiteLevels]) -> dict[Target, LevelTerms]:
    """The terms of all levels."""
    return {Target(site.id, level.id): level.terms for site in sites for level in site.levels}


def titles_of(sites: Iterable[SiteLevels]) -> dict[Target, str]:
    """How levels are called at their sites."""
    return {Target(site.id, level.id): level.title for site in sites for level in site.levels}


def _choices(field: str) -> list[tuple[str, Any]]:
    return [(value, _(sentence)) for value, sentence in CHOICES[field].items()]


def _radio(field: str, label: Any) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=_choices(field), widget=forms.RadioSelect)


class RuleForm(forms.Form):
    """What an item gives in one of its pricing options, or in all: levels, how long, what ends it, which mails."""

    levels = forms.MultipleChoiceField(
        label=_("Levels"),
        required=False,
        error_messages={"invalid_choice": _("%(value)s is no level of a connected site any more. Choose another one.")},
    )
    nothing = forms.BooleanField(label=_("No access: buyers get nothing at a site for it."), required=False)
    access = forms.ChoiceField(
        label=_("How long access lasts"),
        choices=[*_choices("access"), (FIXED, _("Every charge gives access for a fixed time."))],
        widget=forms.RadioSelect,
    )
    length = forms.IntegerField(label=_("Fixed time"), min_value=1, max_value=9999, required=False)
    unit = forms.ChoiceField(
        label=_("Unit of the fixed time"),
        choices=[
            (Unit.DAYS.value, _("days")),
            (Unit.WEEKS.value, _("weeks")),
            (Unit.MONTHS.value, _("months")),
            (Unit.YEARS.value, _("years")),
        ],
    )
    grace_days = forms.IntegerField(
        label=_("Days of grace"),
        min_value=0,
        max_value=365,
        help_text=_("So many days longer than paid, so that a late charge locks nobody out."),
    )
    on_refund = _radio("on_refund", _("All the money goes back"))
    on_partial_refund = _radio("on_partial_refund", _("Part of the money goes back"))
    on_cancel = _radio("on_cancel", _("Somebody cancels"))
    on_failed_payment = _radio("on_failed_payment", _("A payment fails"))
    on_pause = _radio("on_pause", _("Somebody pauses"))
    after_last_payment = _radio("after_last_payment", _("The last payment of a plan is made"))
    welcome_email = _radio("welcome_email", _("Welcome mail of the site"))
    password_email = _radio("password_email", _("Mail to set a password"))

    use_required_attribute = False

    def __init__(
        self, sites: Sequence[SiteLevels], rule: Rule | None, *, item: Item, prefix: str, data: Any = None
    ) -> None:
        self._sites = sites
        self._rule = rule
        # A page shows the forms of several items: the names of their fields are the same, their ids are not.
        super().__init__(data, prefix=prefix, auto_id=f"{item}-%s", initial=_initial(rule))
        unknown = [target for target in (rule.grants if rule else ()) if target not in terms_of(sites)]
        self.unknown = [f"{target.site} {target.level}" for target in unknown]
        self.fields["levels"].choices = [  # type: ignore[attr-defined]
            *((f"{site.id}/{level.id}", level.title) for site in sites for level in site.levels),
            *((f"{target.site}/{target.level}", target.level) for target in unknown),
        ]

    @property
    def endings(self) -> Iterator[forms.BoundField]:
        """The choices about what ends access, and about mails."""
        names = ("on_refund", "on_partial_refund", "on_cancel", "on_failed_payment", "on_pause", "after_last_payment")
        return (self[name] for name in (*names, "welcome_email", "password_email"))

    @property
    def level_groups(self) -> list[tuple[SiteLevels, list[tuple[str, Level, bool]]]]:
        """Sites, each with its levels: value, level, chosen."""
        chosen = set(self["levels"].value() or ())
        return [
            (site, [(f"{site.id}/{level.id}", level, f"{site.id}/{level.id}" in chosen) for level in site.levels])
            for site in self._sites
        ]

    @property
    def has_hidden_errors(self) -> bool:
        """Whether anything is wrong with what is folded away until it is asked for."""
        return bool(self.errors.keys() - {"levels"})

    @property
    def is_decided(self) -> bool:
        """Whether levels are chosen, or that there are none; else there is no rule."""
        return bool(self.cleaned_data.get("levels") or self.cleaned_data.get("nothing"))

    def clean(self) -> dict[str, Any]:
        """The fixed time is needed where it is chosen; levels and no access exclude each other."""
        values = super().clean() or {}
        if values.get("levels") and values.get("nothing"):
            self.add_error("levels", _("Levels are chosen, and also that it gives no access. Take one of them back."))
        if values.get("access") == FIXED and not values.get("length") and "length" not in self.errors:
            self.add_error("length", _("How long? Enter a number, such as 90 days."))
        return values

    def rule(self, item: Item, option: str | None) -> Rule:
        """The rule as entered; the form is valid."""
        values = self.cleaned_data
        fixed = values["access"] == FIXED
        return Rule(
            item=item,
            option=option,
            grants=self._targets(values["levels"]),
            access=Period(values["length"], Unit(values["unit"])) if fixed else AccessKind(values["access"]),
            grace_days=values["grace_days"],
            on_refund=OnRefund(values["on_refund"]),
            on_partial_refund=OnRefund(values["on_partial_refund"]),
            on_cancel=OnEnd(values["on_cancel"]),
            on_failed_payment=OnFailedPayment(values["on_failed_payment"]),
            on_pause=OnEnd(values["on_pause"]),
            after_last_payment=AfterLastPayment(values["after_last_payment"]),
            welcome_email=WelcomeEmail(values["welcome_email"]),
            password_email=PasswordEmail(values["password_email"]),
        )

    def _targets(self, chosen: Sequence[str]) -> tuple[Target, ...]:
        targets = [Target(*value.split("/", 1)) for value in chosen]
        before = list(self._rule.grants) if self._rule else []
        # The first level carries the charge's amount at the site, so what was first stays first.
        return tuple(sorted(targets, key=lambda target: before.index(target) if target in before else len(before)))


def _initial(rule: Rule | None) -> dict[str, Any]:
    shown = rule or Rule(item=Item.parse("product-0"), grants=())
    fixed = isinstance(shown.access, Period)
    values = {name: str(getattr(shown, name)) for name in CHOICES if name != "access"}
    return {
        **values,
        "levels": [f"{target.site}/{target.level}" for target in shown.grants],
        "nothing": rule is not None and not rule.grants,
        "access": FIXED if fixed else str(shown.access),
        "length": shown.access.count if isinstance(shown.access, Period) else None,
        "unit": shown.access.unit.value if isinstance(shown.access, Period) else Unit.DAYS.value,
        "grace_days": shown.grace_days,
    }


@dataclass(frozen=True, slots=True)
class Part:
    """A rule's form and the option that it is for; None = all, or all others."""

    option: Option | None
    form: RuleForm


class ItemForm:
    """All that can be said about one item: one rule for all pricing options, or one for each."""

    def __init__(
        self, entry: CatalogueItem, sites: Sequence[SiteLevels], data: Mapping[str, Any] | None = None
    ) -> None:
        self.entry = entry
        self.sites = sites
        options = entry.named_options
        by_option = any(rule.option is not None for rule in entry.rules)
        self.split = (data.get("split") if data else None) or (EACH if by_option else SAME)
        general = entry.rule_of(None)
        self.general = Part(None, RuleForm(sites, general, item=entry.item, prefix="all", data=data))
        # By the option's own id: one that was sold for the first time, or renamed, since the page was opened must not
        # have the others' choices move on by one. What the page did not show is not chosen on it.
        self.each = [
            Part(option, RuleForm(sites, self._first_shown(option), item=entry.item, prefix=f"o{option.id}", data=data))
            for option in options
            if data is None or f"o{option.id}-access" in data
        ]
        self._opened_with = data.get("opened_with") if data else None

    def _first_shown(self, option: Option) -> Rule | None:
        own = self.entry.rule_of(option.id)
        # Whoever begins to tell options apart begins with what holds for all of them.
        return own or (None if any(rule.option for rule in self.entry.rules) else self.entry.rule_of(None))

    @property
    def opened_with(self) -> str:
        """Tells the rules that are stored from all others."""
        stored = json.dumps([rule_to_dict(rule) for rule in self.entry.rules])
        return hashlib.sha256(stored.encode()).hexdigest()

    @property
    def is_stale(self) -> bool:
        """Whether the rules are others by now than those that the page was opened with."""
        return self._opened_with is not None and self._opened_with != self.opened_with

    @property
    def can_split(self) -> bool:
        """Whether there are options to tell apart."""
        return bool(self.each)

    @property
    def parts(self) -> list[Part]:
        """The forms that count."""
        return [*self.each, self.general] if self.split == EACH and self.each else [self.general]

    def is_valid(self) -> bool:
        """Whether all forms that count are filled in rightly, and anything is decided at all."""
        # Each is asked, so that all mistakes show at once.
        right = not [part for part in self.parts if not part.form.is_valid()]
        if right and not self._decided:
            self.parts[0].form.add_error("levels", _("Choose at least one level, or that it gives no access."))
            return False
        return right

    def rules(self) -> list[Rule]:
        """The rules as entered."""
        return [part.form.rule(self.entry.item, _id(part.option)) for part in self._decided]

    @property
    def _decided(self) -> list[Part]:
        return [part for part in self.parts if part.form.is_decided]

    @property
    def keys(self) -> list[RuleKey]:
        """The rules that are stored for the item."""
        return [RuleKey(self.entry.cart, self.entry.item, rule.option) for rule in self.entry.rules]

    def take(self, refused: EditRefused) -> None:
        """Show what is wrong with the rules at the fields that it is about."""
        for problem in refused.problems:
            form = self._decided[min(problem.entry, len(self._decided) - 1)].form
            field = "levels" if problem.field in ("grants", "") else problem.field
            form.add_error(field if field in form.fields else None, said(str(problem)))


def _id(option: Option | None) -> str | None:
    return option.id if option else None
