import textwrap
import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from guestlist.fulfilment.toml_lines import Path, TomlLines

TRICKY = textwrap.dedent('''\
    # [[carts]] in a comment
    title = "a ] } # no comment \\" [[x]]"  # but this is
    long = """
    [[carts]]
    quote: \\""" and one more""""
    raw = \'\'\'
    [rules]
    it\'s\'\'\'
    when = 1979-05-27 07:32:00
    [[carts]]
    id = "one"

    [carts.secret]  # a table of the first cart
    env = 'A#B]'
    [[carts]]
    "id" = "two"
    secret.env = "DOTTED"
    "odd \\u0041.key" = 1
    [[rules]]
    grants = [
        { site = "a", level = "8" }, # one
        # [[none]]
        { site = "b",  level = 9 },
        {}, [1, 2,
             3],
    ]
    days = [1979-05-27 07:32:00, 1979-05-27]
    [[rules]]
    [[rules.grants]]
    site = "c"
    [[rules.grants]]
    site = "d"
    [other . table]
    key = 1
''')


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("long",), 3),
        (("raw",), 6),
        (("when",), 9),
        (("carts",), 10),
        (("carts", 0), 10),
        (("carts", 0, "id"), 11),
        (("carts", 0, "secret"), 13),
        (("carts", 0, "secret", "env"), 14),
        (("carts", 1), 15),
        (("carts", 1, "id"), 16),
        (("carts", 1, "secret", "env"), 17),
        (("carts", 1, "odd A.key"), 18),
        (("rules", 0), 19),
        (("rules", 0, "grants"), 20),
        (("rules", 0, "grants", 0, "level"), 21),
        (("rules", 0, "grants", 1, "site"), 23),
        (("rules", 0, "grants", 3, 2), 25),
        (("rules", 0, "days", 1), 27),
        (("rules", 1), 28),
        (("rules", 1, "grants", 0, "site"), 30),
        (("rules", 1, "grants", 1), 31),
        (("other", "table", "key"), 34),
        (("carts", 1, "kind"), 15),  # what is not there: the nearest thing around it
        (("nothing",), 1),
    ],
)
def test_finds_the_line_of_every_kind_of_place(path: Path, line: int):
    assert TomlLines(TRICKY).line(path) == line


def test_counts_windows_line_ends_as_one():
    assert TomlLines("a = 1\r\n\r\nb = [\r\n 1,\r\n 2]\r\n").line(("b", 1)) == 5


def paths_of(value: object, path: Path = ()) -> set[Path]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(paths_of(child, (*path, key)) for key, child in children))


def test_knows_every_place_that_the_parser_sees():
    assert paths_of(tomllib.loads(TRICKY)) == set(TomlLines(TRICKY)._lines)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=12)
values = st.recursive(
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), texts, st.datetimes(), st.dates()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(texts, values, max_size=5))
def test_knows_every_place_of_any_document(document: dict[str, object]):
    text = tomlkit.dumps(document)
    assert paths_of(tomllib.loads(text)) <= set(TomlLines(text)._lines)
