"""Which people somebody wants to see, and what they want to do for one."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from guestlist.access.member_search import MembersAsked, MemberStanding
from guestlist.access.staff_refusals import LONGEST_NAME, LONGEST_WHY, StaffRefused
from guestlist.connections.models import Site
from guestlist.connections.queries import level_titles
from guestlist.dashboard.said import said
from guestlist.dashboard.states import look
from guestlist.domain.staff import Act

# Neither a site's id nor a level's has one.
BETWEEN = "/"
# Acts that may be about all levels of a site at once.
ALL_LEVELS = (Act.REVOKE, Act.HOLD, Act.RELEASE)
LASTING = (Act.GRANT, Act.EXTEND)


class PeopleForm(forms.Form):
    """The filters above the list. What cannot be understood is marked and counts as left out."""

    text = forms.CharField(
        label=gettext_lazy("E-mail or name"),
        required=False,
        max_length=320,
        widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"}),
    )
    standing = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    site = forms.ChoiceField(label=gettext_lazy("Site"), required=False)
    level = forms.ChoiceField(label=gettext_lazy("Has the level"), required=False)

    def __init__(self, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        sites = list(Site.objects.order_by("pk").only("pk", "levels"))
        choices: dict[str, list[tuple[str, Any]]] = {
            "standing": [(each.value, look(each.value).label) for each in MemberStanding],
            "site": [(site.pk, site.pk) for site in sites],
            "level": [
                (f"{site.pk}{BETWEEN}{level}", f"{title or level} ({site.pk})")
                for site in sites
                for level, title in level_titles(site.levels).items()
            ],
        }
        for name, offered in choices.items():
            self.fields[name].choices = [("", _("All")), *offered]  # type: ignore[attr-defined]

    def asked(self) -> MembersAsked:
        """Who is looked for."""
        self.is_valid()
        found = self.cleaned_data
        site, _slash, level = found.get("level", "").partition(BETWEEN)
        return MembersAsked(
            text=found.get("text", ""),
            # A level is one site's, so it says which.
            site=site or found.get("site", ""),
            level=level,
            standing=MemberStanding(found["standing"]) if found.get("standing") else None,
        )


class ActForm(forms.Form):
    """Something done by hand: for whom, where, how long and why.

    Args:
        act: what; decides which fields there are.
        known: the person is known, so that their name need not be asked for.
    """

    email = forms.EmailField(label=gettext_lazy("E-mail address"), max_length=320)
    site = forms.ChoiceField(label=gettext_lazy("Site"))
    level = forms.ChoiceField(label=gettext_lazy("Level"), required=False)
    lasts = forms.ChoiceField(
        label=gettext_lazy("How long"),
        choices=[("until", gettext_lazy("Until a day, that day included")), ("forever", gettext_lazy("For ever"))],
        initial="until",
        widget=forms.RadioSelect,
    )
    until = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    first_name = forms.CharField(label=gettext_lazy("First name"), required=False, max_length=LONGEST_NAME)
    last_name = forms.CharField(label=gettext_lazy("Last name"), required=False, max_length=LONGEST_NAME)
    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_WHY,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("For whoever asks later. It stands in the person's history."),
    )

    def __init__(self, act: Act, *args: Any, known: bool, **values: Any) -> None:
        super().__init__(*args, **values)
        self.act = act
        sites = {site.pk: site for site in Site.objects.filter(active=True).order_by("pk").only("pk", "levels")}
        named = self.data.get("site") or self.initial.get("site") or (next(iter(sites)) if len(sites) == 1 else "")
        self.chosen_site: str = named
        self.fields["site"].choices = [(pk, pk) for pk in sites]  # type: ignore[attr-defined]
        offered: list[Any]
        if named:
            self.initial["site"] = named
            self.fields["site"].widget = forms.HiddenInput()
            levels = _levels(sites[named]) if named in sites else {}
            asked = self.data.get("level") or self.initial.get("level")
            if asked and asked not in levels:
                levels[asked] = asked  # one that the site does not have any more
            offered = list(levels.items())
        else:
            # The level says at which site.
            self.fields["site"].required = False
            self.fields["site"].widget = forms.HiddenInput()
            offered = [
                (pk, [(f"{pk}{BETWEEN}{level}", title) for level, title in _levels(site).items()])
                for pk, site in sites.items()
            ]
            offered += [] if act in LASTING else [(_("All levels"), [(f"{pk}{BETWEEN}", pk) for pk in sites])]
        first = ("", _("All levels of the site")) if named and act in ALL_LEVELS else ("", _("Choose one"))
        self.fields["level"].choices = [first, *offered]  # type: ignore[attr-defined]
        self.fields["level"].required = act in LASTING or not named
        if act not in LASTING:
            del self.fields["lasts"], self.fields["until"]
        if known or act is not Act.GRANT:
            del self.fields["first_name"], self.fields["last_name"]
        if known:
            self.fields["email"].widget = forms.HiddenInput()

    def clean(self) -> dict[str, Any]:
        """The site and its level apart; a last day where one is needed."""
        found: dict[str, Any] = super().clean() or {}
        if "site" in self.errors:
            # Its field is not seen.
            self.add_error(None, _("There is no such site, or it is disconnected."))
        if not self.chosen_site and "level" in found:
            found["site"], _slash, found["level"] = found["level"].partition(BETWEEN)
        if found.get("lasts") == "until" and not found.get("until") and "until" not in self.errors:
            self.add_error("until", _("Choose the last day, or “for ever”."))
        return found

    @property
    def until_on(self) -> date | None:
        """The last day; None = for ever, or does not apply."""
        return self.cleaned_data.get("until") if self.cleaned_data.get("lasts") == "until" else None

    def refuse(self, error: StaffRefused) -> None:
        """Show why it cannot be done, at the field that is to blame."""
        seen = error.field in self.fields and not self.fields[error.field].widget.is_hidden
        self.add_error(error.field if seen else None, said(f"{error.problem} {error.remedy}"))


def _levels(site: Site) -> dict[str, str]:
    """Name by level."""
    return {level: title or level for level, title in level_titles(site.levels).items()}


class EraseForm(forms.Form):
    """What becomes of the access, the address once more so that nobody is erased by a slip of the hand, and why."""

    END, KEEP = "end", "keep"

    access = forms.ChoiceField(
        label=gettext_lazy("What becomes of their access"),
        choices=[
            (END, gettext_lazy("End it first. The data is erased once every site has confirmed the end.")),
            (KEEP, gettext_lazy("Leave it at the sites as it is, with the last day that it has there.")),
        ],
        widget=forms.RadioSelect,
    )
    typed = forms.CharField(
        label=gettext_lazy("Type the e-mail address to confirm"),
        max_length=320,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    why = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=LONGEST_WHY,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands in the audit log, without the address. Name nobody."),
    )

    def __init__(self, email: str, *args: Any, **values: Any) -> None:
        super().__init__(*args, **values)
        self._email = email

    def clean_typed(self) -> str:
        """The same address."""
        typed: str = self.cleaned_data["typed"]
        if typed.strip().lower() != self._email.strip().lower():
            raise forms.ValidationError(_("This is another address."))
        return typed
