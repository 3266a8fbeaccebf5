import re
import textwrap
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from guestlist.connections.models import CartMode
from guestlist.domain.facts import Item
from guestlist.domain.periods import Period
from guestlist.domain.rules import AccessKind, OnEnd, Rule
from guestlist.fulfilment.settings_blocks import Block
from guestlist.fulfilment.settings_file import BLOCKS, SettingsFile, SettingsInvalid, read_settings_file

# Every field there is.
WHOLE = textwrap.dedent("""\
    [[carts]]
    id = "shop"                       # webhook address: /hooks/shop
    kind = "thrivecart"
    secret = "A1B2C3D4E5F6"
    api_key = { env = "THRIVECART_API_KEY" }
    mode = "live"

    [[sites]]
    id = "academy"
    kind = "memberpress"
    url = "https://Academy.Example.com/blog/"
    api_key = { env = "ACADEMY_KEY" }
    concurrency = 2
    allow_private_address = false
    on_email_change = "follow"

    [[rules]]
    cart = "shop"
    item = "product-12"
    option = "78572"
    grants = [ { site = "academy", level = "8" }, { site = "academy", level = 9 } ]
    access = "90 days"
    grace_days = 3
    on_refund = "revoke"
    on_partial_refund = "keep"
    on_cancel = "now"
    on_failed_payment = "grace"
    on_pause = "period-end"
    after_last_payment = "forever"
    welcome_email = "new"
    password_email = "new"
""")
ENVIRON = {"THRIVECART_API_KEY": "TC-key", "ACADEMY_KEY": "MP-key"}


def read(text: str, **environ: str) -> SettingsFile:
    return read_settings_file(text, ENVIRON | environ)


def told(text: str, **environ: str) -> list[tuple[int | None, str, str]]:
    """Line, place and words of every mistake."""
    try:
        problems = read(text, **environ).problems
    except SettingsInvalid as invalid:
        problems = tuple(invalid.problems)
    return [(each.line, each.place, f"{each.problem}. {each.remedy}") for each in problems]


def told_of(line: str, block: str = WHOLE) -> tuple[str, str]:
    """Place and words of the one mistake that `line` makes in place of the line with the same key."""
    key = line.split("=")[0].strip()
    lines = block.splitlines()
    number = max(n for n, old in enumerate(lines) if old.split("=")[0].strip() == key)
    found = told("\n".join([*lines[:number], line, *lines[number + 1 :]]))
    assert [(at, len(found)) for at, _, _ in found] == [(number + 1, 1)]
    return found[0][1], found[0][2]


def test_a_whole_file_is_read():
    file = read(WHOLE)
    assert not file.problems
    (cart,), (site,), (rule,) = ([entry.block for entry in part] for part in (file.carts, file.sites, file.rules))
    assert (cart.id, cart.kind, cart.mode) == ("shop", "thrivecart", CartMode.LIVE)
    assert cart.secret is not None
    assert cart.api_key is not None
    assert (cart.secret.value, cart.secret.env) == ("A1B2C3D4E5F6", "")
    assert (cart.api_key.value, cart.api_key.env) == ("TC-key", "THRIVECART_API_KEY")
    assert (site.url, site.concurrency, site.allow_private_address) == ("https://academy.example.com/blog", 2, False)
    assert {name: secret.value for name, secret in site.credentials().items()} == {"api_key": "MP-key"}
    assert rule.key == ("shop", Item.parse("product-12"), "78572")
    assert [(grant.site, grant.level) for grant in rule.grants] == [("academy", "8"), ("academy", "9")]
    assert rule.policies()["access"] == Period.parse("90 days")
    assert rule.policies()["on_cancel"] == OnEnd.NOW


def test_what_is_left_out_is_known_to_be_left_out():
    rule = read('[[rules]]\ncart = "shop"\nitem = "bump-3"\ngrants = [{ site = "a", level = 8 }]').rules[0].block
    assert rule.policies() == {}
    assert rule.item == Item.parse("bump-3")
    assert rule.option is None


@pytest.mark.parametrize("text", ["", "# nothing\n", "\ufeff[[carts]]\nid = 'shop'\n", "carts = []"])
def test_empty_files_and_a_byte_order_mark_are_fine(text: str):
    assert not read(text).problems


