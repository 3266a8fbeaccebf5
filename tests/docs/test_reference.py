"""The reference pages against the code: every command, option, environment variable and API path, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from prometheus_client import REGISTRY

from guestlist.api.urls import api
from guestlist.cli.main import app
from guestlist.dashboard import metrics
from guestlist.domain.sentences import CHOICES
from guestlist.inbox import door_metrics  # noqa: F401 (registers the door's metrics, as in the web role)
from guestlist.sandbox.cart.run import EVENTS

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def sections(page: str, heading: str) -> dict[str, str]:
    """The text beneath each heading that is one piece of code, by that code."""
    text = (REFERENCE / page).read_text()
    found = re.findall(rf"^{heading} `([^`]+)`$(.*?)(?=^#{{1,{len(heading)}}} |\Z)", text, re.MULTILINE | re.DOTALL)
    assert len({name for name, _ in found}) == len(found)
    return dict(found)


# --- commands ---------------------------------------------------------------------------------------------------


def commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, nested in command.commands.items():
            yield from commands(nested, *path, name)
    else:
        yield " ".join(path), command


COMMANDS = dict(commands(typer.main.get_command(app), "guestlist"))
COMMAND_SECTIONS = sections("commands.md", "###")


def test_each_command_is_documented_and_each_documented_command_exists():
    assert list(COMMAND_SECTIONS) == [name for name in COMMAND_SECTIONS if name in COMMANDS]
    assert set(COMMAND_SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_option_of_a_command_is_documented_and_each_documented_option_exists(name):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("-")}
    documented = set(re.findall(r"^\| `(--[a-z-]+)` \|", COMMAND_SECTIONS[name], re.MULTILINE))

    assert documented == options


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_default_of_an_option_is_the_documented_one(name):
    rows = re.findall(r"^\| `(--[a-z-]+)` \| `?([^|`]*?)`? \| [^|]+ \|$", COMMAND_SECTIONS[name], re.MULTILINE)
    defaults = {
        parameter.opts[0]: parameter.default
        for parameter in COMMANDS[name].params
        if not isinstance(parameter.default, bool) and parameter.default not in (None, "")
    }

    documented = dict(rows)
    for option, default in defaults.items():
        shown = f"{default:g}" if isinstance(default, float) else str(getattr(default, "value", default))
        assert documented[option] == shown, option


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_each_command_says_what_it_does_and_what_its_parameters_are(name):
    command = COMMANDS[name]

    assert command.help
    assert all(parameter.help for parameter in command.params)


def test_the_events_that_the_sandbox_cart_sends_are_documented():
    assert set(re.findall(r"`(order\.\w+|cart\.\w+|customer_\w+)`", COMMAND_SECTIONS["guestlist sandbox cart"])) == set(
        EVENTS
    )


# --- environment ------------------------------------------------------------------------------------------------

# Handed on to the embedded PostgreSQL's programs as they are.
NOT_OURS = {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP"}


def environment_variables() -> set[str]:
    """Every name that the program looks up in its environment, or that looks like one of its own."""
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            found |= set(_looked_up(node))
    return found - NOT_OURS


def _looked_up(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)) if re.fullmatch(r"GUESTLIST_[A-Z0-9_]+|DATABASE_URL", text):
            yield text
        case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
            yield name
        case ast.Call(func=ast.Attribute() as function, args=[ast.Constant(value=str(name)), *_]):
            if function.attr == "getenv" or ast.unparse(function.value) == "os.environ":
                yield name


def test_each_environment_variable_is_documented_and_each_documented_one_is_read():
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (REFERENCE / "settings.md").read_text(), re.MULTILINE)

    assert len(documented) == len(set(documented))
    assert set(documented) == environment_variables()


def test_the_search_for_environment_variables_sees_each_way_to_read_one():
    code = "os.environ['A']; os.environ.get('B', ''); os.getenv('C'); x = 'GUESTLIST_D'; os.environ.pop('E'); y = 'F'"

    found = {name for node in ast.walk(ast.parse(code)) for name in _looked_up(node)}

    assert found == {"A", "B", "C", "GUESTLIST_D", "E"}


# --- settings file ----------------------------------------------------------------------------------------------


def test_each_choice_of_a_rule_is_explained_in_its_own_sentence():
    text = (REFERENCE / "settings-file.md").read_text()
    explained = dict(re.findall(r'^\| `(\w+ = "[\w-]+")` \| (.+) \|$', text, re.MULTILINE))

    assert explained == {
        f'{field} = "{value}"': told for field, values in CHOICES.items() for value, told in values.items()
    }


# --- HTTP -------------------------------------------------------------------------------------------------------

OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, methods in api.get_openapi_schema()["paths"].items()
    for method, operation in methods.items()
}
HTTP_SECTIONS = sections("http.md", "###")


def test_each_operation_of_the_api_is_documented_and_each_documented_one_exists():
    assert set(HTTP_SECTIONS) == set(OPERATIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_parameter_of_an_operation_is_documented(name):
    parameters = [entry["name"] for entry in OPERATIONS[name]["parameters"] if entry["in"] == "query"]

    assert [parameter for parameter in parameters if f"`{parameter}`" not in HTTP_SECTIONS[name]] == []


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_field_of_an_answer_that_is_shown_first_is_documented(name):
    schema = api.get_openapi_schema()
    answer = OPERATIONS[name]["responses"][200]["content"]["application/json"]["schema"]
    fields = schema["components"]["schemas"][answer["$ref"].rpartition("/")[2]]["properties"]
    general = (REFERENCE / "http.md").read_text().partition("### ")[0]
    told = re.findall(r"`(\w+)`|\"(\w+)\":", general + HTTP_SECTIONS[name])

    assert set(fields) - {field for pair in told for field in pair} == set()


def test_each_field_of_each_thing_that_is_sent_or_answered_is_documented():
    schemas = api.get_openapi_schema()["components"]["schemas"]
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", (REFERENCE / "http.md").read_text()))))

    fields = {(name, field) for name, schema in schemas.items() for field in schema.get("properties", {})}

    assert {(name, field) for name, field in fields if field not in told} == set()


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_each_operation_is_described_for_programs(name):
    operation = OPERATIONS[name]

    assert operation["description"]
    assert operation["security"]
    assert {200, 401, 422, 503} <= set(operation["responses"])


def test_each_metric_is_documented_and_each_documented_one_exists():
    counted = {name.removesuffix("_created") for name in (metric.name for metric in REGISTRY.collect())}
    told = set(re.findall(r'"(guestlist_\w+)"', Path(metrics.__file__).read_text()))
    text = (REFERENCE / "http.md").read_text()
    documented = {name.removesuffix("_total") for name in re.findall(r"^\| `(guestlist_\w+)` \|", text, re.MULTILINE)}

    assert documented == told | {name for name in counted if name.startswith("guestlist_")}
