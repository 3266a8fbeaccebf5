"""Reads a settings file (docs/reference/settings-file.md) into checked blocks; every mistake is told with its line.

Only what the file itself shows is checked here. Whether an id exists, and what a block that leaves fields out comes to,
depends on what is stored: see `settings_wanted`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from guestlist.domain.help_topics import HelpTopic
from guestlist.fulfilment.settings_blocks import Block, CartBlock, GrantBlock, RuleBlock, SiteBlock
from guestlist.fulfilment.settings_fields import described, did_you_mean, shortened
from guestlist.fulfilment.toml_lines import Path, TomlLines

BLOCKS: dict[str, type[Block]] = {"carts": CartBlock, "sites": SiteBlock, "rules": RuleBlock}

# One good line for each field that can be missing, to show in the remedy.
EXAMPLES = {
    "id": 'id = "shop"',
    "kind": "kind = ...",
    "secret": 'secret = { env = "NAME" }',
    "url": 'url = "https://academy.example.com"',
    "cart": 'cart = "shop"',
    "item": 'item = "product-12"',
    "grants": 'grants = [ { site = "academy", level = "8" } ]',
    "site": 'site = "academy"',
    "level": 'level = "8"',
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake in a settings file.

    Attributes:
        line: counted from 1; None = it concerns the file as a whole.
        place: the field as `rules[3].grants[1].level`, counted from 0; "" = the file as a whole.
        problem, remedy: in words.
        help: the page of help about it.
    """

    line: int | None
    place: str
    problem: str
    remedy: str
    help: HelpTopic | None = None

    def __str__(self) -> str:
        where = ", ".join(filter(None, [f"line {self.line}" if self.line else "", self.place])) or "the file"
        return f"{where}: {self.problem.rstrip('.')}. {self.remedy}".rstrip()


class SettingsInvalid(Exception):
    """A settings file cannot be applied, for these reasons; nothing was changed."""

    def __init__(self, problems: Iterable[Problem], source: str = "") -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line or 0, problem.place))
        self.source = source
        count = "one mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        told = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(f"{source or 'The settings file'} has {count}; nothing was changed.{told}")


B = TypeVar("B", bound=Block)


@dataclass(frozen=True, slots=True)
class Entry(Generic[B]):
    """A sound block and its place in the file."""

    path: Path
    block: B


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """What a file says.

    Attributes:
        carts, sites, rules: the sound blocks.
        named_carts, named_sites: all ids that the file names, those of unsound blocks too, so that one mistake in a
            site's block does not make every rule for it look wrong.
        problems: what is wrong with the other blocks.
    """

    carts: tuple[Entry[CartBlock], ...]
    sites: tuple[Entry[SiteBlock], ...]
    rules: tuple[Entry[RuleBlock], ...]
    named_carts: frozenset[str]
    named_sites: frozenset[str]
    problems: tuple[Problem, ...]
    lines: TomlLines

    def problem(self, path: Path, problem: str, remedy: str, topic: HelpTopic | None = None) -> Problem:
        """A problem at a place of this file."""
        return Problem(self.lines.line(path), place_name(path), problem, remedy, topic)