@pytest.mark.parametrize("access", ["auto", "forever", "paid-period", "level-terms"])
def test_access_may_be_a_word(access: str):
    file = read(WHOLE.replace('access = "90 days"', f'access = "{access}"'))
    assert file.rules[0].block.access is AccessKind(access)


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        ('id = "aca demy"', "sites[0].id", "letters a-z, digits"),
        (f'id = "{"x" * 65}"', "sites[0].id", "at most 64"),
        ("id = 3", "sites[0].id", "must be text, not the number 3"),
        ('mode = "life"', "carts[0].mode", 'Did you mean "live"? Use one of: live, test, both'),
        ("mode = true", "carts[0].mode", "must be text, not true"),
        ('kind = "memberprass"', "sites[0].kind", 'Did you mean "memberpress"?'),
        ('secret = ""', "carts[0].secret", "is empty"),
        ('secret = " \\t "', "carts[0].secret", "is empty"),
        ('secret = "A1B2 "', "carts[0].secret", "begins or ends with a blank"),
        ('secret = "A1\\nB2"', "carts[0].secret", "control character"),
        ('secret = "A1\\u0000B2"', "carts[0].secret", "control character"),
        ("secret = 123456", "carts[0].secret", "must be text, not the number 123456. Put it between quotation marks"),
        ('secret = { env = "UNSET" }', "carts[0].secret", "variable UNSET is not set. Set UNSET"),
        ('secret = { env = "A B" }', "carts[0].secret", "names no environment variable"),
        ("secret = { env = 3 }", "carts[0].secret", "names no environment variable"),
        ("secret = {}", "carts[0].secret", "names no environment variable"),
        ('secret = { env = "ACADEMY_KEY", enc = "x" }', "carts[0].secret", '"enc" is not known in this table'),
        ('api_key = { envv = "ACADEMY_KEY" }', "sites[0].api_key", '"envv" is not known in this table'),
        ('url = "academy.example.com"', "sites[0].url", "does not begin with https:// or http://"),
        ('url = "ftp://academy.example.com"', "sites[0].url", "does not begin with https:// or http://"),
        ('url = "https://"', "sites[0].url", "names no host"),
        ('url = "https://a b.example.com"', "sites[0].url", "names no host"),
        ('url = "https://a.example.com:99999"', "sites[0].url", "is no web address"),
        ('url = "https://[::1"', "sites[0].url", "is no web address"),
        ('url = "https://me:pw@a.example.com"', "sites[0].url", "has a user name or password in it"),
        ('url = "https://a.example.com/?x=1"', "sites[0].url", 'has a "?" or "#" in it'),
        ('url = "https://a.example.com/#x"', "sites[0].url", 'has a "?" or "#" in it'),
        ('url = "https://a.example.com/../x"', "sites[0].url", "more in its path than plain folders"),
        ('url = "https://a.example.com//x"', "sites[0].url", "more in its path than plain folders"),
        ('url = "https://a.example.com/%2e%2e/x"', "sites[0].url", "more in its path than plain folders"),
        ("url = ['https://a.example.com']", "sites[0].url", "must be text, not a list"),
        ("concurrency = 0", "sites[0].concurrency", "0 is too small. Write a whole number from 1 to 16"),
        ("concurrency = 17", "sites[0].concurrency", "17 is too large"),
        ("concurrency = 2.0", "sites[0].concurrency", "must be a whole number, not the number 2.0"),
        ("concurrency = true", "sites[0].concurrency", "must be a whole number, not true"),
        (
            'allow_private_address = "true"',
            "sites[0].allow_private_address",
            'must be true or false, not the text "true"',
        ),
        ('on_email_change = "move"', "sites[0].on_email_change", "Use one of: leave, follow."),
        ('item = "12"', "rules[0].item", "product-N, bump-N, upsell-N or downsell-N"),
        ('item = "product_12"', "rules[0].item", 'Write "product-12"'),
        ('item = "bump_3"', "rules[0].item", 'Write "bump-3"'),
        ("item = 12", "rules[0].item", "product-N, bump-N, upsell-N or downsell-N"),
        ("option = true", "rules[0].option", "must be text, not true"),
        ('option = ""', "rules[0].option", "is empty"),
        (f"option = {'9' * 65}", "rules[0].option", "65 characters long; at most 64"),
        ('grants = "academy"', "rules[0].grants", 'must be a list, not the text "academy"'),
        ('grants = ["academy"]', "rules[0].grants[0]", "must be a table"),
        ('grants = [{ site = "academy" }]', "rules[0].grants[0].level", "is missing"),
        ('grants = [{ site = "a", level = 8, lvl = 9 }]', "rules[0].grants[0].lvl", 'Did you mean "level"?'),
        ('grants = [{ site = "a", level = 8 }, { site = "a", level = "8" }]', "rules[0].grants[1]", "once more"),
        ('access = "for ever"', "rules[0].access", 'Did you mean "forever"?'),
        ('access = "90"', "rules[0].access", 'a length like "90 days"'),
        ('access = "0 days"', "rules[0].access", 'a length like "90 days"'),
        ('access = "101 years"', "rules[0].access", "more than a hundred years"),
        ("access = 90", "rules[0].access", "must be text, not the number 90"),
        ('grace_days = "3"', "rules[0].grace_days", 'must be a whole number, not the text "3"'),
        ("grace_days = -1", "rules[0].grace_days", "-1 is too small. Write a whole number from 0 to 365"),
        ("grace_days = 366", "rules[0].grace_days", "366 is too large"),
        (
            'on_cancel = "periodend"',
            "rules[0].on_cancel",
            'Did you mean "period-end"? Use one of: period-end, now, keep',
        ),
        ('on_partial_refund = "REVOKE"', "rules[0].on_partial_refund", "Use one of: revoke, keep"),
        ('password_email = "always"', "rules[0].password_email", "Use one of: new, never"),
    ],
)
def test_a_wrong_value_is_told_with_line_place_and_remedy(line: str, place: str, words: str):
    at, text = told_of(line)
    assert at == place
    assert words in text


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        ("[[rule]]", (32, "rule", 'is not known. Did you mean "rules"? A settings file holds')),
        ("[settings]", (32, "settings", "is not known")),
        ("on_cancle = 'now'", (32, "rules[0].on_cancle", 'is not known. Did you mean "on_cancel"?')),
        ("'o d.d' = 1", (32, 'rules[0]."o d.d"', "is not known")),
    ],
)
def test_an_unknown_key_is_told_with_the_known_ones(extra: str, problem: tuple[int, str, str]):
    ((line, place, words),) = told(f"{WHOLE}{extra}\n")
    assert (line, place) == problem[:2]
    assert problem[2] in words


