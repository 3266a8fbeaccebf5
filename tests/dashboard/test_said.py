"""What Guestlist says, on German pages: all of it is recognised, and the words of others stay as they are."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation import gettext, override
from hypothesis import given, settings
from hypothesis import strategies as st

import guestlist
from guestlist.dashboard.said import said
from guestlist.dashboard.sayings import SAYINGS
from guestlist.dashboard.templatetags.guestlist import said_to_the_viewer

SOURCE = Path(guestlist.__file__).parent
# Where sentences are made that pages show.
MODULES = (
    *("domain/ending", "domain/plan", "domain/staff", "domain/terms", "orders/words", "connections/modes"),
    *("access/addresses", "access/desire", "access/outcome", "access/sitestate", "access/staff"),
    *("access/staff_refusals", "access/reconcile/drift", "access/reconcile/mend", "access/reconcile/read"),
    *("access/reconcile/run", "carts/thrivecart/body", "carts/thrivecart/envelope", "carts/thrivecart/items"),
    *("carts/thrivecart/money", "carts/thrivecart/order", "carts/thrivecart/read", "carts/thrivecart/values"),
    *("inbox/interpret", "sites/http", "sites/network", "sites/memberpress/client", "sites/memberpress/ensure"),
    *("sites/memberpress/health", "sites/memberpress/holdings", "sites/memberpress/members"),
    *("sites/memberpress/passwords", "sites/memberpress/settings", "sites/memberpress/site"),
    *("sites/memberpress/transactions", "fulfilment/simulate", "fulfilment/address_foresight"),
)
# Put into other sentences, which are sayings as a whole.
PIECES = {
    *(" and {} days of grace", "the first payment", "the next payment", "access until {} is due on {}{}"),
    *("{} by hand on {} by {} ({}): {}", "on hold since", "revoked on", "the last payment", "next due on {}"),
    *("paid until {}", "{} orders only", "it is a {} order, and the cart fulfils {}", "; the last day was {}"),
    *(" after {} characters", "without a number"),
}
# Made there too, and never shown on a page.
ELSEWHERE = {
    "a level's terms are a period or a date, not both",  # an error of ours
    *("Nothing says who does this.", "Name the person."),  # pages know who is signed in
    "MemberPress (WordPress)",  # a name
}
SAMPLES = ("2026-01-31", "7", "Xy", "xy@example.com", "")
WORD = re.compile(r"(?<![\w.-])[A-Za-z]{2,}(?![\w-])")


def sentences(module: str) -> Iterator[list[list[str] | None]]:
    """Each sentence of a module: its parts, which may be one of those words; None = a value."""
    tree = ast.parse((SOURCE / f"{module}.py").read_text())
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    inside |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inside:
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            fixed = "".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
            if len(WORD.findall(fixed)) > 1 and " " in fixed and "\n" not in fixed:
                yield [words_of(part) for part in parts]


def words_of(part: ast.expr) -> list[str] | None:
    value = part.value if isinstance(part, ast.FormattedValue) else part
    both = (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,)
    return [str(each.value) for each in both if isinstance(each, ast.Constant)] or None


def written(parts: list[list[str] | None]) -> str:
    """A sentence as it stands in the source, its values as `{}`."""
    return "".join("{}" if part is None else part[0] for part in parts)


def ways(parts: list[list[str] | None]) -> Iterator[str]:
    """How it may be said, with some values."""
    for sample in SAMPLES:
        yield from map("".join, itertools.product(*(part or [sample] for part in parts)))
    yield from map("".join, itertools.product(*(part or SAMPLES for part in parts)))


def known(words: str) -> bool:
    """Is it one of the sayings, or put together from some?"""
    words = words.removeprefix("; ").rstrip()
    parts = [part for part in re.split(r"(?<=\.) |; |: ", words) if WORD.search(part)]
    return said(words) != words and (fits(words) or all(said(part) != part for part in parts))


def fits(words: str) -> bool:
    patterns = (re.escape(re.sub(r"{\w+}", "\0", saying)).replace("\0", ".*") for saying in SAYINGS)
    return any(re.fullmatch(f"(Xy: )?{pattern}", words) for pattern in patterns)


@pytest.mark.parametrize("module", MODULES)
def test_all_that_is_said_is_recognised(module):
    with override("de"):
        unknown = [written(parts) for parts in sentences(module) if not any(map(known, ways(parts)))]
    assert sorted(set(unknown) - PIECES - ELSEWHERE) == []


PUT_TOGETHER = {
    "Course: One (product-101) bought on 2026-11-23: access until the next payment is due on 2026-12-23 and 3 days"
    " of grace; cancelled on 2026-11-24, so access ends with the period, 2026-12-23": (
        "Course: One (product-101), gekauft am 23. Nov 2026: Zugang, bis am 23. Dez 2026 die nächste Zahlung fällig"
        " ist, und 3 Kulanztage; gekündigt am 24. Nov 2026, deshalb endet der Zugang mit dem Zeitraum, 23. Dez 2026"
    ),
    "given by hand on 2026-11-23 by Owner (a favour; until 3: yes): access for ever; revoked on 2026-11-25, by Owner"
    " (no. (really) no)": (
        "von Hand gegeben am 23. Nov 2026 von Owner (a favour; until 3: yes): Zugang dauerhaft; entzogen am"
        " 25. Nov 2026, von Owner (no. (really) no)"
    ),
    "1600.00 USD paid again for product-103, invoice 4711-1, next due on 2026-11-21": (
        "1.600,00 USD erneut bezahlt für product-103, Rechnung 4711-1, nächste fällig am 21. Nov 2026"
    ),
    "The site does not accept connections in time. Check the site's address: open it in a browser and copy what the"
    " address line shows.": (
        "Die Website nimmt Verbindungen nicht rechtzeitig an. Prüfen Sie die Adresse der Website: Öffnen Sie sie im"
        " Browser und kopieren Sie, was die Adresszeile zeigt."
    ),
    "Club (product-102) paid again on 2026-11-22 (invoice 4711-2): access by the level's own terms (1 month from the"
    " purchase); on hold since 2026-11-23, by Owner (x)": (
        "Club (product-102), erneut bezahlt am 22. Nov 2026 (Rechnung 4711-2): Zugang nach den Bedingungen des Levels"
        " (1 Monat ab dem Kauf); gesperrt seit 23. Nov 2026, von Owner (x)"
    ),
    'order.total: "abc" is no whole number of cents': 'order.total: "abc" ist keine ganze Zahl von Cent',
}


@pytest.mark.parametrize(("sentence", "german"), PUT_TOGETHER.items())
def test_what_is_put_together_is_said_in_german(sentence, german):
    with override("de"):
        assert said_to_the_viewer(sentence) == german
    with override("en"):
        assert said(sentence) == sentence


@pytest.mark.parametrize(
    "sentence",
    ["", "Wir mögen Ihre Adresse nicht: 12", "a favour for a friend", "The plugin Foo says: it's broken; ask. Us."],
)
def test_words_of_others_stay_as_they_are(sentence):
    with override("de"):
        assert said(sentence) == sentence


VALUES = {
    "day": st.dates().map(str),
    "count": st.integers(0).map(str),
    "invoice": st.from_regex(r"[0-9]{4}", fullmatch=True),
    "email": st.from_regex(r"[a-z]{3}@[a-z]{3}\.example", fullmatch=True),
    "order": st.from_regex(r"[0-9]{4}", fullmatch=True),
}
ANYTHING = st.from_regex(r"[A-Z]{3,8}", fullmatch=True)


@pytest.mark.parametrize("saying", SAYINGS)
@settings(max_examples=3)
@given(data=st.data())
def test_each_saying_is_taken_for_itself_whatever_its_values(saying, data):
    values = {name: data.draw(VALUES.get(name, ANYTHING)) for name in re.findall(r"{(\w+)}", saying)}
    with override("de"):
        assert said(saying.format_map(values)) == gettext(saying).format_map(values)