def place_name(path: Path) -> str:
    """`rules[3].grants[1].level`."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        else:
            plain = part if re.fullmatch(r"[\w-]+", part) else json.dumps(shortened(part), ensure_ascii=False)
            name += f".{plain}" if name else plain
    return name


def read_settings_file(text: str, environ: Mapping[str, str]) -> SettingsFile:
    """Read a settings file.

    Args:
        text: the file's text.
        environ: where `{ env = "NAME" }` is looked up.

    Raises:
        SettingsInvalid: it is not TOML at all. Any other mistake is listed in the answer's `problems`.
    """
    data, lines = _parsed(text)
    reader = _Reader(lines, environ)
    reader.check_top(data)
    carts = reader.blocks(data, "carts", CartBlock)
    sites = reader.blocks(data, "sites", SiteBlock)
    rules = reader.blocks(data, "rules", RuleBlock)
    for entry in rules:
        reader.check_grants(entry)
    return SettingsFile(
        carts=reader.unique(carts, lambda block: ("id", block.id)),
        sites=reader.unique(sites, lambda block: ("id", block.id)),
        rules=reader.unique(rules, lambda block: ("cart, item and option", block.key)),
        named_carts=_named(data, "carts"),
        named_sites=_named(data, "sites"),
        problems=tuple(reader.problems),
        lines=lines,
    )


def _parsed(text: str) -> tuple[dict[str, Any], TomlLines]:
    text = text.removeprefix("\ufeff")
    try:
        return tomllib.loads(text), TomlLines(text)
    except tomllib.TOMLDecodeError as error:
        _refuse_syntax(text, str(error))
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets within brackets without end
        problem = "no settings file looks like this: a number is too long or brackets are nested too deeply"
        raise SettingsInvalid([Problem(None, "", problem, "Write it anew.")]) from None


_TOML_ERROR = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)


def _refuse_syntax(text: str, message: str) -> NoReturn:
    found = _TOML_ERROR.fullmatch(message)
    told = found[1] if found else message
    line = int(found[2]) if found and found[2] else text.count("\n") + 1
    place = f"column {found[3]}" if found and found[3] else "end of the file"
    if "overwrite" in told or "twice" in told or "redefine" in told:
        remedy = "The same key or table stands in the file before: keep one of the two."
    else:
        remedy = "Look at the quotation marks, brackets and the = sign here and on the line before."
    raise SettingsInvalid([Problem(line, place, f"this is not valid TOML ({told})", remedy)])


def _named(data: Mapping[str, Any], name: str) -> frozenset[str]:
    tables = data.get(name)
    found = [table.get("id") for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []
    return frozenset(id_ for id_ in found if isinstance(id_, str))


class _Reader:
    """Collects the problems of one file."""

    def __init__(self, lines: TomlLines, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self._lines = lines
        self._environ = environ

    def refuse(self, path: Path, problem: str, remedy: str) -> None:
        self.problems.append(Problem(self._lines.line(path), place_name(path), problem, remedy))

    def check_top(self, data: Mapping[str, Any]) -> None:
        for key in data:
            if key not in BLOCKS:
                hint = did_you_mean(key, BLOCKS)
                self.refuse((key,), "is not known", f"{hint}A settings file holds [[carts]], [[sites]] and [[rules]].")

    def blocks(self, data: Mapping[str, Any], name: str, model: type[B]) -> list[Entry[B]]:
        """All sound blocks of one kind."""
        tables = data.get(name, [])
        if not isinstance(tables, list):
            remedy = f"Write [[{name}]], with two brackets on each side, before each one."
            self.refuse((name,), f"must be a list of tables, not {described(tables)}", remedy)
            return []
        entries = []
        for index, table in enumerate(tables):
            path = (name, index)
            try:
                block = model.model_validate(table, context={"environ": self._environ})
            except ValidationError as error:
                for details in error.errors(include_url=False, include_input=True):
                    self._refuse_field(path, model, details)
            else:
                entries.append(Entry(path, block))
        return entries

    def check_grants(self, entry: Entry[RuleBlock]) -> None:
        """Within one rule each level is named once."""
        first: dict[tuple[str, str], int] = {}
        for index, grant in enumerate(entry.block.grants):
            earlier = first.setdefault((grant.site, grant.level), index)
            if earlier != index:
                problem = f'gives level "{grant.level}" of {grant.site} once more (as grants[{earlier}] does)'
                self.refuse((*entry.path, "grants", index), problem, "Name each level once.")

    def unique(self, entries: Iterable[Entry[B]], key: Callable[[B], tuple[str, object]]) -> tuple[Entry[B], ...]:
        """The entries without those that name the same thing as an earlier one."""
        first: dict[object, Entry[B]] = {}
        for entry in entries:
            named, value = key(entry.block)
            earlier = first.setdefault(value, entry)
            if earlier is not entry:
                at = f"{place_name(earlier.path)} on line {self._lines.line(earlier.path)}"
                self.refuse(entry.path, f"has the same {named} as {at}: {value}", "Keep one of the two.")
        return tuple(first.values())

    def _refuse_field(self, block: Path, model: type[Block], details: ErrorDetails) -> None:
        path = (*block, *details["loc"])
        if "grants" in details["loc"][:-2]:
            model = GrantBlock
        problem, remedy = _told(model, details)
        self.refuse(path, problem, remedy)


def _told(model: type[Block], details: ErrorDetails) -> tuple[str, str]:
    """A validation error in words: problem and remedy."""
    field = str(details["loc"][-1]) if details["loc"] else ""
    match details["type"]:
        case "settings":
            return details["ctx"]["problem"], details["ctx"]["remedy"]
        case "extra_forbidden":
            known = list(model.model_fields)
            return "is not known", f"{did_you_mean(field, known)}Known here: {', '.join(known)}."
        case "missing":
            return "is missing", f"Add it, like: {EXAMPLES[field]}"
        case "list_type":
            return f"must be a list, not {described(details['input'])}", f"Write it like: {EXAMPLES[field]}"
        case "model_type" if not details["loc"]:
            return f"must be a table, not {described(details['input'])}", "Write each one as a table of its own."
        case "model_type":
            return (
                f"must be a table, not {described(details['input'])}",
                'Write it like: { site = "academy", level = "8" }',
            )
        case other:
            raise AssertionError(f"no words for the validation error {other}")