def test_a_missing_field_is_told_at_its_block():
    assert [found[:2] for found in told("\n[[carts]]\n[[rules]]\n")] == [
        (2, "carts[0].id"),
        (3, "rules[0].cart"),
        (3, "rules[0].item"),
        (3, "rules[0].grants"),
    ]


def test_single_brackets_are_explained():
    ((line, place, words),) = told('[carts]\nid = "shop"\n')
    assert (line, place) == (1, "carts")
    assert "[[carts]]" in words


@pytest.mark.parametrize(
    ("text", "line", "place"),
    [
        ('[[carts]]\nid = "shop\n', 2, "column 11"),
        ("[[carts]\nid = 1\n", 1, "column 8"),
        ("[[carts]]\nid\n", 2, "column 3"),
        ("[[carts]]\nid = \n", 2, "column 6"),
        ('[[carts]]\nid = "a"\nid = "b"\n', 3, "column 9"),
        ("[[carts]]\ngrants = [", 2, "end of the file"),
        ("a = " + "9" * 5000, None, ""),
        ("a = " + "[" * 5000, None, ""),
    ],
)
def test_what_is_not_toml_is_told_with_line_and_column(text: str, line: int | None, place: str):
    assert [found[:2] for found in told(text)] == [(line, place)]


def test_all_mistakes_are_told_together_in_the_order_of_the_file():
    text = WHOLE.replace('"thrivecart"', '"nocart"').replace("concurrency = 2", "concurrency = 99")
    text = text.replace('on_cancel = "now"', 'on_cancel = "then"').replace('"8"', '""')
    invalid = SettingsInvalid(read(text).problems, "guestlist.toml")
    assert [problem.line for problem in invalid.problems] == [3, 13, 21, 26]
    assert str(invalid).startswith("guestlist.toml has 4 mistakes; nothing was changed.\n  line 3, carts[0].kind: ")


