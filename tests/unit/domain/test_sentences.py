"""Every choice that a rule offers has its sentence."""

from dataclasses import fields
from enum import StrEnum
from typing import get_args, get_type_hints

import pytest

from factories import rule
from guestlist.domain.rules import Rule
from guestlist.domain.sentences import CHOICES, consequences, sentence


def choices() -> dict[str, set[str]]:
    """Field -> values, for every field of a rule whose values are words."""
    hints = get_type_hints(Rule)
    found = {}
    for field in fields(Rule):
        kinds = [kind for kind in (hints[field.name], *get_args(hints[field.name])) if isinstance(kind, type)]
        for kind in kinds:
            if issubclass(kind, StrEnum):
                found[field.name] = {str(value) for value in kind}
    return found


def test_no_choice_is_without_a_sentence_and_no_sentence_without_a_choice():
    assert {field: set(values) for field, values in CHOICES.items()} == choices()


def test_no_two_choices_of_a_field_say_the_same():
    for values in CHOICES.values():
        assert len(set(values.values())) == len(values)


def test_a_rule_says_what_it_means():
    told = consequences(rule("product-12", "academy/8", access="90 days", on_cancel="now", grace_days=0))

    assert told["access"] == "Every charge gives access for 90 days."
    assert told["on_cancel"] == "Who cancels loses access at once."
    assert "leaves a gap" in told["grace_days"]
    assert told.keys() == {*CHOICES, "grace_days"}


def test_an_unknown_choice_is_an_error():
    with pytest.raises(KeyError):
        sentence("on_cancel", "maybe")