def test_the_same_id_twice_names_both_places():
    ((line, place, words),) = told('[[sites]]\nid = "a"\n[[sites]]\nid = "a"\n')
    assert (line, place) == (3, "sites[1]")
    assert "sites[0] on line 1: a" in words


def test_the_same_item_twice_names_both_places_however_the_option_is_written():
    rule = '[[rules]]\ncart = "shop"\nitem = "{}"\noption = {}\ngrants = [{{ site = "a", level = 8 }}]\n'
    other = rule.format("product-12", 79)
    ((line, place, words),) = told(rule.format("product-12", 78) + other + rule.format("product-12", '"78"'))
    assert (line, place) == (11, "rules[2]")
    assert "rules[0] on line 1: shop product-12 option 78" in words


@pytest.mark.parametrize(
    ("value", "words"),
    [("", "is empty"), (" ", "is empty"), ("a\n", "line break"), (" a", "blanks at its ends")],
)
def test_a_variable_that_holds_no_secret_is_named(value: str, words: str):
    ((line, place, text),) = told(WHOLE, ACADEMY_KEY=value)
    assert (line, place) == (12, "sites[0].api_key")
    assert "ACADEMY_KEY" in text
    assert words in text


def test_no_message_and_no_representation_shows_a_secret():
    secret = "TOP SECRET\\u0001"
    text = (
        f'[[carts]]\nid = "shop"\nsecret = "{secret}"\n[[sites]]\nid = "a"\nurl = "https://me:TOP SECRET@x.example"\n'
    )
    file = read(text, LONG="TOP SECRET")
    assert len(file.problems) == 2
    assert "TOP SECRET" not in str(SettingsInvalid(file.problems))
    assert "TOP SECRET" not in repr(
        read('[[carts]]\nid = "shop"\nsecret = { env = "LONG" }\n', LONG="TOP SECRET").carts
    )


def test_a_broken_block_still_counts_as_named():
    file = read('[[sites]]\nid = "academy"\nconcurrency = 99\n')
    assert file.named_sites == {"academy"}
    assert file.sites == ()


PAGE = (Path(__file__).parents[2] / "docs/reference/settings-file.md").read_text()


def test_the_whole_file_of_the_reference_page_can_be_read():
    example = PAGE.split("```toml\n")[1].split("```")[0]
    file = read(example, SHOP_SECRET="x", ACADEMY_API_KEY="y")
    assert not file.problems
    assert file.rules[1].block.policies() == {
        field.name: field.default for field in fields(Rule) if field.name in file.rules[1].block.policies()
    }


@pytest.mark.parametrize(("name", "model"), list(BLOCKS.items()))
def test_the_reference_page_lists_every_key_with_its_words_and_default(name: str, model: type[Block]):
    section = PAGE.split(f"## `[[{name}]]`")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in section.splitlines() if "| `" in row]
    documented = {key.strip("` "): (words, default) for keys, words, default in rows for key in keys.split(",")}
    assert list(documented) == list(model.model_fields)
    defaults = {field.name: field.default for field in fields(Rule)} if name == "rules" else {}
    for key, default in defaults.items():
        if isinstance(default, StrEnum):
            words, told = documented[key]
            assert told == f"`{default}`"
            assert set(re.findall(r"`([a-z-]+)`", words)) >= {word.value for word in type(default)}
        elif isinstance(default, int):
            assert documented[key][1] == f"`{default}`"


scalars = st.one_of(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.floats(), st.text(max_size=5), st.dates())
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
grants = st.fixed_dictionaries({}, optional={"site": anything, "level": anything, "x": anything})


def tables(model: type[Block]) -> st.SearchStrategy[dict[str, object]]:
    keys = dict.fromkeys([*model.model_fields, "x"], anything)
    return st.fixed_dictionaries({}, optional=keys | {"grants": anything | st.lists(grants, max_size=3)})


@given(
    st.fixed_dictionaries(
        {}, optional={name: anything | st.lists(tables(model), max_size=2) for name, model in BLOCKS.items()}
    )
)
def test_no_document_is_so_strange_that_its_mistakes_cannot_be_told(document: dict[str, object]):
    text = tomlkit.dumps(document)
    for problem in read(text).problems:
        assert problem.line is not None
        assert problem.line <= text.count("\n") + 1
        assert problem.place
        assert problem.problem
